/**
 * @module architecture/nodes
 * The operations a model consists of. A node says what it reads, which weight it has and which tensors it leaves in the trace; the
 * integer run (`forward/operations.ts`) and the prover (`units/wiring.ts`) each know how to carry out every operation.
 */

import { SHORT_ATTENTION } from '../config.js';

/** A dimension of a traced tensor: a size, the positions of the pass (`T`), or those of the cache too (`S`). */
export type TraceDim = number | 'T' | 'S';

/** A tensor that a node leaves in the trace, by its name in docs/integer-semantics.md. */
export interface Result<Name extends string = string> {
  name: Name;
  dims: TraceDim[];
}

/**
 * Where a checkpoint has a weight: the tensor's name, and how its rows are shared. The rows of one group (a head, or everything)
 * are `before`, then the weight's own, then `after`.
 */
export interface Source {
  tensor: string;
  before?: number;
  after?: number;
}

export interface Weight {
  name: string;
  /** What its values are like. */
  role: 'gain' | 'matrix' | 'bias';
  /** Dimensions of what a GeMM gives for a row, and of what it takes; the second are empty for a vector. */
  rows: number[];
  columns: number[];
  /** So many tensors of these dimensions, one for each expert: `*` in the checkpoint's name. */
  experts?: number;
  source: Source;
}

/** As a model stores a weight, row-major. */
export const dimsOf = ({ experts, rows, columns }: Weight): number[] => [
  ...(experts === undefined ? [] : [experts]),
  ...rows,
  ...columns,
];

/** The same as a matrix, or one for each expert. */
export const matrixDimsOf = (weight: Weight): number[] =>
  dimsOf({
    ...weight,
    rows: [product(weight.rows)],
    columns: weight.columns.length > 0 ? [product(weight.columns)] : [],
  });

export const product = (dims: readonly number[]): number => dims.reduce((a, b) => a * b, 1);

const result = <Name extends string>(name: Name, ...dims: TraceDim[]): Result<Name> => ({
  name,
  dims,
});

/** `<name>.<key>` for each key, all of the same dimensions. */
const eachOf = <N extends string, const K extends string>(
  keys: K[],
  name: N,
  ...dims: TraceDim[]
) =>
  Object.fromEntries(keys.map((key) => [key, result(`${name}.${key}`, ...dims)])) as {
    [Key in K]: Result<`${N}.${Key}`>;
  };

const node = <O extends string>(op: O, name: string, ...inputs: string[]) => ({ op, name, inputs });

/** Rows of the vocabulary, by token. */
export const embedding = <const N extends string>(
  name: N,
  vocabulary: number,
  width: number,
  tensor: string,
) => ({
  ...node('embedding', name),
  weight: matrix(name, [vocabulary], [width], { tensor }),
  results: { x: result(`${name}.x` as const, 'T', width) },
});

/** @param gain name of the weight, where it is not `<name>.g` */
export const norm = <const N extends string>(
  name: N,
  input: string,
  width: number,
  epsilon: number,
  tensor: string,
  gain = `${name}.g`,
) => ({
  ...node('norm', name, input),
  width,
  epsilon,
  weight: vector(gain, 'gain', width, tensor),
  results: {
    S: result(`${name}.S` as const, 'T'),
    inv: result(`${name}.inv` as const, 'T'),
    y: result(`${name}.y` as const, 'T', width),
  },
});

/**
 * @param out dimensions of an output row
 * @param inner dimensions of an input row
 * @param weight its name, where it is not the node's
 * @param blocks of an output row, where it is no matrix and yet consists of equal parts
 */
export const gemm = <const N extends string>(
  name: N,
  input: string,
  out: number[],
  inner: number[],
  source: Source,
  weight: string = name,
  blocks = out.length > 1 ? out[0] : 1,
) => ({
  ...node('gemm', name, input),
  outer: product(out),
  inner: product(inner),
  /** Parts of an output row and of an input row, heads mostly: circuits pad each by itself. */
  blocks,
  innerBlocks: inner.length > 1 ? inner[0] : 1,
  weight: matrix(weight, out, inner, source),
  results: eachOf(['acc', 'y'], name, 'T', ...out),
});

