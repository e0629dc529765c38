/**
 * The tree over a model's embedding rows. A leaf is a row of integers, or, where rows are long, the one element that Kimchi's Poseidon
 * hashes it to. The rows themselves are read when they are needed.
 */
import { present } from '@attensor/core';
import type { FpVec, ProverEngine } from '@attensor/native';
import type { VocabularyTree } from '../components/embedding.js';
import { TREE_HASH } from '../hashing/trees.js';
import { P } from '../protocol/field.js';
import type { VocabularyRows } from '../units/unit.js';

const PIECE = 2 ** 22;

export interface VocabularyOptions {
  signal?: AbortSignal;
  /** Entries that are read and hashed at a time, if a row has no more. */
  piece?: number;
}

export class Vocabulary {
  private constructor(
    private readonly source: VocabularyRows,
    private readonly levels: bigint[][],
  ) {}

  /** @throws whatever reading the rows throws; CANCELLED */
  static async build(
    engine: ProverEngine,
    source: VocabularyRows,
    { signal, piece = PIECE }: VocabularyOptions = {},
  ): Promise<Vocabulary> {
    const { rows, width, long } = source;
    const count = rows.length / width;
    const hashes = engine.alloc(count);
    const most = Math.max(1, Math.floor(piece / width));
    const buffer = new Int32Array(Math.min(most, count) * width);
    for (let first = 0; first < count; first += most) {
      const values = buffer.subarray(0, (count - first) * width);
      await rows.read(first * width, values);
      const some = await (long
        ? hashedTwice(engine, values, width)
        : engine.hashLeaves(values, width, signal));
      hashes.axpy(first, 1n, some);
      some.dispose();
    }
    const levels = await engine.treeLevels(hashes, signal);
    return new Vocabulary(
      source,
      levels.map((level) => level.toBigints()),
    );
  }

  get root(): bigint {
    return this.levels[this.levels.length - 1][0];
  }

  /** The rows of some tokens, and their paths. */
  async open(tokens: number[]): Promise<VocabularyTree> {
    const { rows, width } = this.source;
    const found = new Map<number, bigint[]>();
    const row = new Int32Array(width);
    for (const token of new Set(tokens)) {
      await rows.read(token * width, row);
      found.set(
        token,
        Array.from(row, (v) => (v < 0 ? P + BigInt(v) : BigInt(v))),
      );
    }
    return {
      row: (token) => present(found.get(token), `the row of token ${token}`),
      path: (token) => this.path(token),
    };
  }

  private path(token: number): bigint[][] {
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
