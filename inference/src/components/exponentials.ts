/**
 * exp(x - max) of each row: u = floor((max - x) / 2^4), c = min(u, 65535), o = u - c, e = EXP[c]. Divided by their sum, they are a
 * softmax of x at 2^16.
 */
import { fromNumbers } from '../ints.js';
import { activations, expectLength, type Site } from './site.js';
import { expTable } from './tables.js';

export interface ExponentialsResult {
  max: BigInt64Array;
  c: BigInt64Array;
  o: BigInt64Array;
  e: BigInt64Array;
}

/** @param x (rows, width) */
export function exponentials(
  x: BigInt64Array,
  rows: number,
  width: number,
  at: Site,
): ExponentialsResult {
  expectLength(at, 'the input', x.length, rows, width);
  const X = activations(at, x, width);
  const table = expTable();
  const max = new Float64Array(rows);
  const c = new Float64Array(x.length);
  const o = new Float64Array(x.length);
  for (let t = 0; t < rows; t++) {
    const row = X.subarray(t * width, (t + 1) * width);
    max[t] = row.reduce((a, b) => Math.max(a, b), -Infinity);
    row.forEach((value, i) => {
      const u = Math.floor((max[t] - value) / 16);
      c[t * width + i] = Math.min(u, 65535);
      o[t * width + i] = u - Math.min(u, 65535);
    });
  }
  return {
    max: fromNumbers(max),
    c: fromNumbers(c),
    o: fromNumbers(o),
    e: fromNumbers(c.map((i) => table[i])),
  };
}
