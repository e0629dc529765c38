/** RoPE on interleaved pairs (a, b) = (x_2j, x_2j+1): (floor((a cos - b sin) / 2^16), floor((a sin + b cos) / 2^16)). */
import { INT32_MAX, INT32_MIN, fromNumbers } from '../ints.js';
import { activations, expectLength, INT32_RANGE, overflow, type Site } from './site.js';

/** Rows of the tables: one per token of the input, d/2 entries each. */
export interface RopeAngles {
  cos: Int32Array;
  sin: Int32Array;
}

/** @param x (rows, heads, d); every head of a row turns by the same angles. */
export function rope(
  x: BigInt64Array,
  angles: RopeAngles,
  rows: number,
  heads: number,
  d: number,
  at: Site,
): BigInt64Array {
  expectLength(at, 'the input', x.length, rows, heads, d);
  expectLength(at, 'the cosine table', angles.cos.length, rows, d / 2);
  expectLength(at, 'the sine table', angles.sin.length, rows, d / 2);
  const X = activations(at, x, heads * d);
  const y = new Float64Array(x.length);
  const half = d / 2;
  for (let t = 0; t < rows; t++) {
    for (let h = 0; h < heads; h++) {
      for (let j = 0; j < half; j++) {
        const i = (t * heads + h) * d + 2 * j;
        const cos = angles.cos[t * half + j];
        const sin = angles.sin[t * half + j];
        // |a|, |b| <= 2^31 and |cos|, |sin| <= 2^16: sums stay within 2^48
        y[i] = Math.floor((X[i] * cos - X[i + 1] * sin) / 65536);
        y[i + 1] = Math.floor((X[i] * sin + X[i + 1] * cos) / 65536);
        for (const k of [i, i + 1]) {
          if (y[k] < INT32_MIN || y[k] > INT32_MAX) {
            throw overflow(at, t, k - t * heads * d, INT32_RANGE, y[k]);
          }
        }
      }
    }
  }
  return fromNumbers(y);
}
