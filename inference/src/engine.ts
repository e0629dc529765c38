/** What runs the components: the native kernels, or the TypeScript reference. Both obey docs/integer-semantics.md. */
import { add, multiply, scaleRows } from './components/element-wise.js';
import { argmax } from './components/argmax.js';
import { exponentials, type ExponentialsResult } from './components/exponentials.js';
import { gemm, gemmAcc, type GemmResult, type GemmShape } from './components/gemm.js';
import { gatherRows, scatterRows } from './components/moe.js';
import { rmsNorm, type RmsNormResult } from './components/rms-norm.js';
import { rope, type RopeAngles } from './components/rope.js';
import { sigmoid, type SigmoidResult } from './components/sigmoid.js';
import type { Site } from './components/site.js';
import {
  mul1,
  mul2,
  softmax,
  type AttentionShape,
  type ScoreInputs,
  type SoftmaxResult,
} from './components/softmax.js';
import { gating, type GatingResult } from './components/top-k.js';
import type { Router } from './architecture/nodes.js';
import type { AttentionDigits } from './config.js';

type Result<T> = T | Promise<T>;

/** The native kernels, or the TypeScript reference. */
export type EngineName = 'native' | 'reference';

/** See the component files for shapes and scales. */
export interface Engine {
  readonly name: EngineName;
  /** acc (rows, outer) = x (rows, inner) times w (outer, inner), and y = floor(acc / 2^16). */
  gemm(x: BigInt64Array, w: Int32Array, shape: GemmShape, at: Site): Result<GemmResult>;
  /** The accumulators alone, at 2^32. */
  gemmAcc(x: BigInt64Array, w: Int32Array, shape: GemmShape, at: Site): Result<BigInt64Array>;
  /**
   * GeMM of chosen rows: row `from[i]` of x to row `to[i]` of out; other rows of out stay. Rows of the shape are the
   * number of chosen rows, `at.position` takes a row of out.
   */
  gemmRows(
    x: BigInt64Array,
    from: Int32Array,
    w: Int32Array,
    shape: GemmShape,
    to: Int32Array,
    out: GemmResult,
    at: Site,
  ): Result<void>;
  /** RMSNorm of each row of d entries; `epsilon` comes from `normEpsilon`. */
  rmsNorm(
    x: BigInt64Array,
    g: Int32Array,
    rows: number,
    d: number,
    epsilon: bigint,
    at: Site,
  ): Result<RmsNormResult>;
  /** Rotates the pairs of x (rows, heads, d) by each row's position. */
  rope(
    x: BigInt64Array,
    angles: RopeAngles,
    rows: number,
    heads: number,
    d: number,
    at: Site,
  ): Result<BigInt64Array>;
  /** Attention scores (heads, queries, keys); for all pairs, or only where the key is not after the query. */
  mul1(
    inputs: ScoreInputs,
    shape: AttentionShape,
    allPairs: boolean,
    at: Site,
  ): Result<BigInt64Array>;
  /** Causal softmax of scores; `scale` comes from `softmaxScale`, by the same digits (the short ones, where none are given). */
  softmax(
    acc: BigInt64Array,
    scale: number,
    shape: AttentionShape,
    at: Site,
    digits?: AttentionDigits,
  ): Result<SoftmaxResult>;
  /** Sums of values (keys, heads, width), weighted by the probabilities p. */
  mul2(
    p: BigInt64Array,
    values: BigInt64Array,
    width: number,
    shape: AttentionShape,
    at: Site,
    digits?: AttentionDigits,
  ): Result<GemmResult>;
  /** Table index and sigmoid at 2^16 of each entry. */
  sigmoid(x: BigInt64Array): Result<SigmoidResult>;
  /** Sum of arrays of (rows, width). */
  add(terms: BigInt64Array[], rows: number, width: number, at: Site): Result<BigInt64Array>;
  /** floor(a b / 2^16) of (rows, width). */
  multiply(
    a: BigInt64Array,
    b: BigInt64Array,
    rows: number,
    width: number,
    at: Site,
  ): Result<BigInt64Array>;
  /** floor(w(r) x(r,i) / 2^16): each row by its own factor. */
  scaleRows(
    x: BigInt64Array,
    w: BigInt64Array,
    rows: number,
    width: number,
    at: Site,
  ): Result<BigInt64Array>;
  /** exp(x - max) of each row of (rows, width), by table. */
  exponentials(x: BigInt64Array, rows: number, width: number, at: Site): Result<ExponentialsResult>;
  /** Group-limited top-k of the router by `choice` and bias, and weights from scores. */
  gating(
    score: BigInt64Array,
    choice: BigInt64Array,
    bias: Int32Array,
    rows: number,
    router: Router,
    at: Site,
  ): Result<GatingResult>;
  /** Index of the largest entry of each row; ties go to the lower index. */
  argmax(acc: BigInt64Array, rows: number, width: number, at: Site): Result<BigInt64Array>;
}

/** The specification in executable form: slow, plain, exact. */
export const referenceEngine: Engine = {
  name: 'reference',
  gemm,
  gemmAcc,
  gemmRows(x, from, w, shape, to, out, at) {
    const { inner, outer } = shape;
    const place: Site = { component: at.component, position: (row) => at.position(to[row]) };
    const { acc, y } = gemm(gatherRows(x, from, inner), w, shape, place);
    scatterRows(acc, to, outer, out.acc);
    scatterRows(y, to, outer, out.y);
  },
  rmsNorm,
  rope,
  mul1,
  softmax,
  mul2,
  sigmoid,
  add,
  multiply,
  scaleRows,
  exponentials,
  gating,
  argmax,
};
