/** Starts the embedded chain's process, prints its id, and stays until it is killed: `node start-chain.js <cache folder>`. */
import { ChainProcess } from '../chain-process.js';

console.log(ChainProcess.start(process.argv[2]).pid);
setInterval(() => undefined, 1000);
