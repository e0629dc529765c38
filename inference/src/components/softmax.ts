/**
 * Attention: mul1 (scores), Softmax with causal mask, mul2 (context).
 *
 * `queries` rows belong to positions start .. start + queries - 1, `keys` to positions 0 .. keys - 1 with
 * keys = start + queries. A key s is visible to query t if s <= t.
 */
import {
  ACC_LIMIT,
  fromNumbers,
  INT64_MAX,
  INT64_MIN,
  maxAbs,
  mulShift,
  toNumbers,
} from '../ints.js';
import { SHORT_ATTENTION } from '../config.js';
import type { GemmResult } from './gemm.js';
import { ACC_RANGE, activations, expectLength, INT32_RANGE, overflow, type Site } from './site.js';
import { expTable } from './tables.js';

export interface AttentionShape {
  start: number;
  queries: number;
  keys: number;
  heads: number;
}

export interface ScoreInputs {
  /** (queries, heads, nope), (keys, heads, nope), (queries, heads, rope), (keys, rope). */
  qn: BigInt64Array;
  kn: BigInt64Array;
  qr: BigInt64Array;
  kr: BigInt64Array;
  nope: number;
  rope: number;
}

export interface SoftmaxResult {
  z: BigInt64Array;
  max: BigInt64Array;
  c: BigInt64Array;
  o: BigInt64Array;
  e: BigInt64Array;
  sum: BigInt64Array;
  inv: BigInt64Array;
  p: BigInt64Array;
}

/**
 * acc(h,t,s) = sum_i qn(t,h,i) kn(s,h,i) + sum_i qr(t,h,i) kr(s,i), shape (heads, queries, keys).
 * @param allPairs also the masked pairs s > t (for a trace); 0 there otherwise.
 */
export function mul1(
  inputs: ScoreInputs,
  shape: AttentionShape,
  allPairs: boolean,
  at: Site,
): BigInt64Array {
  const { start, queries, keys, heads } = shape;
  const { nope, rope } = inputs;
  expectLength(at, 'qn', inputs.qn.length, queries, heads, nope);
  expectLength(at, 'kn', inputs.kn.length, keys, heads, nope);
  expectLength(at, 'qr', inputs.qr.length, queries, heads, rope);
  expectLength(at, 'kr', inputs.kr.length, keys, rope);
  const qn = activations(at, inputs.qn, heads * nope);
  const kn = activations(at, inputs.kn, heads * nope);
  const qr = activations(at, inputs.qr, heads * rope);
  const kr = activations(at, inputs.kr, rope);
  const bound = maxAbs(qn) * maxAbs(kn) * nope + maxAbs(qr) * maxAbs(kr) * rope;
  const safe = bound <= 2 ** 52;
  const acc = new BigInt64Array(heads * queries * keys);
  const row = new Float64Array(keys);
  for (let h = 0; h < heads; h++) {
    for (let t = 0; t < queries; t++) {
      const visible = start + t + 1;
      for (let s = 0; s < keys; s++) {
        if (!allPairs && s >= visible) break;
        const qnAt = (t * heads + h) * nope;
        const knAt = (s * heads + h) * nope;
        const qrAt = (t * heads + h) * rope;
        if (safe) {
          let sum = 0;
          for (let i = 0; i < nope; i++) sum += qn[qnAt + i] * kn[knAt + i];
          for (let i = 0; i < rope; i++) sum += qr[qrAt + i] * kr[s * rope + i];
          if (s < visible && (sum < -ACC_LIMIT || sum >= ACC_LIMIT)) {
            throw overflow(at, t, h * keys + s, ACC_RANGE, sum);
          }
          row[s] = sum;
        } else {
          let sum = 0n;
          for (let i = 0; i < nope; i++) sum += inputs.qn[qnAt + i] * inputs.kn[knAt + i];
          for (let i = 0; i < rope; i++) sum += inputs.qr[qrAt + i] * inputs.kr[s * rope + i];
          if (s < visible && (sum < -ACC_LIMIT || sum >= ACC_LIMIT)) {
            throw overflow(at, t, h * keys + s, ACC_RANGE, sum);
          }
          if (sum < INT64_MIN || sum > INT64_MAX) {
            throw overflow(at, t, h * keys + s, 'a masked score within int64', sum);
          }
          acc[(h * queries + t) * keys + s] = sum;
        }
      }
      if (safe) acc.set(fromNumbers(row), (h * queries + t) * keys);
      row.fill(0);
    }
  }
  return acc;
}

