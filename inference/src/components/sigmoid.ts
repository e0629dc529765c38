/**
 * Sigmoid by table and SiLU: f = floor(x / 32), c = clamp(f + 32768, 0, 65535), sigma = SIG[c];
 * SiLU(x) = floor(x sigma / 2^16).
 */
import { fromNumbers, toNumbers } from '../ints.js';
import { multiply } from './element-wise.js';
import { type Site } from './site.js';
import { sigmoidTable } from './tables.js';

export interface SigmoidResult {
  c: BigInt64Array;
  sigma: BigInt64Array;
}

/** Table index of x at 2^16. */
export function sigmoidIndex(x: number): number {
  return Math.min(Math.max(Math.floor(x / 32) + 32768, 0), 65535);
}

export function sigmoid(x: BigInt64Array): SigmoidResult {
  const table = sigmoidTable();
  const c = toNumbers(x).map(sigmoidIndex);
  return { c: fromNumbers(c), sigma: fromNumbers(c.map((i) => table[i])) };
}

/** SiLU of x (rows, width), given sigma = sigmoid(x). */
export function silu(
  x: BigInt64Array,
  sigma: BigInt64Array,
  rows: number,
  width: number,
  at: Site,
): BigInt64Array {
  return multiply(x, sigma, rows, width, at);
}
