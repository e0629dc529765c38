import { describe, expect, test } from '@jest/globals';
import {
  exactFraction,
  floorDiv,
  fromNumbers,
  isqrt,
  mulShift,
  roundDiv,
  toFixed,
  toNumbers,
} from './ints.js';
import { normEpsilon, routedScale, softmaxScale } from './config.js';
import { random } from './testing/fixtures.js';

describe('exact integers', () => {
  test('int64 and numbers convert both ways', () => {
    const values = [0, 1, -1, 2 ** 31, -(2 ** 31), 2 ** 32, -(2 ** 32), 2 ** 53 - 1, 1 - 2 ** 53];
    const ints = fromNumbers(Float64Array.from(values));
    expect([...ints]).toEqual(values.map(BigInt));
    expect([...toNumbers(ints)]).toEqual(values);
    expect(() => toNumbers(BigInt64Array.of(2n ** 53n))).toThrow('INTERNAL');
    expect(() => toNumbers(BigInt64Array.of(-(2n ** 63n)))).toThrow('INTERNAL');
  });

  test('floors and roundings', () => {
    const pick = random(1);
    for (let i = 0; i < 500; i++) {
      const a = pick(-(2 ** 45), 2 ** 45);
      const b = pick(-(2 ** 30), 2 ** 30);
      expect(BigInt(mulShift(a, b, 32))).toBe((BigInt(a) * BigInt(b)) >> 32n);
      const n = BigInt(pick(1, 1000));
      const q = floorDiv(BigInt(a), n);
      expect(q * n <= BigInt(a) && BigInt(a) < (q + 1n) * n).toBe(true);
    }
    expect([-3n, -1n, 1n, 3n, 5n].map((v) => roundDiv(v, 2n))).toEqual([-2n, 0n, 0n, 2n, 2n]);
    expect([1n, 2n, 4n, 5n, -4n, -5n].map((v) => roundDiv(v, 3n))).toEqual([
      0n,
      1n,
      1n,
      2n,
      -1n,
      -2n,
    ]);
  });

  test('square roots', () => {
    for (const n of [0n, 1n, 2n, 3n, 4n, 99n, 100n, 2n ** 64n - 1n, 2n ** 64n, 10n ** 40n]) {
      const r = isqrt(n);
      expect(r * r <= n && n < (r + 1n) * (r + 1n)).toBe(true);
    }
  });

  test('doubles as fractions', () => {
    expect(exactFraction(0.75)).toEqual({ numerator: 3n, denominator: 4n });
    expect(toFixed(1.5, 16)).toBe(98304n);
    expect(toFixed(2 ** -17, 16)).toBe(0n);
    expect(toFixed(3 * 2 ** -17, 16)).toBe(2n);
  });

  test('constants of a model', () => {
    expect(normEpsilon(1e-6, 64)).toBe(274878n);
    expect(normEpsilon(1e-12, 1)).toBe(1n);
    expect(softmaxScale({ nope: 16, rope: 16 })).toBe(Math.round(4096 / Math.sqrt(32)));
    for (let n = 2; n < 300; n += 2) {
      expect(softmaxScale({ nope: n - 1, rope: 1 })).toBe(Math.round(4096 / Math.sqrt(n)));
    }
    expect(routedScale({ routedScaling: 2.5 })).toBe(163840);
  });
});
