// Writes `generated/*.bin`: constants that a browser would need minutes to compute (src/worker/reference-strings.ts).
// o1js computes them once and keeps them in the key cache; this only changes their form.
import { createHash } from 'node:crypto';
import { existsSync, mkdirSync, readFileSync, renameSync, writeFileSync } from 'node:fs';
import { homedir } from 'node:os';
import { join } from 'node:path';
import { fileURLToPath } from 'node:url';
import { COMPILING, pointCount, VERIFYING } from '../dist/worker/strings-format.js';

const folder = fileURLToPath(new URL('../generated/', import.meta.url));
const sha256 = (bytes) => createHash('sha256').update(bytes).digest('hex');
const missing = Object.entries({ verifying: VERIFYING, compiling: COMPILING })
  .map(([name, file]) => ({ ...file, path: join(folder, `${name}.bin`) }))
  .filter(({ path, sha256: wanted }) => !existsSync(path) || sha256(readFileSync(path)) !== wanted);
if (missing.length > 0) await write(missing);
process.exit(0);

async function write(files) {
  const { Cache, initializeBindings, setBackend } = await import('o1js');
  const { loadBases } = await import('@attensor/core/o1js');
  setBackend('native');
  await initializeBindings();
  const keys = join(process.env.ATTENSOR_CACHE ?? join(homedir(), '.cache', 'attensor'), 'keys');
  mkdirSync(keys, { recursive: true });
  const bases = files.flatMap(({ lists }) => lists.filter(({ kind }) => kind === 'lagrange'));
  const logs = (field) =>
    bases.filter((list) => list.field === field).map(({ size }) => Math.log2(size));
  await loadBases(Cache.FileSystem(keys), { fp: logs('fp'), fq: logs('fq') });
  mkdirSync(folder, { recursive: true });
  for (const { path, lists, sha256: wanted } of files) {
    const bytes = Buffer.concat(lists.flatMap((list) => points(keys, list)));
    const found = sha256(bytes);
    if (found !== wanted) {
      throw Error(
        `${path} would have SHA-256 ${found}; src/worker/strings-format.ts says ${wanted}`,
      );
    }
    writeFileSync(`${path}.part`, bytes);
    renameSync(`${path}.part`, path);
    console.error(`${path}: ${bytes.length} bytes`);
  }
}

/** A list as the cache has it, in the file's form. */
function points(keys, list) {
  const { kind, field, size } = list;
  const name = `${kind === 'srs' ? 'srs' : 'lagrange-basis'}-${field}-${size}`;
  const stored = JSON.parse(readFileSync(join(keys, name), 'utf8'));
  if (stored.length !== pointCount(list)) throw Error(`${name}: ${stored.length} points`);
  return stored.map((entry) => {
    const { x, y } = entry.shifted?.[0] ?? entry;
    return Buffer.concat([coordinate(x), coordinate(y)]);
  });
}

function coordinate(decimal) {
  return Buffer.from(BigInt(decimal).toString(16).padStart(64, '0'), 'hex').reverse();
}
