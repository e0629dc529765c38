/**
 * @module model
 * The integer kernels of the model, in C++. docs/integer-semantics.md specifies their arithmetic.
 *
 * Activations are int64 arrays, weights and tables int32; every array is row-major and dense. Small work runs at once,
 * large work on a worker thread: a function returns its result, or a promise of it. Inputs must not change meanwhile.
 */
import { half } from './addon.js';

export type KernelResult<T> = T | Promise<T>;

/** What a kernel throws for a value outside its declared width (OVERFLOW, ZERO_SUM), when cancelled, or without the GPU it needs. */
export interface KernelError extends Error {
  code:
    | 'OVERFLOW'
    | 'ZERO_SUM'
    | 'CANCELLED'
    | 'DEVICE_MISSING'
    | 'DEVICE_OUT_OF_MEMORY'
    | 'DEVICE_FAILED'
    | 'INTERNAL';
  kernel: string;
  /** Place in the component's input or output, what was expected and found; only of OVERFLOW and ZERO_SUM. */
  row?: number;
  column?: number;
  expected?: string;
  got?: string;
}

export function isKernelError(error: unknown): error is KernelError {
  return typeof error === 'object' && error !== null && 'kernel' in error && 'code' in error;
}

export interface MatrixShape {
  rows: number;
  inner: number;
  outer: number;
}

export interface Scaled {
  /** Accumulators at 2^32, and floor(acc / 2^16). */
  acc: BigInt64Array;
  y: BigInt64Array;
}

/** Query row t is position start + t; keys are positions 0 .. keys - 1; keys = start + queries. */
export interface AttentionDims {
  start: number;
  queries: number;
  keys: number;
  heads: number;
}

export interface RouterShape {
  experts: number;
  groups: number;
  topkGroup: number;
  topk: number;
  /** How many of a group's best experts give the group its value. */
  groupRank: 1 | 2;
  /** R of the semantics */
  scale: number;
  /** What scores are divided by: the sum of the selected ones, of all, or 2^16. */
  divisor: 'selected' | 'all' | 'one';
}

/** The arguments by the names of native/src/bindings/model.cc, which checks them. */
type Call = (
  args: Record<string, unknown>,
  signal: AbortSignal | undefined,
  onWorker: boolean,
) => undefined | Promise<undefined>;
const native = half<
  Record<string, Call> & { forget(constant: number): void; residentBytes(): number }
>('model');

/** Multiplications above which a kernel goes to a worker thread; some 100 microseconds. */
const WORKER_THRESHOLD = 2 ** 18;

function run<T>(
  kernel: string,
  args: Record<string, unknown>,
  work: number,
  signal: AbortSignal | undefined,
  result: T,
): KernelResult<T> {
  try {
    const done = native[kernel](args, signal, work > WORKER_THRESHOLD);
    if (done === undefined) return result;
    return done.then(
      () => result,
      (error: unknown) => {
        throw named(kernel, error);
      },
    );
  } catch (error) {
    throw named(kernel, error);
  }
}

/** Mistakes in a call, and what any function of the addon may report. */
const GENERAL = ['WRONG_TYPE', 'OUT_OF_RANGE', 'OUT_OF_MEMORY'];

/** A failure of a kernel says which one it was. */
const named = (kernel: string, error: unknown): unknown =>
  typeof error === 'object' && // also one of another realm
  error !== null &&
  'code' in error &&
  !GENERAL.includes(error.code as string)
    ? Object.assign(error, { kernel })
    : error;

const constants = new WeakMap<Int32Array, number>();
let lastConstant = 0;
const gone = new FinalizationRegistry((id: number) => native.forget(id));

/** Promises that the weights never change: a GPU may keep them from one call to the next. @returns the same array */
export function constant(w: Int32Array): Int32Array {
  if (!constants.has(w)) {
    constants.set(w, ++lastConstant);
    gone.register(w, lastConstant);
  }
  return w;
}

/** Bytes of constant weights that are on a GPU now. */
export function residentBytes(): number {
  return native.residentBytes();
}

const ints = (...dims: number[]): BigInt64Array =>
  new BigInt64Array(dims.reduce((a, b) => a * b, 1));

