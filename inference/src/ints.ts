/**
 * Exact integer helpers of the reference: int64 arrays seen as numbers, floors of products, square roots, roundings.
 *
 * A `number` in this package always holds an integer below 2^53 in absolute value; what may grow beyond is a `bigint`.
 */
import { AttensorError } from '@attensor/core';

const TWO_32 = 2 ** 32;
const MAX_SAFE = Number.MAX_SAFE_INTEGER;

export const INT32_MIN = -(2 ** 31);
export const INT32_MAX = 2 ** 31 - 1;
export const ACC_LIMIT = 2 ** 47;
export const INT64_MIN = -(2n ** 63n);
export const INT64_MAX = 2n ** 63n - 1n;

/** int64 values as numbers. @throws INTERNAL if one is not exactly representable. */
export function toNumbers(values: BigInt64Array): Float64Array {
  const halves = new Int32Array(values.buffer, values.byteOffset, 2 * values.length);
  const out = new Float64Array(values.length);
  for (let i = 0; i < out.length; i++) {
    const v = halves[2 * i + 1] * TWO_32 + (halves[2 * i] >>> 0);
    if (!(Math.abs(v) <= MAX_SAFE)) {
      throw new AttensorError({
        code: 'INTERNAL',
        what: 'an int64 value does not fit a double exactly',
        where: `index ${i}`,
        expected: '|value| < 2^53',
        got: String(values[i]),
      });
    }
    out[i] = v;
  }
  return out;
}

/** Integers below 2^53 as int64. */
export function fromNumbers(values: Float64Array): BigInt64Array {
  const out = new BigInt64Array(values.length);
  const halves = new Int32Array(out.buffer);
  for (let i = 0; i < values.length; i++) {
    const high = Math.floor(values[i] / TWO_32);
    halves[2 * i] = values[i] - high * TWO_32;
    halves[2 * i + 1] = high;
  }
  return out;
}

/** Largest absolute value, 0 for an empty array. */
export function maxAbs(values: Float64Array | Int32Array): number {
  let max = 0;
  for (let i = 0; i < values.length; i++) {
    const v = Math.abs(values[i]);
    if (v > max) max = v;
  }
  return max;
}

/** floor(a b / 2^shift), exact for any integers a, b below 2^53. */
export function mulShift(a: number, b: number, shift: number): number {
  const product = a * b;
  if (Math.abs(product) <= MAX_SAFE) return Math.floor(product / 2 ** shift);
  return Number((BigInt(a) * BigInt(b)) >> BigInt(shift));
}

/** floor(a / b) for b > 0. */
export function floorDiv(a: bigint, b: bigint): bigint {
  const q = a / b;
  return a < 0n && q * b !== a ? q - 1n : q;
}

/** round(a / b) to nearest, ties to even, for b > 0. */
export function roundDiv(a: bigint, b: bigint): bigint {
  const q = floorDiv(2n * a + b, 2n * b);
  const tie = 2n * a + b === 2n * b * q;
  return tie && (q & 1n) === 1n ? q - 1n : q;
}

/** The largest integer r with r^2 <= n. */
export function isqrt(n: bigint): bigint {
  if (n < 0n) throw new RangeError(`isqrt: expected n >= 0, got ${n}`);
  if (n < 2n) return n;
  let r = 1n << BigInt((n.toString(2).length + 1) >> 1);
  for (;;) {
    const next = (r + n / r) >> 1n;
    if (next >= r) return r;
    r = next;
  }
}

/** A finite double as an exact fraction numerator / denominator. */
export function exactFraction(value: number): { numerator: bigint; denominator: bigint } {
  if (!Number.isFinite(value)) throw new RangeError(`exactFraction: expected a finite number`);
  let denominator = 1n;
  while (!Number.isInteger(value)) {
    value *= 2;
    denominator *= 2n;
  }
  return { numerator: BigInt(value), denominator };
}

/** round(value 2^bits) of a finite double, nearest, ties to even. */
export function toFixed(value: number, bits: number): bigint {
  const { numerator, denominator } = exactFraction(value);
  return roundDiv(numerator << BigInt(bits), denominator);
}
