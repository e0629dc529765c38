/**
 * Embedding: the row of each position's token hashes to a leaf of `vocabularyRoot` at the token's index, and the same values are
 * the model's input x(t, i). Short rows are hashed in the circuit and claimed at a random point; long ones by `RowHashes`.
 *
 * Positions are a power of two, so index 11...1 is the last one.
 */
import type { FpVec, ProverEngine } from '@attensor/native';
import { climb } from '../protocol/opening.js';
import { eqTable } from '../protocol/polynomials.js';
import { hash } from '../protocol/poseidon.js';
import type { Scope } from '../protocol/scope.js';
import type { Session } from '../protocol/session.js';
import type { V } from '../protocol/tape.js';
import type { Tensor } from '../protocol/tensor.js';
import { fromTrace, type Builder, type Dim } from './builder.js';
import { RowHashes } from './row-hashes.js';

/** Prover only: rows and Merkle siblings (leaf upward) by token. */
export interface VocabularyTree {
  row(token: number): bigint[];
  path(token: number): bigint[];
}

/** Prover only. */
export interface EmbeddingWitness {
  tree: VocabularyTree;
  /** tokens by position */
  ids: number[];
  /** from `complete` */
  states?: FpVec[];
}

export class Embedding {
  readonly x: Tensor;
  private readonly hashes: RowHashes | undefined;

  /** @param long rows are too long to be hashed in the circuit */
  constructor(
    b: Builder,
    readonly dims: [t: Dim, i: Dim],
    long: boolean,
  ) {
    this.x = b.free('embedding.x', dims, fromTrace('embedding.x'));
    if (long) this.hashes = new RowHashes(b, 'embedding.hash', this.x, dims[1]);
  }

  /** What the witness holds besides integers; for `EmbeddingWitness`. */
  async complete(engine: ProverEngine, witness: FpVec): Promise<FpVec[] | undefined> {
    if (!this.hashes) return undefined;
    const { offset, log } = this.x.views[0].block;
    const states = await this.hashes.states(engine, witness.slice(offset, 2 ** log));
    this.hashes.fill(witness, states);
    return states;
  }

  /** @param bits of each position's token, lowest first; positions after the last of them hold rows of zeros */
  async script(
    scope: Scope,
    bits: V[][],
    vocabularyRoot: V,
    witness?: EmbeddingWitness,
  ): Promise<void> {
    if (this.hashes) await this.long(scope, this.hashes, bits, vocabularyRoot, witness);
    else await this.short(scope, bits, vocabularyRoot, witness);
  }

  private async long(
    scope: Scope,
    rows: RowHashes,
    bits: V[][],
    vocabularyRoot: V,
    witness?: EmbeddingWitness,
  ): Promise<void> {
    const { session } = scope;
    const { tape } = session;
    const [t, i] = this.dims;
    const empty = tape.constant(hash(new Array<bigint>(i.size).fill(0n)));
    const leaves = await session.send(bits.length, 'embedding: row hashes', async () =>
      witness!.ids.slice(0, bits.length).map((id) => hash(witness!.tree.row(id))),
    );
    for (const [k, leaf] of leaves.entries()) {
      await inVocabulary(session, leaf, bits[k], vocabularyRoot, witness, k);
    }
    const all = Array.from({ length: 2 ** t.log }, (_, k) => leaves[k] ?? empty);
    await rows.script(scope, all, witness?.states);
  }

  private async short(
    scope: Scope,
    bits: V[][],
    vocabularyRoot: V,
    witness?: EmbeddingWitness,
  ): Promise<void> {
    const { session } = scope;
    const { tape } = session;
    const [t, i] = this.dims;
    const at = { t: scope.random('t', t.log), i: scope.random('i', i.log) };
    const weights = eqTable(tape, at.t);
    const columns = eqTable(tape, at.i).slice(0, i.size);
    const rows: V[] = [];
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
        witness!.tree.row(witness!.ids[k]),
      );
      await inVocabulary(session, tape.hash(row), bits[k], vocabularyRoot, witness, k);
      rows.push(tape.mul(weights[k], tape.inner(row, columns)));
    }
    scope.claims.addTensor(session, this.x, at, tape.sum(rows));
  }
}

async function inVocabulary(
  session: Session,
  leaf: V,
  bits: V[],
  root: V,
  witness: EmbeddingWitness | undefined,
  position: number,
): Promise<void> {
  const siblings = witness?.tree.path(witness.ids[position]);
  const top = await climb(session, 'embedding path', leaf, bits, siblings);
  session.tape.assertEqual(top, root, 'embedding: the row is not in the vocabulary');
}
