/**
 * @module long-vector
 * A vector of integers that is committed in parts, since no machine's memory holds it as field elements. Prover only. The integers
 * are read a part at a time, and are multiplied as they are; only a part that is committed becomes field elements.
 */
import type { Axis, Expression, FpVec, ProverEngine, SumcheckProver } from '@attensor/native';
import { present } from '@attensor/core';
import { add, inverse, mod, mul, power, rootOfUnity, sub } from '../protocol/field.js';
import type { OpenedLeaf } from '../hashing/tree-hash.js';
import type { Integers } from './integers.js';
import { leafWidth, LOG_LEAF } from './parameters.js';
import type { CommitRowsOptions, LeafSource } from './scheme.js';
import { columnOf, hashLeaves, TREE_HASH, TREES } from '../hashing/trees.js';

export class LongVector {
  readonly partSize: number;
  readonly parts: number;
  /** Holds what is read, at most a part; one operation has it at a time. */
  private buffer: Int32Array | undefined;
  private turn: Promise<unknown> = Promise.resolve();

  /** @param integers the entries up to the last that is not zero */
  constructor(
    readonly engine: ProverEngine,
    private readonly integers: Integers,
    readonly partLog: number,
  ) {
    this.partSize = 2 ** partLog;
    this.parts = Math.ceil(this.length / this.partSize);
  }

  /** Entries from here on are zero. */
  get length(): number {
    return this.integers.length;
  }

  /**
   * Reads entries [from, from + count) for as long as `use` takes, at most a part. Those behind the end are left out.
   *
   * @throws whatever reading throws
   */
  read<T>(from: number, count: number, use: (values: Int32Array) => T | Promise<T>): Promise<T> {
    return this.inTurn(async (buffer) => {
      const values = buffer.subarray(0, Math.max(0, Math.min(count, this.length - from)));
      await this.fill(from, values);
      return use(values);
    });
  }

  private async fill(from: number, into: Int32Array): Promise<void> {
    if (into.length > 0) await this.integers.read(from, into);
  }

  private inTurn<T>(use: (buffer: Int32Array) => Promise<T>): Promise<T> {
    const result = this.turn.then(() => use((this.buffer ??= new Int32Array(this.partSize))));
    this.turn = result.catch(() => undefined);
    return result;
  }

  /** The vector may be used again; its next operation takes a new buffer. */
  dispose(): void {
    this.buffer = undefined;
  }

  /** Entries [from, from + count), at most a part, zeros behind the end. */
  slice(from: number, count: number): Promise<FpVec> {
    return this.read(from, count, (values) => {
      const entries = this.engine.alloc(count);
      entries.setInts(0, values);
      return entries;
    });
  }

  part(index: number): Promise<FpVec> {
    return this.slice(index * this.partSize, this.partSize);
  }

  /** As `ProverEngine.contractInts`; free axes span at most a part. */
  async contract(offset: number, axes: Axis[]): Promise<FpVec> {
    const size = axes.reduce((n, a) => (a.weights ? n : n * a.size), 1);
    if (size > this.partSize)
      throw new RangeError('long vector: a table over free axes is longer than a part');
    return this.contractPieces(offset, axes);
  }

  /** What spans more than a part is cut along its widest axis. */
  private async contractPieces(offset: number, axes: Axis[]): Promise<FpVec> {
    const { engine, partSize } = this;
    const span = axes.reduce((n, { size, stride }) => n + (size - 1) * stride, 1);
    if (span <= partSize)
      return this.read(offset, span, (values) => engine.contractInts(values, 0, axes));
    const live = axes.filter(({ size }) => size > 1);
    const widest = live.reduce((a, b) => (b.stride > a.stride ? b : a));
    const { size, stride, weights } = widest;
    const others = axes.filter((axis) => axis !== widest);
    const isFree = (axis: Axis): boolean => !axis.weights;
    if (isFree(widest) && axes.find(isFree) !== widest)
      return this.contractReordered(offset, [widest, ...others], axes.filter(isFree));

    const rest = span - (size - 1) * stride;
    const count = Math.max(1, Math.floor((partSize - rest) / stride) + 1);
    const row = others.filter(isFree).reduce((n, axis) => n * axis.size, 1);
    const out = engine.alloc(weights ? row : size * row);
    for (let first = 0; first < size; first += count) {
      const length = Math.min(count, size - first);
      const axis = { size: length, stride, weights: weights?.slice(first, length) };
      const piece = await this.contractPieces(offset + first * stride, [axis, ...others]);
      out.axpy(weights ? 0 : first * row, 1n, piece);
      piece.dispose();
    }
    return out;
  }

