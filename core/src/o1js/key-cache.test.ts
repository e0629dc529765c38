import { afterEach, beforeEach, expect, it } from '@jest/globals';
import type { Cache } from 'o1js';
import { mkdtemp, readdir, rm } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { keyCache } from './key-cache.js';

let folder: string;
let cache: Cache;
beforeEach(async () => {
  folder = await mkdtemp(join(tmpdir(), 'attensor-keys-'));
  cache = keyCache(folder);
});
afterEach(() => rm(folder, { recursive: true, force: true }));

const header = (circuit: string): Parameters<Cache['read']>[0] => ({
  ...{ version: 1, kind: 'step-vk', programName: '', methodName: '', methodIndex: 0, hash: '' },
  ...{ persistentId: 'a-method', uniqueId: circuit, dataType: 'string' },
});
const read = (circuit: string): string | undefined => {
  const bytes = cache.read(header(circuit));
  return bytes && new TextDecoder().decode(bytes);
};
const write = (circuit: string, key: string): void =>
  cache.write(header(circuit), new TextEncoder().encode(key));

it('a key is found by its circuit, and another one takes its place', () => {
  write('old', 'a key');
  expect(read('old')).toBe('a key');
  write('new', 'another');
  expect(read('old')).toBeUndefined();
  expect(read('new')).toBe('another');
});

it('a key that cannot be written whole leaves the old one as it was, and no part', async () => {
  write('old', 'a key');
  expect(() => cache.write(header('new'), undefined as unknown as Uint8Array)).toThrow();
  expect(read('old')).toBe('a key');
  expect((await readdir(join(folder, 'keys'))).sort()).toEqual(['a-method', 'a-method.header']);
});