/** acc(t,o) = sum_i X(t,i) W(o,i), y = floor(acc / 2^16). x (rows, inner), w (outer, inner). */
export function gemm(
  x: BigInt64Array,
  w: Int32Array,
  { rows, inner, outer }: MatrixShape,
  signal?: AbortSignal,
): KernelResult<Scaled> {
  const out = { acc: ints(rows, outer), y: ints(rows, outer) };
  const args = { rows, inner, outer, x, w, ...out, constant: constants.get(w) ?? 0 };
  return run('gemm', args, rows * inner * outer, signal, out);
}

/** GeMM without the rescale. */
export function gemmAcc(
  x: BigInt64Array,
  w: Int32Array,
  { rows, inner, outer }: MatrixShape,
  signal?: AbortSignal,
): KernelResult<BigInt64Array> {
  const acc = ints(rows, outer);
  const args = { rows, inner, outer, x, w, acc, constant: constants.get(w) ?? 0 };
  return run('gemm', args, rows * inner * outer, signal, acc);
}

/** GeMM of row from[i] of x to row to[i] of out (MoE dispatch); other rows of out stay. */
export function gemmRows(
  x: BigInt64Array,
  from: Int32Array,
  w: Int32Array,
  { inner, outer }: MatrixShape,
  to: Int32Array,
  out: Scaled,
  signal?: AbortSignal,
): KernelResult<void> {
  const args = {
    inRows: x.length / inner,
    outRows: out.y.length / outer,
    inner,
    outer,
    x,
    from,
    w,
    to,
    acc: out.acc,
    y: out.y,
    constant: constants.get(w) ?? 0,
  };
  return run('gemmRows', args, from.length * inner * outer, signal, undefined);
}

/** S = sum x^2, inv = largest integer with inv^2 (S + epsilon) <= 2^64 d, y = floor(x inv g / 2^32). */
export function rmsNorm(
  x: BigInt64Array,
  g: Int32Array,
  rows: number,
  d: number,
  epsilon: bigint,
  signal?: AbortSignal,
): KernelResult<{ S: BigInt64Array; inv: BigInt64Array; y: BigInt64Array }> {
  const out = { S: ints(rows), inv: ints(rows), y: ints(rows, d) };
  return run('rmsNorm', { rows, d, epsilon, x, g, ...out }, 4 * rows * d, signal, out);
}

/** Interleaved pairs of x (rows, heads, d) turned by cos and sin (rows, d / 2) at 2^16. */
export function rope(
  x: BigInt64Array,
  cos: Int32Array,
  sin: Int32Array,
  rows: number,
  heads: number,
  d: number,
  signal?: AbortSignal,
): KernelResult<BigInt64Array> {
  const y = ints(rows, heads, d);
  return run('rope', { rows, heads, half: d / 2, x, cos, sin, y }, 4 * y.length, signal, y);
}

/** Scores (heads, queries, keys); masked pairs are 0 unless allPairs. */
export function mul1(
  inputs: {
    qn: BigInt64Array;
    kn: BigInt64Array;
    qr: BigInt64Array;
    kr: BigInt64Array;
    nope: number;
    rope: number;
  },
  shape: AttentionDims,
  allPairs: boolean,
  signal?: AbortSignal,
): KernelResult<BigInt64Array> {
  const acc = ints(shape.heads, shape.queries, shape.keys);
  const work = acc.length * (inputs.nope + inputs.rope);
  return run('mul1', { ...shape, ...inputs, allPairs, acc }, work, signal, acc);
}

/** Bits after the point of what scales scores, and of probabilities. */
export interface SoftmaxDigits {
  scale: number;
  probability: number;
}

/** Causal softmax of the scores. @param scale C, by its digits; @param table EXP of the semantics. */
export function softmax(
  acc: BigInt64Array,
  scale: number,
  table: Int32Array,
  shape: AttentionDims,
  digits: SoftmaxDigits,
  signal?: AbortSignal,
): KernelResult<Record<'z' | 'max' | 'c' | 'o' | 'e' | 'sum' | 'inv' | 'p', BigInt64Array>> {
  const { queries, keys, heads } = shape;
  const pairs = (): BigInt64Array => ints(heads, queries, keys);
  const rows = (): BigInt64Array => ints(heads, queries);
  const out = {
    z: pairs(),
    max: rows(),
    c: pairs(),
    o: pairs(),
    e: pairs(),
    sum: rows(),
    inv: rows(),
    p: pairs(),
  };
  const bits = { scaleBits: digits.scale, probabilityBits: digits.probability };
  const given = { ...shape, ...bits, scale, table, acc, ...out };
  return run('softmax', given, 8 * acc.length, signal, out);
}