  /** @param free axes of the result in their order; in `axes` they have another */
  private async contractReordered(offset: number, axes: Axis[], free: Axis[]): Promise<FpVec> {
    const table = await this.contractPieces(offset, axes);
    const strides = new Map<Axis, number>();
    axes
      .filter((axis) => free.includes(axis))
      .reduceRight((stride, axis) => {
        strides.set(axis, stride);
        return stride * axis.size;
      }, 1);
    const out = await this.engine.contract(
      table,
      0,
      free.map((axis) => ({ size: axis.size, stride: present(strides.get(axis)) })),
    );
    table.dispose();
    return out;
  }

  /** sum_b v[b] x^b */
  async evalPow(x: bigint, signal?: AbortSignal): Promise<bigint> {
    const { engine, partSize, parts } = this;
    let sum = 0n;
    for (let k = 0; k < parts; k++) {
      const value = await this.read(k * partSize, partSize, (values) =>
        engine.evalRows(values, 1, values.length, 1, [mod(x)], signal),
      );
      sum = add(sum, mul(power(x, BigInt(k * partSize)), value.get(0)));
    }
    return sum;
  }

  /** sum_k weights[k] part_k */
  async combine(weights: bigint[]): Promise<FpVec> {
    const { engine, partSize, parts } = this;
    const table = engine.fromBigints(weights.slice(0, parts));
    const sum = engine.alloc(partSize);
    // the same columns of all parts at a time
    const most = Math.max(1, Math.floor(partSize / parts));
    for (let first = 0; first < partSize; first += most) {
      const width = Math.min(most, partSize - first);
      const columns = await this.inTurn(async (buffer) => {
        const rows = buffer.subarray(0, parts * width).fill(0);
        for (let k = 0; k < parts; k++) {
          const from = k * partSize + first;
          const count = Math.max(0, Math.min(width, this.length - from));
          await this.fill(from, rows.subarray(k * width, k * width + count));
        }
        return engine.contractInts(rows, 0, [
          { size: width, stride: 1 },
          { size: parts, stride: width, weights: table },
        ]);
      });
      sum.axpy(first, 1n, columns);
      columns.dispose();
    }
    table.dispose();
    return sum;
  }

  /** <part_k, w> for all k, `w` as long as a part */
  async dots(w: FpVec): Promise<bigint[]> {
    const { engine, partSize, parts } = this;
    const dots: bigint[] = [];
    for (let k = 0; k < parts; k++) {
      const dot = await this.read(k * partSize, partSize, (values) =>
        engine.contractInts(values, 0, [{ size: partSize, stride: 1, weights: w }]),
      );
      dots.push(dot.get(0));
    }
    return dots;
  }
}

/** Bytes before the nodes of a stored tree, and of a node. */
const TREE_HEADER = 8;
const NODE = 32;

interface HashedLeaf {
  leaf: bigint[];
  hash: bigint;
}

/**
 * A part under its tree. The codeword is not kept: the leaves that are opened are computed from the part, and with each those beside it,
 * whose hashes its path takes.
 */
export class CommittedPart implements LeafSource {
  private readonly leaves = new Map<number, HashedLeaf>();
  /** where each stored level begins, nodes above the leaves' hashes first */
  private readonly levels: { first: number; nodes: number }[] = [];

  private constructor(
    private readonly vector: LongVector,
    private readonly index: number,
    private readonly width: number,
    private readonly logDomain: number,
    readonly cap: bigint[],
    private readonly tree: Uint8Array,
  ) {
    let first = 0;
    for (let nodes = 2 ** logDomain; nodes > 1; first += nodes) {
      nodes = Math.ceil(nodes / TREE_HASH.width);
      this.levels.push({ first, nodes });
    }
  }

