/** A model directory: its config, and its tensors, read from disk by ranges; what runs need again is kept up to a limit. */
import { join, resolve } from 'node:path';
import { readModelFile, WEIGHTS_DIR } from './checkpoint/model-file.js';
import { PartReader } from './checkpoint/weight-file.js';
import { ropeTables } from './components/tables.js';
import type { RopeAngles } from './components/rope.js';
import { type ModelConfig } from './config.js';
import { AttensorError } from '@attensor/core';

/** Options of `Model.open`. */
export interface ModelOptions {
  /** Bytes of weights that `tensor` and `expert` keep in memory; at least what was read last is kept. Default 1 GiB. */
  cacheBytes?: number;
  /** Weights of a matrix that a run reads at a time, if a row has no more. Default 2^24. */
  pieceSize?: number;
}

/** Entries of a tensor, row-major: `from` and those after it, up to but without `to`. */
export interface Range {
  from: number;
  to: number;
}

/** An imported model on disk. Weights are read when they are needed, by ranges, and checked against their hashes. */
export class Model {
  /** Most weights of a matrix that a run reads at a time. */
  readonly pieceSize: number;
  private readonly cache = new Map<string, { bytes: number; values: Promise<Int32Array> }>();
  private cachedBytes = 0;
  private readonly cacheBytes: number;
  private angles: RopeAngles | undefined;
  private anglePositions = 0;

  private constructor(
    readonly dir: string,
    readonly config: ModelConfig,
    private readonly tensors: ReadonlyMap<string, StoredTensor>,
    options: ModelOptions,
  ) {
    this.cacheBytes = options.cacheBytes ?? 2 ** 30;
    this.pieceSize = options.pieceSize ?? 2 ** 24;
  }

  /** @throws NOT_FOUND, BAD_MODEL, UNSUPPORTED_VERSION */
  static async open(dir: string, options: ModelOptions = {}): Promise<Model> {
    const file = await readModelFile(resolve(dir));
    const weights = join(resolve(dir), WEIGHTS_DIR);
    const tensors = file.tensors.map(({ name, shape, parts }): [string, StoredTensor] => {
      const size = product(shape) / parts.length;
      const readers = parts.map((part) => new PartReader(weights, part, size, name));
      return [name, { shape, parts: readers }];
    });
    return new Model(resolve(dir), file.config, new Map(tensors), options);
  }

  /** Names of all parameter tensors, in the order of the model. */
  get tensorNames(): string[] {
    return [...this.tensors.keys()];
  }

  /** @throws UNKNOWN_TENSOR */
  shape(name: string): number[] {
    return [...this.stored(name).shape];
  }

  /** Number of a tensor's entries. @throws UNKNOWN_TENSOR */
  size(name: string): number {
    return product(this.stored(name).shape);
  }

  /**
   * Entries of a parameter tensor, row-major; `routed` tensors have all experts one after the other. No more of the file is read than the
   * range and what shares a hash with it, and nothing is kept.
   *
   * @param into is filled, where it is given
   * @throws UNKNOWN_TENSOR, BAD_ARGUMENT, NOT_FOUND, MODEL_CORRUPT
   */
  async read(name: string, { from, to }: Range, into?: Int32Array): Promise<Int32Array> {
    const { parts } = this.stored(name);
    const size = this.size(name);
    if (!(Number.isInteger(from) && 0 <= from && from <= to && to <= size))
      throw badRange(name, `0 <= from <= to <= ${size}`, `${from} .. ${to}`);
    const values = into ?? new Int32Array(to - from);
    if (values.length !== to - from)
      throw badRange(name, `an array of ${to - from} entries`, String(values.length));
    const [{ length }] = parts;
    for (let at = from; at < to;) {
      const part = Math.floor(at / length);
      const end = Math.min(to, (part + 1) * length);
      await parts[part].read(at - part * length, values.subarray(at - from, end - from));
      at = end;
    }
    return values;
  }

  /** Entries of a parameter tensor as `read` has them, or all of them; kept, up to the limit of the cache. */
  async tensor(name: string, range = { from: 0, to: this.size(name) }): Promise<Int32Array> {
    return this.cached(name, range);
  }

  /** One matrix of one routed expert: w1 and w3 (expertInner, hiddenSize), w2 (hiddenSize, expertInner). */
  async expert(name: string, expert: number): Promise<Int32Array> {
    const { parts } = this.stored(name);
    if (!Number.isInteger(expert) || expert < 0 || expert >= parts.length) {
      throw new AttensorError({
        code: 'UNKNOWN_TENSOR',
        what: 'no such expert',
        where: name,
        expected: `0 <= expert < ${parts.length}`,
        got: String(expert),
      });
    }
    const [{ length }] = parts;
    return this.cached(name, { from: expert * length, to: (expert + 1) * length });
  }

  /** COS and SIN rows of positions start .. start + count - 1. */
  ropeAngles(start: number, count: number): RopeAngles {
    const end = start + count;
    const { rope, maxPositions } = this.config;
    if (!this.angles || this.anglePositions < end) {
      this.anglePositions = Math.max(end, Math.min(maxPositions, Math.max(64, 2 * end)));
      this.angles = ropeTables(this.config, rope, this.anglePositions);
    }
    const half = rope / 2;
    return {
      cos: this.angles.cos.subarray(start * half, end * half),
      sin: this.angles.sin.subarray(start * half, end * half),
    };
  }

  private stored(name: string): StoredTensor {
    const stored = this.tensors.get(name);
    if (!stored) {
      throw new AttensorError({
        code: 'UNKNOWN_TENSOR',
        what: `the model has no tensor '${name}'`,
        where: this.dir,
        hint: 'docs/integer-semantics.md lists the names',
      });
    }
    return stored;
  }

  /** The least recently used entries leave the cache first. */
  private cached(name: string, range: Range): Promise<Int32Array> {
    const key = `${name}[${range.from}:${range.to}]`;
    let found = this.cache.get(key);
    if (found) {
      this.cache.delete(key);
    } else {
      const bytes = 4 * (range.to - range.from);
      found = { bytes, values: this.read(name, range) };
      this.cachedBytes += bytes;
      found.values.catch(() => this.forget(key));
    }
    this.cache.set(key, found);
    for (const oldest of this.cache.keys()) {
      if (this.cachedBytes <= this.cacheBytes || oldest === key) break;
      this.forget(oldest);
    }
    return found.values;
  }

  private forget(key: string): void {
    this.cachedBytes -= this.cache.get(key)?.bytes ?? 0;
    this.cache.delete(key);
  }
}

interface StoredTensor {
  shape: number[];
  /** One, or one for each expert; equally long. */
  parts: PartReader[];
}

const product = (dims: number[]): number => dims.reduce((a, b) => a * b, 1);

const badRange = (name: string, expected: string, got: string): AttensorError =>
  new AttensorError({
    code: 'BAD_ARGUMENT',
    what: 'the range does not lie within the tensor',
    where: `tensor '${name}'`,
    expected,
    got,
  });
