import { describe, expect, it } from '@jest/globals';
import { Cache } from 'o1js';
import { KNOWN_KEYS } from './known-keys-data.js';
import { withKnownKeys } from './known-keys.js';

type CacheHeader = Parameters<Cache['read']>[0];

const header = (uniqueId: string): CacheHeader => ({
  ...{ version: 1, kind: 'step-vk', programName: '', methodName: '', methodIndex: 0, hash: '' },
  ...{ persistentId: '', uniqueId, dataType: 'string' },
});

// attestation-contract.proof.test.ts compiles, and compares
describe('the known verification keys', () => {
  it('are those of seven methods of the contract, four of settlements, and three programs', () => {
    const kinds = Object.keys(KNOWN_KEYS).map((id) =>
      id.replace(/(-\d+-\w+)?-[0-9a-f]{32}$/, '').replace('-vk', ''),
    );
    const counts = Object.fromEntries(
      [...new Set(kinds)].map((kind) => [kind, kinds.filter((each) => each === kind).length]),
    );
    expect(counts).toEqual({
      'step-attestationcontract': 7,
      'step-attensor-settlement-part-3': 3,
      'step-attensor-settlement-3': 1,
      'wrap-attestationcontract': 1,
      'wrap-attensor-settlement-part-3': 1,
      'wrap-attensor-settlement-3': 1,
    });
  });

  it('are found by name and hash of their circuit, in front of what the cache holds', () => {
    const [[id, key]] = Object.entries(KNOWN_KEYS);
    const kept = new Uint8Array([1, 2, 3]);
    const cache = withKnownKeys({ ...Cache.None, read: () => kept });
    expect(new TextDecoder().decode(cache.read(header(id)))).toBe(key);
    expect(cache.read(header(id.replace(/.$/, 'x')))).toBe(kept);
  });

  it('leave what is written to the cache', () => {
    const written: string[] = [];
    const write = ({ uniqueId }: CacheHeader) => void written.push(uniqueId);
    withKnownKeys({ ...Cache.None, write }).write(header('a key'), new Uint8Array());
    expect(written).toEqual(['a key']);
  });
});