/** @param dims of a row; the last one is rotated */
export const rope = <const N extends string>(name: N, input: string, dims: number[]) => ({
  ...node('rope', name, input),
  dims,
  results: { y: result(`${name}.y` as const, 'T', ...dims) },
});

/** mul1: inner products of queries and keys, their parts without and with position. */
export const scores = <const N extends string>(
  name: N,
  inputs: [qn: string, kn: string, qr: string, kr: string],
  heads: number,
  nope: number,
  ropeWidth: number,
) => ({
  ...node('scores', name, ...inputs),
  heads,
  nope,
  rope: ropeWidth,
  results: { acc: result(`${name}.acc` as const, heads, 'T', 'S') },
});

/** @param scale of `softmaxScale`, by the same digits */
export const softmax = <const N extends string>(
  name: N,
  input: string,
  heads: number,
  scale: number,
  digits = SHORT_ATTENTION,
) => ({
  ...node('softmax', name, input),
  heads,
  scale,
  digits,
  results: {
    ...eachOf(['z', 'c', 'o', 'e', 'p'], name, heads, 'T', 'S'),
    ...eachOf(['max', 'sum', 'inv'], name, heads, 'T'),
  },
});

/** mul2: sums of values, weighted by the probabilities. */
export const context = <const N extends string>(
  name: N,
  inputs: [p: string, v: string],
  heads: number,
  width: number,
  digits = SHORT_ATTENTION,
) => ({
  ...node('context', name, ...inputs),
  heads,
  width,
  digits,
  results: eachOf(['acc', 'y'], name, 'T', heads, width),
});

/** Of terms over (T, width), or over (T, rank, width), whose ranks are terms too. */
export const add = <const N extends string>(name: N, inputs: string[], width: number) => ({
  ...node('add', name, ...inputs),
  width,
  results: { y: result(name, 'T', width) },
});

/** @param dims of a row. @param blocks equal parts of its last dimension, as `gemm` has them */
export const sigmoid = <const N extends string>(
  name: N,
  input: string,
  dims: number[],
  blocks = 1,
) => ({
  ...node('sigmoid', name, input),
  dims,
  blocks,
  results: eachOf(['c', 'sigma'], name, 'T', ...dims),
});

/** silu = floor(gate sigma / 2^16), act = floor(silu up / 2^16); their names follow `name` without a dot. */
export const gated = <const N extends string>(
  name: N,
  inputs: [gate: string, sigma: string, up: string],
  dims: number[],
) => ({
  ...node('gated', name, ...inputs),
  dims,
  results: {
    silu: result(`${name}silu.y` as const, 'T', ...dims),
    act: result(`${name}act.y` as const, 'T', ...dims),
  },
});

/** exp(x - max) of a row's entries: a softmax before it is divided by its sum. */
export const exponentials = <const N extends string>(
  name: N,
  input: string,
  width: number,
  blocks = 1,
) => ({
  ...node('exponentials', name, input),
  width,
  blocks,
  results: {
    max: result(`${name}.max` as const, 'T'),
    ...eachOf(['c', 'o', 'e'], name, 'T', width),
  },
});

export interface Router {
  experts: number;
  groups: number;
  topkGroup: number;
  topk: number;
  /** How many of a group's best experts give the group its value. */
  groupRank: 1 | 2;
  /** of `routedScale` */
  scale: number;
  /** What a selected expert's score is divided by: the selected scores, all of them, or what stands for 1. */
  divisor: Divisor;
}

/** See `Router`. */
export type Divisor = 'selected' | 'all' | 'one';

/**
 * Group-limited top-k; names of results follow `name` without a dot.
 *
 * @param inputs scores, and what experts are selected by where it is something else than scores
 * @param tensor of biases for the selection; nothing where there are none
 */
