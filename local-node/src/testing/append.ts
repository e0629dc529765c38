/** Appends to a log until it is killed: `node append.js <path>`; prints each number once it is acknowledged. */
import { writeSync } from 'node:fs';
import { Log } from '../log.js';

const { log, entries } = await Log.open(process.argv[2]);
// lines of many lengths, so that a kill meets them anywhere
for (let n = entries.length; ; n++) {
  await log.append({ n, text: 'x'.repeat((n * 7919) % 5000) });
  writeSync(1, `${n}\n`);
}
