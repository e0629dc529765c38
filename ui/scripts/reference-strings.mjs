// Writes `generated/reference-strings.bin`: what a browser would need a minute to compute (src/worker/reference-strings.ts).
// o1js computes them once and keeps them in the key cache; this only changes their form.
import { createHash } from 'node:crypto';
import { existsSync, mkdirSync, readFileSync, renameSync, writeFileSync } from 'node:fs';
import { homedir } from 'node:os';
import { join } from 'node:path';
import { fileURLToPath } from 'node:url';

const folder = fileURLToPath(new URL('../generated/', import.meta.url));
const target = join(folder, 'reference-strings.bin');
const { STRINGS, STRINGS_SHA256 } = await import('../dist/worker/strings-format.js');

const sha256 = (bytes) => createHash('sha256').update(bytes).digest('hex');
if (existsSync(target) && sha256(readFileSync(target)) === STRINGS_SHA256) process.exit(0);

const { Cache, initializeBindings, setBackend } = await import('o1js');
const { loadReferenceStrings } = await import('@attensor/prover/srs');
setBackend('native');
await initializeBindings();
const keys = join(process.env.ATTENSOR_CACHE ?? join(homedir(), '.cache', 'attensor'), 'keys');
if (!(await loadReferenceStrings(Cache.FileSystem(keys), 1))) {
  throw Error('o1js did not compute its reference strings; is it the pinned version?');
}

const read = (name) => JSON.parse(readFileSync(join(keys, name), 'utf8'));
const lists = {
  step: read(`srs-fp-${STRINGS.step.size}`),
  wrap: read(`srs-fq-${STRINGS.wrap.size}`),
  lagrange: read(`lagrange-basis-fq-${STRINGS.lagrange.size}`).map(({ shifted }) => shifted[0]),
};
const coordinate = (decimal) =>
  Buffer.from(BigInt(decimal).toString(16).padStart(64, '0'), 'hex').reverse();
const bytes = Buffer.concat(
  Object.entries(STRINGS).flatMap(([name, { count }]) => {
    if (lists[name].length !== count) throw Error(`${name}: ${lists[name].length} points`);
    return lists[name].flatMap(({ x, y }) => [coordinate(x), coordinate(y)]);
  }),
);
const found = sha256(bytes);
if (found !== STRINGS_SHA256) {
  throw Error(
    `the reference strings have SHA-256 ${found}, src/worker/strings-format.ts says ${STRINGS_SHA256}`,
  );
}
mkdirSync(folder, { recursive: true });
writeFileSync(`${target}.part`, bytes);
renameSync(`${target}.part`, target);
console.error(`reference strings: ${bytes.length} bytes`);
process.exit(0);
