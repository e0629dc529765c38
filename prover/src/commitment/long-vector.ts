/**
 * @module long-vector
 * A vector of integers that is committed in parts, since no machine's memory holds it as field elements. Prover only. The integers
 * are all there, and are multiplied as they are; only a part that is committed becomes field elements.
 */
import type { Axis, Expression, FpVec, ProverEngine, SumcheckProver } from '@attensor/native';
import { present } from '@attensor/core';
import { add, inverse, mod, mul, power, rootOfUnity, sub } from '../protocol/field.js';
import type { OpenedLeaf } from '../hashing/tree-hash.js';
import { leafWidth, LOG_LEAF } from './parameters.js';
import type { CommitRowsOptions, LeafSource } from './scheme.js';
import { columnOf, hashLeaves, TREE_HASH, TREES } from '../hashing/trees.js';

export class LongVector {
  readonly partSize: number;
  readonly parts: number;

  /** @param ints the entries up to the last that is not zero */
  constructor(
    readonly engine: ProverEngine,
    readonly ints: Int32Array,
    readonly partLog: number,
  ) {
    this.partSize = 2 ** partLog;
    this.parts = Math.ceil(ints.length / this.partSize);
  }

  /** Entries [offset, offset + length), zeros behind the end. */
  slice(offset: number, length: number): FpVec {
    const values = this.ints.subarray(offset, offset + length);
    if (values.length === length) return this.engine.fromInts(values);
    const padded = this.engine.alloc(length);
    padded.setInts(0, values);
    return padded;
  }

  /** As of a native vector; the integers are JavaScript's. */
  dispose(): void {}

  part(index: number): FpVec {
    return this.slice(index * this.partSize, this.partSize);
  }

  /** As `ProverEngine.contractInts`; free axes span at most a part. */
  async contract(offset: number, axes: Axis[]): Promise<FpVec> {
    const size = axes.reduce((n, a) => (a.weights ? n : n * a.size), 1);
    if (size > this.partSize)
      throw new RangeError('long vector: a table over free axes is longer than a part');
    return this.engine.contractInts(this.ints, offset, axes);
  }

  /** sum_b v[b] x^b */
  async evalPow(x: bigint, signal?: AbortSignal): Promise<bigint> {
    const { engine, ints } = this;
    const value = await engine.evalRows(ints, 1, Math.max(1, ints.length), 1, [mod(x)], signal);
    return value.get(0);
  }

  /** sum_k weights[k] part_k */
  async combine(weights: bigint[]): Promise<FpVec> {
    const { engine, ints, partSize, parts } = this;
    const table = engine.fromBigints(weights.slice(0, parts));
    const sum = await engine.contractInts(ints, 0, [
      { size: partSize, stride: 1 },
      { size: parts, stride: partSize, weights: table },
    ]);
    table.dispose();
    return sum;
  }

  /** <part_k, w> for all k, `w` as long as a part */
  async dots(w: FpVec): Promise<bigint[]> {
    const { engine, ints, partSize, parts } = this;
    const sums = await engine.contractInts(ints, 0, [
      { size: parts, stride: partSize },
      { size: partSize, stride: 1, weights: w },
    ]);
    return sums.toBigints();
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
    const { engine, ints, partLog, partSize } = vector;
    const width = leafWidth(Math.min(partSize, ints.length - index * partSize), partLog);
    const part = vector.part(index);
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
    const values = await engine.evalRows(
      vector.ints.subarray(first, first + width * row),
      width,
      row,
      arity,
      nodes.map((node) => power(omega, BigInt(node * arity))),
      signal,
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