/** acc(t,h,v) = sum over visible s of p(h,t,s) V(s,h,v), y = floor(acc / 2^b). @param probabilityBits b */
export function mul2(
  p: BigInt64Array,
  values: BigInt64Array,
  width: number,
  shape: AttentionDims,
  probabilityBits: number,
  signal?: AbortSignal,
): KernelResult<Scaled> {
  const { queries, heads, keys } = shape;
  const out = { acc: ints(queries, heads, width), y: ints(queries, heads, width) };
  const given = { ...shape, width, probabilityBits, p, values, ...out };
  return run('mul2', given, out.y.length * keys, signal, out);
}

/** Sum of arrays (rows, width). */
export function add(
  terms: BigInt64Array[],
  rows: number,
  width: number,
  signal?: AbortSignal,
): KernelResult<BigInt64Array> {
  const y = ints(rows, width);
  return run('add', { rows, width, terms, y }, y.length, signal, y);
}

/** floor(a b / 2^16). */
export function multiply(
  a: BigInt64Array,
  b: BigInt64Array,
  rows: number,
  width: number,
  signal?: AbortSignal,
): KernelResult<BigInt64Array> {
  const y = ints(rows, width);
  return run('multiply', { rows, width, a, b, y }, y.length, signal, y);
}

/** floor(w(r) x(r,i) / 2^16). */
export function scaleRows(
  x: BigInt64Array,
  w: BigInt64Array,
  rows: number,
  width: number,
  signal?: AbortSignal,
): KernelResult<BigInt64Array> {
  const y = ints(rows, width);
  return run('scaleRows', { rows, width, x, w, y }, y.length, signal, y);
}

/** c = clamp(floor(x / 32) + 32768, 0, 65535), sigma = table[c]. @param table SIG of the semantics. */
export function sigmoid(
  x: BigInt64Array,
  table: Int32Array,
  signal?: AbortSignal,
): KernelResult<{ c: BigInt64Array; sigma: BigInt64Array }> {
  const out = { c: ints(x.length), sigma: ints(x.length) };
  return run('sigmoid', { count: x.length, table, x, ...out }, x.length, signal, out);
}

/** Per row, max and u = floor((max - x) / 2^4), c = min(u, 65535), o = u - c, e = table[c]. @param table EXP of the semantics. */
export function exponentials(
  x: BigInt64Array,
  table: Int32Array,
  rows: number,
  width: number,
  signal?: AbortSignal,
): KernelResult<Record<'max' | 'c' | 'o' | 'e', BigInt64Array>> {
  const pairs = (): BigInt64Array => ints(rows, width);
  const out = { max: ints(rows), c: pairs(), o: pairs(), e: pairs() };
  return run('exponentials', { rows, width, table, x, ...out }, x.length, signal, out);
}

/** Group-limited top-k by choice + bias. @param score in 0 .. 2^16, @param choice int32 */
export function gating(
  score: BigInt64Array,
  choice: BigInt64Array,
  bias: Int32Array,
  rows: number,
  shape: RouterShape,
  signal?: AbortSignal,
): KernelResult<
  Record<
    'groupBest' | 'groupValue' | 'groupSelected' | 'expertSelected' | 'expert' | 'weight',
    BigInt64Array
  >
> {
  const { experts, groups, topkGroup, topk, groupRank, scale, divisor } = shape;
  const out = {
    groupBest: ints(rows, experts),
    groupValue: ints(rows, groups),
    groupSelected: ints(rows, groups),
    expertSelected: ints(rows, experts),
    expert: ints(rows, topk),
    weight: ints(rows, topk),
  };
  const router = { experts, groups, topkGroup, topk, groupRank, scale };
  const sums = { divideBySelected: divisor === 'selected', divideByAll: divisor === 'all' };
  const args = { rows, ...router, ...sums, score, choice, bias, ...out };
  return run('gating', args, 16 * rows * experts, signal, out);
}

/** Largest entry of each row of (rows, width), ties to the lower index. */
export function argmax(
  acc: BigInt64Array,
  rows: number,
  width: number,
  signal?: AbortSignal,
): KernelResult<BigInt64Array> {
  const next = ints(rows);
  return run('argmax', { rows, width, acc, next }, acc.length, signal, next);
}