/** @param acc (heads, queries, keys) from mul1. @param scale C of the semantics, from `softmaxScale` by the same digits. */
export function softmax(
  acc: BigInt64Array,
  scale: number,
  shape: AttentionShape,
  at: Site,
  digits = SHORT_ATTENTION,
): SoftmaxResult {
  const { start, queries, keys, heads } = shape;
  expectLength(at, 'the scores', acc.length, heads, queries, keys);
  const table = expTable();
  const C = BigInt(scale);
  // acc is at 2^32, z at 2^12
  const shift = BigInt(digits.scale + 20);
  const one = 2 ** (16 + digits.probability) - 1;
  const n = acc.length;
  const rows = heads * queries;
  const z = new BigInt64Array(n);
  const c = new Float64Array(n).fill(65535);
  const o = new Float64Array(n);
  const e = new Float64Array(n).fill(table[65535]);
  const p = new Float64Array(n);
  const max = new Float64Array(rows);
  const sum = new Float64Array(rows);
  const inv = new Float64Array(rows);
  for (let i = 0; i < n; i++) z[i] = (acc[i] * C) >> shift;
  for (let r = 0; r < rows; r++) {
    const visible = start + (r % queries) + 1;
    const Z = toNumbers(z.subarray(r * keys, r * keys + visible));
    max[r] = Z.reduce((a, b) => Math.max(a, b), -Infinity);
    for (let s = 0; s < visible; s++) {
      const u = max[r] - Z[s];
      const at = r * keys + s;
      c[at] = Math.min(u, 65535);
      o[at] = u - c[at];
      e[at] = table[c[at]];
      sum[r] += e[at];
    }
    inv[r] = Math.floor(one / sum[r]);
    for (let s = 0; s < visible; s++) p[r * keys + s] = mulShift(e[r * keys + s], inv[r], 16);
  }
  return {
    z,
    max: fromNumbers(max),
    c: fromNumbers(c),
    o: fromNumbers(o),
    e: fromNumbers(e),
    sum: fromNumbers(sum),
    inv: fromNumbers(inv),
    p: fromNumbers(p),
  };
}

/** acc(t,h,v) = sum over visible s of p(h,t,s) V(s,h,v), y = floor(acc / 2^b), b the digits of p; shape (queries, heads, width). */
export function mul2(
  p: BigInt64Array,
  values: BigInt64Array,
  width: number,
  shape: AttentionShape,
  at: Site,
  digits = SHORT_ATTENTION,
): GemmResult {
  const { start, queries, keys, heads } = shape;
  expectLength(at, 'p', p.length, heads, queries, keys);
  expectLength(at, 'the values', values.length, keys, heads, width);
  const P = activations(at, p, keys);
  const V = activations(at, values, heads * width);
  const acc = new BigInt64Array(queries * heads * width);
  const bits = BigInt(digits.probability);
  const limit = 1n << (31n + bits);
  const safe = maxAbs(P) * maxAbs(V) * keys <= 2 ** 52; // then no partial sum leaves the doubles
  for (let t = 0; t < queries; t++) {
    for (let h = 0; h < heads; h++) {
      for (let v = 0; v < width; v++) {
        let sum: number | bigint = safe ? 0 : 0n;
        for (let s = 0; s <= start + t; s++) {
          const [a, b] = [(h * queries + t) * keys + s, (s * heads + h) * width + v];
          if (typeof sum === 'number') sum += P[a] * V[b];
          else sum += p[a] * values[b];
        }
        const exact = BigInt(sum);
        if (exact < -limit || exact >= limit)
          throw digits.probability === SHORT_ATTENTION.probability
            ? overflow(at, t, h * width + v, ACC_RANGE, exact)
            : overflow(at, t, h * width + v, INT32_RANGE, exact >> bits);
        acc[(t * heads + h) * width + v] = exact;
      }
    }
  }
  return { acc, y: acc.map((sum) => sum >> bits) };
}
