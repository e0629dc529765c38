// `npm run keys:contract`: compiles the contract and the settlement program, and writes their verification keys into
// contracts/src/keys/known-keys-data.ts. Needed after every change of their circuits, after the hashes in contract-key.ts.
import { AttestationContract, Settler } from '@attensor/contracts';
import { mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { TextDecoder } from 'node:util';
import { Cache, setBackend } from 'o1js';
import { format, resolveConfig } from 'prettier';
import { root } from './setup.mjs';

setBackend('native');
const dir = mkdtempSync(join(tmpdir(), 'attensor-keys-'));
try {
  const kept = Cache.FileSystem(process.argv[2] ?? dir);
  const keys = new Map();
  const keep = ({ kind, uniqueId }, bytes) => {
    if (bytes !== undefined && kind.endsWith('-vk'))
      keys.set(uniqueId, new TextDecoder().decode(bytes));
    return bytes;
  };
  const cache = {
    ...kept,
    read: (header) => keep(header, kept.read(header)),
    write: (header, bytes) => {
      keep(header, bytes);
      kept.write(header, bytes);
    },
  };
  await AttestationContract.compile({ cache });
  await new Settler({ cache }).compile();

  const lines = [...keys]
    .sort(([a], [b]) => (a < b ? -1 : 1))
    .map(([id, key]) => `'${id}':'${key}',`);
  const text = `/** Written by \`npm run keys:contract\`. By the name and hash of each circuit. */
export const KNOWN_KEYS: Readonly<Record<string, string>> = {${lines.join('\n')}};`;
  const file = join(root, 'contracts/src/keys/known-keys-data.ts');
  const options = { ...(await resolveConfig(file)), parser: 'typescript' };
  writeFileSync(file, await format(text, options));
  console.log(`${file}: ${keys.size} keys`);
} finally {
  rmSync(dir, { recursive: true, force: true });
}
// threads of o1js would keep the process alive
process.exit();
