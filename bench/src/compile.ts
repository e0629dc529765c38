/** A process of its own: compiles the contract with the cache folder given, prints the seconds. */
import { AttestationContract } from '@attensor/contracts';
import { Cache, initializeBindings } from 'o1js';

await initializeBindings();
const start = performance.now();
await AttestationContract.compile({ cache: Cache.FileSystem(process.argv[2]) });
process.stdout.write(JSON.stringify({ seconds: (performance.now() - start) / 1000 }));