  static async commit(
    vector: LongVector,
    index: number,
    options: CommitRowsOptions,
  ): Promise<CommittedPart> {
    const { engine, length, partLog, partSize } = vector;
    const width = leafWidth(Math.min(partSize, length - index * partSize), partLog);
    const part = await vector.part(index);
    const commitment = await TREES.commit(engine, part, partLog, width, options);
    part.dispose();
    try {
      const { cap, logDomain } = commitment;
      const tree = await commitment.serializeTree();
      return new CommittedPart(vector, index, width, logDomain, cap, tree);
    } finally {
      commitment.dispose();
    }
  }

  serializeTree(): Promise<Uint8Array> {
    return Promise.resolve(this.tree);
  }

  /**
   * Leaves under one node are the rows' polynomials p at the points y of a coset that share y^8: p(y) = sum_t y^t p_t(y^8), where p_t has
   * every eighth coefficient.
   */
  async prepare(indexes: number[], signal?: AbortSignal): Promise<void> {
    const { vector, width, logDomain } = this;
    const { engine } = vector;
    const logArity = Math.min(TREE_HASH.logArity, logDomain);
    const arity = 2 ** logArity;
    const row = 2 ** (vector.partLog - LOG_LEAF);
    const first = this.index * vector.partSize;
    const omega = rootOfUnity(logDomain);
    const nodes = [...new Set(indexes.map((index) => Math.floor(index / arity)))];
    const points = nodes.map((node) => power(omega, BigInt(node * arity)));
    const values = await vector.read(first, width * row, (ints) =>
      engine.evalRows(ints, width, row, arity, points, signal),
    );
    const polynomials = values.toBigints();
    values.dispose();
    const computed = nodes.flatMap((node, k) =>
      Array.from({ length: arity }, (_, child) => {
        const index = node * arity + child;
        const y = power(omega, BigInt(columnOf(logDomain, index)));
        const leaf = Array.from({ length: width }, (__, r) => {
          const at = (k * width + r) * arity;
          return polynomials.slice(at, at + arity).reduceRight((sum, p) => add(mul(sum, y), p), 0n);
        });
        return { index, leaf };
      }),
    );
    const hashes = computed.length
      ? await hashLeaves(
          engine,
          computed.map(({ leaf }) => leaf),
        )
      : [];
    this.leaves.clear();
    computed.forEach(({ index, leaf }, k) => this.leaves.set(index, { leaf, hash: hashes[k] }));
  }

  open(index: number): OpenedLeaf {
    const { width } = TREE_HASH;
    const opened = this.leaves.get(index);
    if (!opened) throw new Error(`commitment: leaf ${index} was not prepared`);
    const path: bigint[][] = [];
    for (let [step, own, level] = [0, index, 2 ** this.logDomain]; level > 1; step++) {
      const first = own - (own % width);
      const numbers = Array.from({ length: width }, (_, k) => first + k).filter((at) => at !== own);
      const count = level;
      path.push(numbers.map((at) => (at < count ? this.node(step, at) : 0n)));
      own = Math.floor(own / width);
      level = Math.ceil(level / width);
    }
    return { leaf: opened.leaf, path };
  }

  /** Of a level counted from the leaves' hashes. */
  private node(level: number, at: number): bigint {
    if (level === 0) return present(this.leaves.get(at), 'leaf').hash;
    const start = TREE_HEADER + NODE * (this.levels[level - 1].first + at);
    const bytes = this.tree.subarray(start, start + NODE);
    return BigInt(`0x${Buffer.from(bytes).reverse().toString('hex')}`);
  }

  dispose(): void {
    this.leaves.clear();
  }
}

/** A vector that is one part itself: zero behind it. */
export class SinglePart {
  readonly parts = 1;
  readonly partSize: number;
  constructor(
    private readonly engine: ProverEngine,
    readonly vector: FpVec,
  ) {
    this.partSize = vector.length;
  }
  async dots(w: FpVec): Promise<bigint[]> {
    return [mod(await this.engine.dot(this.vector, w))];
  }
}

/** A sum of products f w over vectors, the longest of which have `2^topLog` parts. */
export interface LongProduct {
  f: SinglePart | LongVector;
  /** sum_q scale[q] w_q over a part's entries */
  w(scale: bigint[]): Promise<FpVec>;
}

