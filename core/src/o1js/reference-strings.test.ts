/** What verification believes of the cache's files. */
import { expect, it } from '@jest/globals';
import { type Cache, type CacheHeader, initializeBindings, setBackend } from 'o1js';
import {
  loadBases,
  REFERENCE_STRING_HASHES,
  WRAP_LOG_DOMAINS,
  withGenuineStrings,
} from './reference-strings.js';

const header = (kind: string, persistentId: string): CacheHeader =>
  ({ kind, persistentId, uniqueId: persistentId, dataType: 'string', version: 1 }) as CacheHeader;

const holding = (bytes: Uint8Array): Cache => ({
  read: () => bytes,
  write: () => undefined,
  canWrite: false,
});

it('pins every file that a verification reads', () => {
  const names = ['srs-fp-65536', 'srs-fq-32768'];
  for (const log of WRAP_LOG_DOMAINS) names.push(`lagrange-basis-fq-${2 ** log}`);
  for (const name of names) expect(REFERENCE_STRING_HASHES[name]).toMatch(/^[0-9a-f]{64}$/);
});

it('takes no other content for one of them, and keys as they are', () => {
  const forged = withGenuineStrings(holding(new TextEncoder().encode('[]')));
  for (const name of Object.keys(REFERENCE_STRING_HASHES))
    expect(forged.read(header(name.startsWith('srs') ? 'srs' : 'lagrange-basis', name))).toBe(
      undefined,
    );
  // sizes nobody pinned: only bases that no verification reads
  expect(forged.read(header('srs', 'srs-fq-65536'))).toBe(undefined);
  expect(forged.read(header('lagrange-basis', 'lagrange-basis-fq-4096'))).toBe(undefined);
  expect(forged.read(header('lagrange-basis', 'lagrange-basis-fp-4096'))).toBeDefined();
  expect(forged.read(header('step-pk', 'step-pk-x'))).toBeDefined();
});

it('finds in what o1js writes the pinned hashes, and refuses two points swapped', async () => {
  setBackend('native');
  await initializeBindings();
  const written = new Map<string, Uint8Array>();
  const cache: Cache = {
    read: () => undefined,
    write: ({ persistentId }, bytes) => void written.set(persistentId, bytes),
    canWrite: true,
  };
  await loadBases(cache, { fp: [], fq: [] });
  expect([...written.keys()]).toEqual(['srs-fp-65536', 'srs-fq-32768']);
  for (const [name, bytes] of written) {
    const genuine = withGenuineStrings(holding(bytes)).read(header('srs', name));
    expect(genuine).toBe(bytes);
    const points = JSON.parse(new TextDecoder().decode(bytes)) as unknown[];
    [points[5], points[6]] = [points[6], points[5]];
    const swapped = new TextEncoder().encode(JSON.stringify(points));
    expect(withGenuineStrings(holding(swapped)).read(header('srs', name))).toBe(undefined);
  }
}, 300_000);
