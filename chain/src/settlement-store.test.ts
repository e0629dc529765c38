import { afterAll, beforeAll, expect, it } from '@jest/globals';
import { mkdtemp, readdir, rm, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { settlementStore } from './settlement-store.js';

const PROOF = { publicInput: ['1'], publicOutput: [], maxProofsVerified: 2 as const, proof: 'abc' };
const NAME = 'part-0-10-123';

let cache: string;
beforeAll(async () => {
  cache = await mkdtemp(join(tmpdir(), 'attensor-store-'));
});
afterAll(() => rm(cache, { recursive: true, force: true }));

it('keeps proofs by contract and name, until they are removed', async () => {
  const store = await settlementStore(cache, 'B62a');
  expect(await store.names()).toEqual([]);
  await store.write(NAME, PROOF);
  expect(await store.names()).toEqual([NAME]);
  expect(await store.read(NAME)).toEqual(PROOF);
  expect(await (await settlementStore(cache, 'B62b')).names()).toEqual([]);
  expect(await readdir(join(cache, 'settlements', 'B62a'))).toEqual([`${NAME}.json`]);
  await store.remove(NAME);
  await store.remove(NAME);
  expect(await store.names()).toEqual([]);
});

it('gives nothing for what is absent, torn or no proof, and ignores other files', async () => {
  const store = await settlementStore(cache, 'B62c');
  const folder = join(cache, 'settlements', 'B62c');
  expect(await store.read(NAME)).toBeUndefined();
  for (const text of [
    '',
    JSON.stringify(PROOF).slice(0, 20),
    '{}',
    'null',
    '{"publicInput": [1]}',
  ]) {
    await writeFile(join(folder, `${NAME}.json`), text);
    expect(await store.read(NAME)).toBeUndefined();
  }
  await writeFile(join(folder, `${NAME}.json.77.tmp`), 'half');
  await writeFile(join(folder, 'notes.txt'), 'mine');
  expect(await store.names()).toEqual([NAME]);
});
