/** GeMM and rescale: acc(t,o) = sum_i X(t,i) W(o,i) at 2^32, y = floor(acc / 2^16). */
import { ACC_LIMIT, fromNumbers, maxAbs } from '../ints.js';
import { ACC_RANGE, activations, expectLength, overflow, type Site } from './site.js';

export interface GemmShape {
  rows: number;
  inner: number;
  outer: number;
}

export interface GemmResult {
  acc: BigInt64Array;
  y: BigInt64Array;
}

export function gemm(x: BigInt64Array, w: Int32Array, shape: GemmShape, at: Site): GemmResult {
  const acc = gemmNumbers(x, w, shape, at);
  return { acc: fromNumbers(acc), y: rescale(acc) };
}

/** Without the rescale (head). */
export function gemmAcc(
  x: BigInt64Array,
  w: Int32Array,
  shape: GemmShape,
  at: Site,
): BigInt64Array {
  return fromNumbers(gemmNumbers(x, w, shape, at));
}

/** y = floor(acc / 2^16). */
export function rescale(acc: Float64Array): BigInt64Array {
  return fromNumbers(acc.map((a) => Math.floor(a / 65536)));
}

function gemmNumbers(x: BigInt64Array, w: Int32Array, shape: GemmShape, at: Site): Float64Array {
  const { rows, inner, outer } = shape;
  expectLength(at, 'the input', x.length, rows, inner);
  expectLength(at, 'the weight', w.length, outer, inner);
  const X = activations(at, x, inner);
  const acc = new Float64Array(rows * outer);
  const safe = maxAbs(X) * maxAbs(w) * inner <= 2 ** 52; // then no partial sum leaves the doubles
  for (let t = 0; t < rows; t++) {
    for (let o = 0; o < outer; o++) {
      let sum = 0;
      if (safe) {
        for (let i = 0; i < inner; i++) sum += X[t * inner + i] * w[o * inner + i];
      } else {
        sum = exactDot(x, t * inner, w, o * inner, inner, (exact) =>
          overflow(at, t, o, ACC_RANGE, exact),
        );
      }
      if (sum < -ACC_LIMIT || sum >= ACC_LIMIT) throw overflow(at, t, o, ACC_RANGE, sum);
      acc[t * outer + o] = sum;
    }
  }
  return acc;
}

function exactDot(
  x: BigInt64Array,
  xAt: number,
  w: Int32Array,
  wAt: number,
  n: number,
  tooLarge: (exact: bigint) => Error,
): number {
  let sum = 0n;
  for (let i = 0; i < n; i++) sum += x[xAt + i] * BigInt(w[wAt + i]);
  if (sum < -(2n ** 47n) || sum >= 2n ** 47n) throw tooLarge(sum);
  return Number(sum);
}
