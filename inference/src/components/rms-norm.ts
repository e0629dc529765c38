/**
 * RMSNorm of each row x of d entries with weight g:
 * S = sum x_i^2 < 2^63, inv = largest integer with inv^2 (S + E) <= 2^64 d, y_i = floor(x_i inv g_i / 2^32).
 */
import { INT32_MAX, INT32_MIN, INT64_MAX, isqrt } from '../ints.js';
import { activations, expectLength, INT32_RANGE, overflow, type Site } from './site.js';

export interface RmsNormResult {
  S: BigInt64Array;
  inv: BigInt64Array;
  y: BigInt64Array;
}

/** inv of one row. */
export function rmsInverse(S: bigint, epsilon: bigint, d: number): bigint {
  return isqrt((BigInt(d) << 64n) / (S + epsilon));
}

/** @param epsilon E of the semantics, from `normEpsilon`. */
export function rmsNorm(
  x: BigInt64Array,
  g: Int32Array,
  rows: number,
  d: number,
  epsilon: bigint,
  at: Site,
): RmsNormResult {
  expectLength(at, 'the input', x.length, rows, d);
  expectLength(at, 'the weight', g.length, d);
  activations(at, x, d);
  const S = new BigInt64Array(rows);
  const inv = new BigInt64Array(rows);
  const y = new BigInt64Array(rows * d);
  const weights = Array.from(g, BigInt);
  for (let t = 0; t < rows; t++) {
    let sum = 0n;
    for (let i = 0; i < d; i++) sum += x[t * d + i] * x[t * d + i];
    if (sum > INT64_MAX) throw overflow(at, t, 0, 'sum of squares < 2^63', sum);
    const root = rmsInverse(sum, epsilon, d);
    if (root >= 1n << 32n) throw overflow(at, t, 0, 'inverse root < 2^32', root);
    for (let i = 0; i < d; i++) {
      const v = (x[t * d + i] * root * weights[i]) >> 32n;
      if (v < INT32_MIN || v > INT32_MAX) throw overflow(at, t, i, INT32_RANGE, v);
      y[t * d + i] = v;
    }
    S[t] = sum;
    inv[t] = root;
  }
  return { S, inv, y };
}
