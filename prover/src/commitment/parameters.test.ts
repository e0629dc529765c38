import { describe, expect, it } from '@jest/globals';
import {
  bitsPerQuery,
  GRINDING_BITS,
  LOG_CAP,
  LOG_LEAF,
  openingParameters,
  otherErrorBits,
  queryCount,
  SECURITY_BITS,
} from './parameters.js';

/**
 * WHIR's own configuration (WizardOfMenlo/whir, src/protocols/whir/config.rs, `queries` for list decoding) counts
 * ceil(2 bits / log 1/rate): the same bound without the slack eta. Ours pays for eta = sqrt(rate) / 100 as well.
 */
const whirQueries = (bits: number, logInvRate: number): number =>
  Math.ceil((2 * bits) / logInvRate);

describe('query counts', () => {
  it('are those of the literature', () => {
    // 84 / (rate / 2 - log2 1.01), by hand
    const known: Record<number, number> = { 1: 173, 2: 86, 3: 57, 4: 43, 5: 34, 8: 22, 11: 16 };
    for (const [rate, count] of Object.entries(known))
      expect(queryCount(84, Number(rate))).toBe(count);
  });
  it('are those of WHIR, and what the slack costs', () => {
    // from the tests of that repository
    expect(whirQueries(128, 8)).toBe(32);
    expect(whirQueries(256, 16)).toBe(32);
    for (let rate = 1; rate <= 14; rate++) {
      const slack = rate / 2 / bitsPerQuery(rate);
      expect(queryCount(84, rate)).toBeGreaterThanOrEqual(whirQueries(84, rate));
      expect(queryCount(84, rate)).toBeLessThanOrEqual(Math.ceil(whirQueries(84, rate) * slack));
    }
  });
  it('grow with the bits and shrink with the rate', () => {
    for (let rate = 1; rate < 14; rate++) {
      expect(bitsPerQuery(rate + 1)).toBeGreaterThan(bitsPerQuery(rate));
      expect(queryCount(100, rate)).toBeGreaterThan(queryCount(84, rate));
    }
  });
  it('exist only where a query is worth something', () => {
    expect(() => queryCount(84, 0)).toThrow(RangeError);
  });
});

describe('opening parameters', () => {
  const sizes = Array.from({ length: 21 }, (_, k) => 8 + k);
  it.each(sizes)('2^%i entries: every round has 100 bits, every other term too', (logSize) => {
    for (const rate of [1, 2, 3, 4]) {
      const p = openingParameters(logSize, rate);
      let n = logSize;
      p.rounds.forEach((r, k) => {
        expect(r.logSize).toBe(n);
        expect(r.logInvRate).toBe(rate + 2 * k);
        expect(r.logDomain).toBe(n - LOG_LEAF + r.logInvRate);
        expect(r.logDomain).toBeGreaterThanOrEqual(LOG_CAP);
        expect(r.queries * bitsPerQuery(r.logInvRate) + p.grindingBits).toBeGreaterThanOrEqual(100);
        n -= LOG_LEAF;
      });
      // all query rounds together
      const union = p.rounds.reduce(
        (sum, r) => sum + 2 ** -(r.queries * bitsPerQuery(r.logInvRate) + p.grindingBits),
        0,
      );
      expect(-Math.log2(union)).toBeGreaterThanOrEqual(SECURITY_BITS);
      expect(p.logFinal).toBe(n);
      expect(otherErrorBits(p)).toBeGreaterThanOrEqual(100);
    }
  });
  it('of a part count with the whole vector’s sample', () => {
    // a large rate, so that the sample's term is the largest
    const p = { ...openingParameters(8, 24), rounds: openingParameters(8, 24).rounds.slice(0, 1) };
    expect(otherErrorBits(p, 200)).toBe(otherErrorBits(p, 199) - 1);
    expect(otherErrorBits(openingParameters(25, 2), 28)).toBeGreaterThanOrEqual(100);
  });
  it('keep at most 16 bits for grinding', () => {
    expect(SECURITY_BITS).toBe(100);
    expect(GRINDING_BITS).toBeLessThanOrEqual(16);
  });
  it('refuse sizes that cannot be committed', () => {
    expect(() => openingParameters(7, 2)).toThrow(RangeError);
    expect(() => openingParameters(29, 2)).toThrow(RangeError);
    expect(() => openingParameters(28, 9)).toThrow(RangeError);
  });
});
