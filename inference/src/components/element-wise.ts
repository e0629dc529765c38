/** Element-wise sums and products of activations. */
import { INT32_MAX, INT32_MIN, fromNumbers, mulShift, toNumbers } from '../ints.js';
import { expectLength, INT32_RANGE, overflow, type Site } from './site.js';

/** Sum of arrays of (rows, width). */
export function add(terms: BigInt64Array[], rows: number, width: number, at: Site): BigInt64Array {
  const sum = new Float64Array(rows * width);
  for (const term of terms) {
    expectLength(at, 'a term', term.length, rows, width);
    const values = toNumbers(term);
    for (let i = 0; i < sum.length; i++) sum[i] += values[i];
  }
  return checked(sum, width, at);
}

/** floor(a b / 2^16) of (rows, width). */
export function multiply(
  a: BigInt64Array,
  b: BigInt64Array,
  rows: number,
  width: number,
  at: Site,
): BigInt64Array {
  expectLength(at, 'the first factor', a.length, rows, width);
  expectLength(at, 'the second factor', b.length, rows, width);
  const A = toNumbers(a);
  const B = toNumbers(b);
  return checked(
    A.map((v, i) => mulShift(v, B[i], 16)),
    width,
    at,
  );
}

/** floor(w(r) x(r,i) / 2^16): each row by its own factor. */
export function scaleRows(
  x: BigInt64Array,
  w: BigInt64Array,
  rows: number,
  width: number,
  at: Site,
): BigInt64Array {
  expectLength(at, 'the input', x.length, rows, width);
  expectLength(at, 'the factors', w.length, rows);
  const X = toNumbers(x);
  const W = toNumbers(w);
  return checked(
    X.map((v, i) => mulShift(v, W[Math.floor(i / width)], 16)),
    width,
    at,
  );
}

function checked(values: Float64Array, width: number, at: Site): BigInt64Array {
  for (let i = 0; i < values.length; i++) {
    if (values[i] < INT32_MIN || values[i] > INT32_MAX) {
      throw overflow(at, Math.floor(i / width), i % width, INT32_RANGE, values[i]);
    }
  }
  return fromNumbers(values);
}
