/**
 * Embedding: the row of each position's token is the leaf of `vocabularyRoot` at the token's index, and the same values are the model's
 * input x(t, i). Leaves and paths are proved at level 2, where short rows are claimed at a random point; long rows are hashed by
 * `RowHashes`, and their leaves are the hashes.
 */
import type { NodeOf } from '@attensor/inference';
import type { FpVec, ProverEngine } from '@attensor/native';
import type { GroupShape } from '../hashing/layout.js';
import type { Read } from '../hashing/reads.js';
import type { OpenedGroup } from '../hashing/trace.js';
import { ceilLog2 } from '../protocol/field.js';
import { eqTable } from '../protocol/polynomials.js';
import { hash } from '../protocol/poseidon.js';
import type { ProverOnly } from '../protocol/prover-only.js';
import type { Scope } from '../protocol/scope.js';
import type { Wire } from '../protocol/tape.js';
import type { Tensor } from '../protocol/tensor.js';
import { dim, fromTrace, type Builder, type Dim } from './builder.js';
import { RowHashes } from './row-hashes.js';

/** Prover only: rows, and what leads from their leaves to the root, by token. */
export interface VocabularyTree {
  row(token: number): bigint[];
  path(token: number): bigint[][];
}

/** What the prover knows of the rows that are read. */
export interface EmbeddingWitness {
  tree: VocabularyTree;
  /** tokens by position */
  ids: number[];
  /** from `complete`: of long rows */
  states: FpVec[];
}

/** of a permutation that absorbs two elements: three elements before the first round and after each of 55 */
const STATES_PER_STEP = 3 * 56;

export class Embedding {
  readonly x: Tensor;
  readonly dims: [t: Dim, i: Dim];
  /** Bits of a token. */
  readonly vocabularyLog: number;
  private readonly hashes: RowHashes | undefined;

  /** The leaves that are opened. */
  readonly reads: GroupShape;

  /**
   * @param positions that hold tokens: the first ones
   * @param long leaves of the vocabulary are hashes of rows
   */
  constructor(
    builder: Builder,
    { results, weight }: NodeOf<'embedding'>,
    t: Dim,
    positions: number,
    long: boolean,
  ) {
    const [vocabulary] = weight.rows;
    const [width] = weight.columns;
    this.dims = [t, dim('i', width)];
    this.vocabularyLog = ceilLog2(vocabulary);
    this.x = builder.free('embedding.x', this.dims, fromTrace(results.x.name));
    this.reads = {
      trees: 1,
      queries: positions,
      entries: long ? 1 : width,
      depth: Math.max(1, this.vocabularyLog),
    };
    if (long) this.hashes = new RowHashes(builder, 'embedding.hash', this.x, this.dims[1]);
  }

  /** Whether leaves of the vocabulary are hashes of rows. */
  get long(): boolean {
    return this.hashes !== undefined;
  }

  /** Field elements of all states of the row hashes; 0 where rows are leaves. */
  get hashedStates(): number {
    const { log } = this.x.views[0].block;
    return this.hashes ? STATES_PER_STEP * 2 ** (log - 1) : 0;
  }

  /** Permutations that hash all rows of the vocabulary. */
  get vocabularyPermutations(): number {
    return 2 ** this.vocabularyLog * (Math.ceil(this.dims[1].size / 2) + 1);
  }

  /** What the witness holds besides integers; for `EmbeddingWitness`. */
  async complete(engine: ProverEngine, witness: FpVec): Promise<FpVec[]> {
    if (!this.hashes) return [];
    const { offset, log } = this.x.views[0].block;
    const states = await this.hashes.states(engine, witness.slice(offset, 2 ** log));
    this.hashes.fill(witness, states);
    return states;
  }

  /**
   * @param bits of each read token, lowest first; positions after them hold rows of zeros
   * @param vocabularyRoot of the tree over all rows
   */
  async script(
    scope: Scope,
    bits: Wire[][],
    vocabularyRoot: Wire,
    witness: ProverOnly<EmbeddingWitness>,
  ): Promise<void> {
    const { session } = scope;
    const { tape } = session;
    const indexes = bits.map((token) =>
      tape.linear(token.map((bit, l): [Wire, bigint] => [bit, 1n << BigInt(l)])),
    );
    const read = {
      shape: this.reads,
      root: vocabularyRoot,
      indexes,
      opened: witness.map(({ tree, ids }): OpenedGroup => {
        const tokens = ids.slice(0, bits.length);
        const leafOf = (id: number): bigint[] =>
          this.hashes ? [session.engine.hash(tree.row(id))] : tree.row(id);
        return {
          indexes: tokens,
          opened: [tokens.map((id) => ({ leaf: leafOf(id), path: tree.path(id) }))],
        };
      }),
    };
    if (this.hashes) {
      const answers = await this.hashed(scope, this.hashes, read.opened, witness);
      scope.reads.push({ ...read, entry: [], leaves: { answers } });
    } else scope.reads.push({ ...read, ...(await this.claimed(scope)) });
  }

  /** @returns the rows' hashes */
  private async hashed(
    scope: Scope,
    rows: RowHashes,
    opened: ProverOnly<OpenedGroup>,
    witness: ProverOnly<EmbeddingWitness>,
  ): Promise<Wire[]> {
    const { session } = scope;
    const { tape } = session;
    const [t, i] = this.dims;
    const empty = tape.constant(hash(new Array<bigint>(i.size).fill(0n)));
    const answers = await session.send(this.reads.queries, 'embedding: row hashes', () =>
      opened.value.opened[0].map(({ leaf }) => leaf[0]),
    );
    await rows.script(
      scope,
      Array.from({ length: 2 ** t.log }, (_, k) => answers[k] ?? empty),
      witness.map((w) => w.states),
    );
    return answers;
  }

  /** The rows' extension at a random point is the input's. */
  private async claimed(scope: Scope): Promise<Pick<Read, 'entry' | 'leaves'>> {
    const { session } = scope;
    const { tape } = session;
    const [t, i] = this.dims;
    const { queries } = this.reads;
    const query = scope.random('t', t.log);
    const entry = scope.random('i', i.log);
    const input = await scope.open(this.x, { t: query, i: entry }, 'embedding: rows');
    if (queries === 2 ** t.log) return { entry, leaves: { query, value: input } };
    // Among the opened rows, copies of the first stand where the input has zeros.
    const first = await scope.open(
      this.x,
      { t: query.map(() => tape.constant(0n)), i: entry },
      'embedding: first row',
    );
    const weight = tape.linear(
      eqTable(tape, query)
        .slice(0, queries)
        .map((w): [Wire, bigint] => [w, -1n]),
      1n,
    );
    return { entry, leaves: { query, value: tape.add(input, tape.mul(weight, first)) } };
  }
}
