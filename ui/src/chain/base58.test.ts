import { expect, test } from '@jest/globals';
import { fieldOfBase58 } from './base58.js';

test('hashes as Mina writes them', () => {
  // ledger hash and its field element, of mainnet's first genesis account: see local-node/src/account-hash.test.ts
  const text = 'jwnEz6CjzSYowUsvw5gKpuTkRjBY5dEtc6YmQj1U5d2k5KZzTmc';
  const element = fieldOfBase58(text, 'test');
  expect(element).toBe(
    23666772436449632344559744496945918978164113767280072857413066524387716890714n,
  );
  expect(fieldOfBase58(text.replace('jwnEz6', 'jwnEz7'), 'test')).not.toBe(element);
});

test('what is not base58 is refused', () => {
  for (const text of ['0OIl', 'jw nE', 'j'.repeat(81)])
    expect(() => fieldOfBase58(text, 'test')).toThrow(
      expect.objectContaining({ code: 'BAD_ANSWER', got: text }),
    );
});
