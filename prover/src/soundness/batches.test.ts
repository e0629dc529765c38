/** Every batch weighs its claims by powers of a challenge: false claims that cancel under equal weights are refused. */
import { describe, expect, it } from '@jest/globals';
import { VerificationError } from '../protocol/tape.js';
import { openFalsely, openOthers, reduceFalsely, sumFalsely } from '../testing/cancelling.js';

const refused = (run: Promise<void>): Promise<void> =>
  expect(run).rejects.toThrow(VerificationError);

describe('alpha: claims on a vector and its sample', () => {
  it('hold if they are true', () => reduceFalsely({}));
  it('are refused if two cancel', () => refused(reduceFalsely({ first: 1n, second: -1n })));
  it('are refused if a claim and the sample cancel', async () => {
    await refused(reduceFalsely({ first: 1n, sample: -1n }));
    await refused(reduceFalsely({ second: 1n, sample: -1n }));
  });
  it('are refused if the sample alone is false', () => refused(reduceFalsely({ sample: 1n })));
});

describe('lambda: numerator and denominator', () => {
  it('hold if the sum is zero', () => sumFalsely([1n, 2n, 3n, -6n, 1n, -1n, 4n, -4n]));
  it('are refused if they cancel', () => refused(sumFalsely([1n, 2n, 3n, -6n, 1n, -1n, 4n, -3n])));
});

describe('mu: two vectors', () => {
  it('hold if they are the committed ones', () => openOthers(0n));
  it('are refused if their differences cancel', () => refused(openOthers(1n)));
});

describe('gamma: the claim and a folded vector’s sample', () => {
  it('hold if they are true', () => openFalsely(0n, 0n));
  it('are refused if they cancel', () => refused(openFalsely(1n, 'cancels')));
  it('are refused if the sample alone is false', () => refused(openFalsely(0n, 1n)));
});
