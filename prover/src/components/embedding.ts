/**
 * Embedding: the row of each position's token hashes to a leaf of `vocabularyRoot` at the token's index, and the same values are
 * the model's input x(t, i), claimed at a random point.
 *
 * Positions are a power of two, so index 11...1 is the last one.
 */
import { eqTable } from '../protocol/polynomials.js';
import type { Scope } from '../protocol/scope.js';
import type { V } from '../protocol/tape.js';
import type { Tensor } from '../protocol/tensor.js';
import { fromTrace, type Builder, type Dim } from './builder.js';
import type { TokenColumns } from './tokens.js';

/** Prover only: rows and Merkle siblings (leaf upward) by token. */
export interface VocabularyTree {
  row(token: number): bigint[];
  path(token: number): bigint[];
}

export class Embedding {
  readonly x: Tensor;
  constructor(
    b: Builder,
    readonly dims: [t: Dim, i: Dim],
  ) {
    this.x = b.free('embedding.x', dims, fromTrace('embedding.x'));
  }

  async script(
    scope: Scope,
    tokens: TokenColumns,
    vocabularyRoot: V,
    vocabulary?: { tree: VocabularyTree; ids: number[] },
  ): Promise<void> {
    const { session } = scope;
    const { tape } = session;
    const [t, i] = this.dims;
    const at = { t: scope.random('t', t.log), i: scope.random('i', i.log) };
    const weights = eqTable(tape, at.t);
    const columns = eqTable(tape, at.i).slice(0, i.size);
    const zero = tape.constant(0n);
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
      const bits = tokens.bits[k];
      const token = vocabulary?.ids[k] ?? 0;
      const row = await session.hint(i.size, 'embedding row', () => vocabulary!.tree.row(token));
      const path = await session.hint(bits.length, 'embedding path', () =>
        vocabulary!.tree.path(token),
      );
      let node = tape.hash(row);
      path.forEach((sibling, d) => {
        const shift = tape.mul(bits[d], tape.sub(sibling, node));
        node = tape.permute([tape.add(node, shift), tape.sub(sibling, shift), zero])[0];
      });
      tape.assertEqual(node, vocabularyRoot, 'embedding: the row is not in the vocabulary');
      rows.push(tape.mul(weights[k], tape.inner(row, columns)));
    }
    scope.claims.addTensor(session, this.x, at, tape.sum(rows));
  }
}
