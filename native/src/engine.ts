/**
 * The proof engine: Pasta Fp vectors and the heavy kernels of the protocol.
 * Index convention everywhere: variable 1 is the most significant index bit; binding it combines the first and the second half.
 */

/** A native vector of Fp elements. */
export interface FpVec {
  readonly length: number;
  get(index: number): bigint;
  set(index: number, value: bigint): void;
  /** Signed integers into [offset, offset + values.length). */
  setInts(offset: number, values: BigInt64Array | Int32Array): void;
  slice(offset: number, length: number): FpVec;
  /** this += coef * other on [offset, offset + other.length) */
  axpy(offset: number, coef: bigint, other: FpVec): void;
  addScalar(value: bigint): void;
  toBigints(): bigint[];
  /** Frees the memory now rather than at garbage collection. */
  dispose(): void;
}

/** One axis of a strided view; `weights` sums the axis out, otherwise it stays free. Stride 0 repeats. */
export interface Axis {
  size: number;
  stride: number;
  weights?: FpVec;
}

/**
 * A straight-line program over column values: registers 0..columns-1 hold the columns, then the constants, then each
 * operation's result. The last operation's result is summed.
 */
export interface Expression {
  columns: number;
  constants: bigint[];
  /** [0 add | 1 sub | 2 mul, left register, right register] */
  ops: [0 | 1 | 2, number, number][];
  /** Degree of the result in each variable when every column is multilinear. */
  degree: number;
}

/** sum over the cube of an expression of equally long columns; the columns are copied (lazily), not changed. */
export interface SumcheckProver {
  /** g(0), g(2), …, g(degree) of the current round polynomial. */
  round(): Promise<bigint[]>;
  bind(challenge: bigint): Promise<void>;
  /** After the last bind: the columns' values at the point. */
  finals(): bigint[];
  dispose(): void;
}

/**
 * Fractional sums by GKR. Layer k (0 = root) has 2^k fractions. For k = 0 .. depth-1: `beginLayer(k, point, lambda)` with
 * point of k coordinates, then k times round()/bind(), then finals().
 * h = p0 q1 + p1 q0 + lambda q0 q1, summed against eq(point, .). round() returns [c1, c2], the two upper coefficients of
 * sum_x eq(rest, x) h(X, x): the eq factors of the current variable and of those already bound are left out.
 */
export interface FractionTree {
  readonly depth: number;
  root(): [p: bigint, q: bigint];
  beginLayer(k: number, point: bigint[], lambda: bigint): void;
  round(): Promise<[c1: bigint, c2: bigint]>;
  bind(challenge: bigint): Promise<void>;
  /** [p0, p1, q0, q1] at the bound point */
  finals(): [bigint, bigint, bigint, bigint];
  dispose(): void;
}

/** Reed-Solomon codewords of the rows of a matrix (2^logRow entries each, row by row, entries = monomial coefficients) under a Poseidon Merkle tree whose leaves are columns. */
export interface Commitment {
  readonly logDomain: number;
  /** The 2^logCap nodes below which paths end (leaf i belongs to cap node i >> (logDomain - logCap)). */
  readonly cap: bigint[];
  /** Column i and its siblings from the leaf upward to below the cap. */
  open(index: number): { leaf: bigint[]; path: bigint[] };
  /** The tree's nodes (not the codeword) for storage. */
  serializeTree(): Promise<Uint8Array>;
  dispose(): void;
}

export interface CommitOptions {
  logInvRate: number;
  /** log2 of a row's length; the vector holds whole rows, as many as a leaf has entries. */
  logRow: number;
  logCap: number;
  signal?: AbortSignal;
  /** fraction done, 0..1 */
  onProgress?: (fraction: number) => void;
  /** A tree from serializeTree(): only the codeword is recomputed. */
  tree?: Uint8Array;
}

/** Children of a node of a tree of compressions. */
export const TREE_ARITY = 8;

/**
 * Codewords as in `Commitment` under a tree of compressions: eight children a node, zeros where there are none. A leaf is hashed as a
 * small tree over its entries, padded with zeros to a power of two.
 */
export interface CommittedTree {
  readonly logDomain: number;
  readonly root: bigint;
  /**
   * Leaf i, which is column (i mod 8) n + floor(i / 8) where the tree has n nodes above its leaves, and of each step from the leaf up
   * the 7 other children of the node above, in order.
   */
  open(index: number): { leaf: bigint[]; path: bigint[][] };
  /**
   * The tree's nodes (not the codeword) for storage: 8 bytes ('ATTR', version 4, logDomain, rows, log2 of `TREE_ARITY`), then nodes of 32
   * little-endian bytes, level by level from those above the leaves' hashes to the root.
   */
  serializeTree(): Promise<Uint8Array>;
  dispose(): void;
}

/** Where the engine's heavy work runs: `auto` is a GPU where there is one, `cuda` insists on it. */
export type Device = 'auto' | 'cpu' | 'cuda';

export interface DeviceInfo {
  kind: 'cpu' | 'cuda';
  /** Of a GPU; bytes: the most the engine takes, what it has taken, what was transferred so far. */
  name?: string;
  memory?: number;
  used?: number;
  uploaded?: number;
  downloaded?: number;
  /** Why there is no GPU, if one was looked for. */
  reason?: string;
}

