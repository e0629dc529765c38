/**
 * The tree over a model's embedding rows, and the rows themselves. A leaf is a row of integers, or, where rows are long, the one
 * element that Kimchi's Poseidon hashes it to.
 */
import type { FpVec, ProverEngine } from '@attensor/native';
import type { VocabularyTree } from '../components/embedding.js';
import { TREE_HASH } from '../hashing/trees.js';
import { P } from '../protocol/field.js';

export class Vocabulary implements VocabularyTree {
  private constructor(
    private readonly rows: Int32Array,
    private readonly width: number,
    private readonly levels: bigint[][],
  ) {}

  /**
   * @param rows row-major, of `width` integers each
   * @param long leaves are the rows' hashes
   */
  static async build(
    engine: ProverEngine,
    rows: Int32Array,
    width: number,
    long: boolean,
  ): Promise<Vocabulary> {
    const hashes = await (long ? hashedTwice(engine, rows, width) : engine.hashLeaves(rows, width));
    const levels = await engine.treeLevels(hashes);
    return new Vocabulary(
      rows,
      width,
      levels.map((level) => level.toBigints()),
    );
  }

  get root(): bigint {
    return this.levels[this.levels.length - 1][0];
  }
  row(token: number): bigint[] {
    const out = this.rows.subarray(token * this.width, (token + 1) * this.width);
    return Array.from(out, (v) => (v < 0 ? P + BigInt(v) : BigInt(v)));
  }
  path(token: number): bigint[][] {
    const { width } = TREE_HASH;
    return this.levels.slice(0, -1).map((level, step) => {
      const own = Math.floor(token / width ** step);
      const first = own - (own % width);
      return Array.from({ length: width }, (_, k) => first + k)
        .filter((at) => at !== own)
        .map((at) => level[at] ?? 0n);
    });
  }
}

/** Hashes of leaves of one element: of each row's hash. */
async function hashedTwice(engine: ProverEngine, rows: Int32Array, width: number): Promise<FpVec> {
  const { length } = rows;
  const count = length / width;
  const columns = engine.alloc(TREE_HASH.width * count);
  columns.axpy(0, 1n, await engine.hashRows(rows, width));
  const children = await engine.contract(columns, 0, [
    { size: count, stride: 1 },
    { size: TREE_HASH.width, stride: count },
  ]);
  return engine.compress(children);
}
