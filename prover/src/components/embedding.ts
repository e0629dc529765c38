/**
 * Embedding: the row of each position's token hashes to a leaf of `vocabularyRoot` at the token's index, and the same values are
 * the model's input x(t, i). Short rows are hashed in the circuit and claimed at a random point; long ones by `RowHashes`.
 *
 * Positions are a power of two, so index 11...1 is the last one.
 */
import type { NodeOf } from '@attensor/inference';
import type { FpVec, ProverEngine } from '@attensor/native';
import { climb } from '../commitment/opening.js';
import { ceilLog2 } from '../protocol/field.js';
import { eqTable } from '../protocol/polynomials.js';
import { hash } from '../protocol/poseidon.js';
import type { ProverOnly } from '../protocol/prover-only.js';
import type { Scope } from '../protocol/scope.js';
import type { Session } from '../protocol/session.js';
import type { Wire } from '../protocol/tape.js';
import type { Tensor } from '../protocol/tensor.js';
import { dim, fromTrace, type Builder, type Dim } from './builder.js';
import { RowHashes } from './row-hashes.js';

/** Prover only: rows and Merkle siblings (leaf upward) by token. */
export interface VocabularyTree {
  row(token: number): bigint[];
  path(token: number): bigint[];
}

/** What the prover knows of the rows that are read. */
export interface EmbeddingWitness {
  tree: VocabularyTree;
  /** tokens by position */
  ids: number[];
  /** from `complete`: of rows that are hashed outside of the circuit */
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

  /**
   * @param long rows are too long to be hashed in the circuit
   */
  constructor(builder: Builder, { results, weight }: NodeOf<'embedding'>, t: Dim, long: boolean) {
    const [vocabulary] = weight.rows;
    const [width] = weight.columns;
    this.dims = [t, dim('i', width)];
    this.vocabularyLog = ceilLog2(vocabulary);
    this.x = builder.free('embedding.x', this.dims, fromTrace(results.x.name));
    if (long) this.hashes = new RowHashes(builder, 'embedding.hash', this.x, this.dims[1]);
  }

  /** Field elements of all states of the row hashes; 0 where the circuit hashes the rows. */
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

  /** @param bits of each position's token, lowest first; positions after the last of them hold rows of zeros */
  async script(
    scope: Scope,
    bits: Wire[][],
    vocabularyRoot: Wire,
    witness: ProverOnly<EmbeddingWitness>,
  ): Promise<void> {
    if (this.hashes) await this.long(scope, this.hashes, bits, vocabularyRoot, witness);
    else await this.short(scope, bits, vocabularyRoot, witness);
  }

  private async long(
    scope: Scope,
    rows: RowHashes,
    bits: Wire[][],
    vocabularyRoot: Wire,
    witness: ProverOnly<EmbeddingWitness>,
  ): Promise<void> {
    const { session } = scope;
    const { tape } = session;
    const [t, i] = this.dims;
    const empty = tape.constant(hash(new Array<bigint>(i.size).fill(0n)));
    const leaves = await session.send(bits.length, 'embedding: row hashes', async () =>
      witness.value.ids
        .slice(0, bits.length)
        .map((id) => session.engine.hash(witness.value.tree.row(id))),
    );
    for (const [k, leaf] of leaves.entries()) {
      await inVocabulary(session, leaf, bits[k], vocabularyRoot, witness, k);
    }
    const all = Array.from({ length: 2 ** t.log }, (_, k) => leaves[k] ?? empty);
    await rows.script(
      scope,
      all,
      witness.map((w) => w.states),
    );
  }

  private async short(
    scope: Scope,
    bits: Wire[][],
    vocabularyRoot: Wire,
    witness: ProverOnly<EmbeddingWitness>,
  ): Promise<void> {
    const { session } = scope;
    const { tape } = session;
    const [t, i] = this.dims;
    const at = { t: scope.random('t', t.log), i: scope.random('i', i.log) };
    const weights = eqTable(tape, at.t);
    const columns = eqTable(tape, at.i).slice(0, i.size);
    const rows: Wire[] = [];
    // The last position has no successor: causality keeps its input from every checked one. It is opened as it is, and left out.
    const unread = t.size - 1;
    const free = await scope.open(
      this.x,
      { t: Array.from({ length: t.log }, () => tape.constant(1n)), i: at.i },
      'embedding: last position',
    );
    rows.push(tape.mul(weights[unread], free));
    for (let k = 0; k < unread; k++) {
      const row = await session.hint(i.size, 'embedding row', () =>
        witness.value.tree.row(witness.value.ids[k]),
      );
      await inVocabulary(session, tape.hash(row), bits[k], vocabularyRoot, witness, k);
      rows.push(tape.mul(weights[k], tape.inner(row, columns)));
    }
    scope.claims.addTensor(session, this.x, at, tape.sum(rows));
  }
}

async function inVocabulary(
  session: Session,
  leaf: Wire,
  bits: Wire[],
  root: Wire,
  witness: ProverOnly<EmbeddingWitness>,
  position: number,
): Promise<void> {
  const siblings = witness.map(({ tree, ids }) => tree.path(ids[position]));
  const top = await climb(session, 'embedding path', leaf, bits, siblings);
  session.tape.assertEqual(top, root, 'embedding: the row is not in the vocabulary');
}
