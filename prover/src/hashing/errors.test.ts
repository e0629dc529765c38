import { expect, it } from '@jest/globals';
import { hashingErrorBits, hashingErrors } from './errors.js';
import { hashingLayout } from './layout.js';
import { TreeHash } from './tree-hash.js';

it('relations of large traces miss less than 2^-200, and more where there is more to miss', () => {
  const group = { trees: 64, queries: 512, entries: 64, depth: 28 };
  const small = hashingLayout(new TreeHash(8), [group]);
  const large = hashingLayout(
    new TreeHash(8),
    Array.from({ length: 30 }, () => group),
  );
  const bits = (layout: typeof small, rate: number, said: number): number =>
    hashingErrorBits(hashingErrors(layout, rate, said));
  expect(bits(large, 6, 40)).toBeGreaterThan(200);
  expect(bits(large, 6, 40)).toBeLessThan(bits(small, 6, 40));
  expect(bits(small, 6, 1)).toBeLessThan(bits(small, 2, 1));
  expect(bits(small, 2, 40)).toBeLessThan(bits(small, 2, 1));
});
