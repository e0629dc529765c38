// `npm run proofs:stand-in`: makes the proofs that contracts/src/testing/stand-in-proofs.ts reads.
import { makeStandInProofs } from '@attensor/contracts/testing';
import { writeFileSync } from 'node:fs';
import { setBackend } from 'o1js';

setBackend('native');
const { path, file } = await makeStandInProofs();
writeFileSync(path, `${JSON.stringify(file, null, 2)}\n`);
console.log(path);
// threads of o1js would keep the process alive
process.exit();
