import { expect, it } from '@jest/globals';
import {
  bitsPerQuery,
  openingParameters,
  otherErrorBits,
  SECURITY_BITS,
} from '../commitment/parameters.js';
import { hashingErrorBits, hashingErrors, parametersOfBoth } from './errors.js';
import { hashingLayout } from './layout.js';
import { TreeHash } from './tree-hash.js';

const SIZES = [
  [20, 1, 18, 4],
  [20, 2, 19, 2],
  [25, 1, 21, 6],
  [18, 4, 18, 6],
];

it.each(SIZES)(
  'queries of 2^%i at 2^-%i and of S, 2^%i at 2^-%i, stay below the level together',
  (logSize, logInvRate, logS, rateS) => {
    const { first, second } = parametersOfBoth(
      { logSize, logInvRate },
      { logSize: logS, logInvRate: rateS },
    );
    const error = [first, second]
      .flatMap((p) => p.rounds.map((r) => ({ ...r, grinding: p.grindingBits })))
      .reduce((sum, r) => sum + 2 ** -(r.queries * bitsPerQuery(r.logInvRate) + r.grinding), 0);
    expect(-Math.log2(error)).toBeGreaterThanOrEqual(SECURITY_BITS);
    for (const p of [first, second]) expect(otherErrorBits(p)).toBeGreaterThan(150);
    // one level's own number would not do
    const alone = openingParameters(logSize, logInvRate);
    const more = first.rounds.some((r, k) => r.queries > alone.rounds[k].queries);
    expect(more).toBe(true);
  },
);

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