export interface ProverEngine {
  /** Whose kernels the CPU runs: `portable`, `adx`, `avx2` or `ifma`. */
  instructionSet(): string;
  setThreads(count: number): void;
  /**
   * Results are the same on every device. At first `ATTENSOR_DEVICE` says which, or else `auto`.
   * @throws code `DEVICE_MISSING` for `cuda` where there is no usable GPU
   * @param testing another library, and the least work that is given to the device: for tests
   */
  setDevice(device: Device, testing?: { library?: string; least?: number }): void;
  device(): DeviceInfo;
  alloc(length: number): FpVec;
  fromBigints(values: bigint[]): FpVec;
  fromInts(values: BigInt64Array | Int32Array): FpVec;
  /** Poseidon permutation of o1js (Kimchi parameters). */
  permute(state: [bigint, bigint, bigint]): [bigint, bigint, bigint];
  /** The permutation's states after each of its 55 rounds: three elements a round, the result last. */
  roundStates(state: [bigint, bigint, bigint]): bigint[];
  /** o1js Poseidon.hash: absorb two at a time from the zero state, zero padded. */
  hash(values: bigint[]): bigint;
  /** Poseidon.hash of each row of a matrix of signed ints. */
  hashRows(values: Int32Array, rowLength: number): Promise<FpVec>;
  /** All layers of a binary Poseidon Merkle tree, leaves first, root last. */
  merkleLayers(leaves: FpVec): Promise<FpVec[]>;
  /**
   * The inside of hashes: each of `rows` equal parts of `values` goes through a sponge, two elements a step. Entry 3 k + e is
   * element e of the state before round k (k = 55: after the last), at index row * steps + step.
   */
  spongeStates(values: FpVec, rows: number, signal?: AbortSignal): Promise<FpVec[]>;
  /** out[i] = compression of children[8 i .. 8 i + 8): the first element of their Poseidon2 permutation plus the first of them. */
  compress(children: FpVec): Promise<FpVec>;
  /**
   * What a proof of n compressions commits to, column by column, n entries each: the 8 children, the inputs of the 113 S-boxes after the
   * first round in their order, the result. 122 n entries.
   */
  compressionTrace(children: FpVec, signal?: AbortSignal): Promise<FpVec>;
  /** The hashes of leaves whose entries are rows of signed integers. */
  hashLeaves(values: Int32Array, rowLength: number, signal?: AbortSignal): Promise<FpVec>;
  /** All levels of the tree of compressions over the hashes of its leaves, any number of them from 1; the root last. */
  treeLevels(hashes: FpVec, signal?: AbortSignal): Promise<FpVec[]>;
  eqTable(point: bigint[], scale?: bigint): FpVec;
  /** Table over the free axes (in order) of src[offset + sum index*stride], weighted axes summed. */
  contract(src: FpVec, offset: number, axes: Axis[]): Promise<FpVec>;
  /**
   * As `contract`, of signed integers, zero behind the last one: they are multiplied as they are, and never become elements. They must
   * not change until the promise settles.
   */
  contractInts(
    values: Int32Array,
    offset: number,
    axes: Axis[],
    signal?: AbortSignal,
  ): Promise<FpVec>;
  /**
   * A row holds the coefficients of `turns` polynomials, which take turns: entry (i * rows + r) * turns + t is
   * sum_j values[r * rowLength + j * turns + t] * xs[i]^j. Zeros and changes as in `contractInts`.
   *
   * @param turns 1 to 64
   */
  evalRows(
    values: Int32Array,
    rows: number,
    rowLength: number,
    turns: number,
    xs: bigint[],
    signal?: AbortSignal,
  ): Promise<FpVec>;
  /** sum_i coefs[i] * vecs[i] + constant, elementwise. */
  linear(vecs: FpVec[], coefs: bigint[], constant: bigint): FpVec;
  dot(a: FpVec, b: FpVec): Promise<bigint>;
  /** sum_b v[b] x^b */
  evalPow(vec: FpVec, x: bigint): Promise<bigint>;
  /** multilinear evaluation */
  evalMle(vec: FpVec, point: bigint[]): Promise<bigint>;
  /** target[offset + b] += coef * eq(point, b) */
  addEq(target: FpVec, offset: number, coef: bigint, point: bigint[]): Promise<void>;
  /** target[b] += sum_i coefs[i] * xs[i]^b */
  addPows(target: FpVec, coefs: bigint[], xs: bigint[]): Promise<void>;
  sumcheck(columns: FpVec[], expression: Expression): SumcheckProver;
  fractions(num: FpVec, den: FpVec): Promise<FractionTree>;
  commit(vec: FpVec, options: CommitOptions): Promise<Commitment>;
  /** @throws for a stored tree of `commit` an error that asks to commit again */
  commitTree(vec: FpVec, options: Omit<CommitOptions, 'logCap'>): Promise<CommittedTree>;
  /** Smallest-found nonce such that permute(state + [nonce, 0])[0] has its `bits` low bits zero. */
  grind(state: [bigint, bigint, bigint], bits: number, signal?: AbortSignal): Promise<bigint>;
  /** 2-adic root of unity of order 2^log: 5^((p-1) >> 32) raised to 2^(32 - log). */
  rootOfUnity(log: number): bigint;
}
