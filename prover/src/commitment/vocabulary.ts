/** The Merkle tree over a model's embedding rows, and the rows themselves. */
import type { ProverEngine } from '@attensor/native';
import type { VocabularyTree } from '../components/embedding.js';
import { ceilLog2, P } from '../protocol/field.js';

export class Vocabulary implements VocabularyTree {
  private constructor(
    private readonly rows: Int32Array,
    private readonly width: number,
    private readonly layers: bigint[][],
  ) {}

  /** @param rows row-major, of `width` integers each */
  static async build(engine: ProverEngine, rows: Int32Array, width: number): Promise<Vocabulary> {
    const count = rows.length / width;
    const hashed = await engine.hashRows(rows, width);
    const leaves = engine.alloc(2 ** ceilLog2(count));
    leaves.axpy(0, 1n, hashed);
    const layers = await engine.merkleLayers(leaves);
    return new Vocabulary(
      rows,
      width,
      layers.map((l) => l.toBigints()),
    );
  }

  get root(): bigint {
    return this.layers[this.layers.length - 1][0];
  }
  row(token: number): bigint[] {
    const out = this.rows.subarray(token * this.width, (token + 1) * this.width);
    return Array.from(out, (v) => (v < 0 ? P + BigInt(v) : BigInt(v)));
  }
  path(token: number): bigint[] {
    return this.layers.slice(0, -1).map((layer, d) => layer[(token >> d) ^ 1]);
  }
}