export const gating = <const N extends string>(
  name: N,
  inputs: [score: string, choice?: string],
  router: Router,
  tensor: string | undefined,
  bias = `${name}gate.bias`,
) => {
  const { experts, groups, topk } = router;
  return {
    ...node('gating', name, ...inputs.filter((input) => input !== undefined)),
    router,
    ...(tensor !== undefined && { weight: vector(bias, 'bias', experts, tensor) }),
    results: {
      groupBest: result(
        `${name}group_${router.groupRank === 2 ? 'top2' : 'top1'}.s` as const,
        'T',
        experts,
      ),
      groupValue: result(`${name}group.value` as const, 'T', groups),
      groupSelected: result(`${name}group.s` as const, 'T', groups),
      expertSelected: result(`${name}experts.s` as const, 'T', experts),
      expert: result(`${name}slots.expert` as const, 'T', topk),
      weight: result(`${name}slots.weight` as const, 'T', topk),
    },
  };
};

/** A GeMM of every slot (token, rank) by its expert. @param inputs rows over (T, inner) or (T, rank, inner), and experts of slots */
export const experts = <const N extends string>(
  name: N,
  inputs: [x: string, expert: string],
  { experts: count, groups, topk }: Pick<Router, 'experts' | 'groups' | 'topk'>,
  outer: number,
  inner: number,
  tensor: string,
) => ({
  ...node('experts', name, ...inputs),
  experts: count,
  groups,
  topk,
  outer,
  inner,
  weight: { ...matrix(name, [outer], [inner], { tensor }), experts: count },
  results: eachOf(['acc', 'y'], name, 'T', topk, outer),
});

/** Each slot's row by its weight. */
export const weighted = <const N extends string>(
  name: N,
  inputs: [y: string, weight: string],
  topk: number,
  width: number,
) => ({
  ...node('weighted', name, ...inputs),
  topk,
  width,
  results: { y: result(`${name}.y` as const, 'T', topk, width) },
});

/** The head's GeMM, not rescaled. */
export const logits = <const N extends string>(
  name: N,
  input: string,
  vocabulary: number,
  width: number,
  tensor: string,
) => ({
  ...node('logits', name, input),
  outer: vocabulary,
  inner: width,
  weight: matrix(name, [vocabulary], [width], { tensor }),
  results: { acc: result(`${name}.acc` as const, 'T', vocabulary) },
});

export const argmax = <const N extends string>(name: N, input: string, width: number) => ({
  ...node('argmax', name, input),
  width,
  results: { y: result(name, 'T') },
});

const matrix = (name: string, rows: number[], columns: number[], source: Source): Weight => ({
  name,
  role: 'matrix',
  rows,
  columns,
  source,
});

const vector = (name: string, role: 'gain' | 'bias', size: number, tensor: string): Weight => ({
  name,
  role,
  rows: [size],
  columns: [],
  source: { tensor },
});

/** A node of any operation. */
export type Node = ReturnType<
  | typeof embedding<string>
  | typeof norm<string>
  | typeof gemm<string>
  | typeof rope<string>
  | typeof scores<string>
  | typeof softmax<string>
  | typeof context<string>
  | typeof add<string>
  | typeof sigmoid<string>
  | typeof gated<string>
  | typeof exponentials<string>
  | typeof gating<string>
  | typeof experts<string>
  | typeof weighted<string>
  | typeof logits<string>
  | typeof argmax<string>
>;
export type Op = Node['op'];
/** What layers consist of, and the last norm: all but the operations on tokens and logits. */
export type LayerNode = Exclude<Node, { op: 'embedding' | 'logits' | 'argmax' }>;
export type NodeOf<O extends Op> = Extract<Node, { op: O }>;

/** Names of the tensors that nodes leave in the trace. */
export type TracedBy<N> = N extends { results: infer R } ? NamesOf<R[keyof R]> : never;
type NamesOf<R> = R extends Result<infer Name> ? Name : never;

/** The weights of nodes, in their order. */
export const weightsOfNodes = (nodes: readonly Node[]): Weight[] =>
  nodes.flatMap((node) => ('weight' in node && node.weight ? [node.weight] : []));