const unit = (size: number, k: number): bigint[] =>
  Array.from({ length: size }, (_, i) => (i === k ? 1n : 0n));

/**
 * The sumcheck of sum_b f(b) w(b) whose first `topLog` variables number parts. Their rounds need only the products <f_p, w_q>: a
 * challenge combines rows and columns of that matrix in pairs. What is left then is as long as a part.
 */
export class LongSumcheck implements SumcheckProver {
  private readonly point: bigint[] = [];
  private inner: SumcheckProver | undefined;
  /** of the columns that `inner` works on */
  private readonly factors: bigint[] = [];

  private constructor(
    private readonly engine: ProverEngine,
    private readonly products: LongProduct[],
    private readonly expression: Expression,
    private readonly topLog: number,
    /** [p][q] */
    private matrix: bigint[][],
    /** called with the vectors that have parts, combined as the first variables were bound */
    private readonly onBound: (f: (FpVec | undefined)[]) => void,
  ) {}

  static async start(
    engine: ProverEngine,
    products: LongProduct[],
    expression: Expression,
    topLog: number,
    onBound: (f: (FpVec | undefined)[]) => void,
  ): Promise<LongSumcheck> {
    const size = 2 ** topLog;
    const matrix = Array.from({ length: size }, () => new Array<bigint>(size).fill(0n));
    for (const { f, w } of products) {
      for (let q = 0; q < size; q++) {
        const weights = await w(unit(size, q));
        for (const [p, value] of (await f.dots(weights)).entries())
          matrix[p][q] = add(matrix[p][q], value);
        weights.dispose();
      }
    }
    return new LongSumcheck(engine, products, expression, topLog, matrix, onBound);
  }

  /** g(0), g(2) */
  round(): Promise<bigint[]> {
    if (this.inner) return this.inner.round();
    const { matrix } = this;
    const half = matrix.length / 2;
    const trace = (a: 0 | 1, b: 0 | 1): bigint => {
      let sum = 0n;
      for (let k = 0; k < half; k++) sum += matrix[a * half + k][b * half + k];
      return sum;
    };
    // At 2 the first half weighs -1, the second 2.
    const at2 = trace(0, 0) - 2n * (trace(0, 1) + trace(1, 0)) + 4n * trace(1, 1);
    return Promise.resolve([mod(trace(0, 0)), mod(at2)]);
  }

  async bind(r: bigint): Promise<void> {
    if (this.inner) return this.inner.bind(r);
    const half = this.matrix.length / 2;
    const fold = (a: bigint, b: bigint): bigint => add(a, mul(r, sub(b, a)));
    const rows = this.matrix
      .slice(0, half)
      .map((row, p) => row.map((v, q) => fold(v, this.matrix[half + p][q])));
    this.matrix = rows.map((row) => row.slice(0, half).map((v, q) => fold(v, row[half + q])));
    this.point.push(r);
    if (this.point.length === this.topLog) await this.goOn();
  }

  /** All parts as one, weighted by eq of the challenges. */
  private async goOn(): Promise<void> {
    const { engine, products } = this;
    const scale = this.point.reduce(
      (table, r) => table.flatMap((e) => [sub(e, mul(e, r)), mul(e, r)]),
      [1n],
    );
    const columns: FpVec[] = [];
    const bound: (FpVec | undefined)[] = [];
    for (const { f, w } of products) {
      if (f instanceof LongVector) {
        const combined = await f.combine(scale);
        bound.push(combined);
        columns.push(combined, await w(scale));
        this.factors.push(1n, 1n);
      } else {
        // f stays as it is, and its factor goes to the weights: a table less
        const [factor] = scale;
        bound.push(undefined);
        columns.push(f.vector, await w(scale.map((s) => mul(s, factor))));
        this.factors.push(factor, inverse(factor));
      }
    }
    this.inner = engine.sumcheck(columns, this.expression);
    this.onBound(bound);
    columns.forEach((c, k) => k % 2 === 1 && c.dispose());
  }

  finals(): bigint[] {
    if (!this.inner) throw new Error('sumcheck: not every variable is bound');
    return this.inner.finals().map((v, k) => mul(v, this.factors[k]));
  }

  dispose(): void {
    this.inner?.dispose();
  }
}
