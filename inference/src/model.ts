/** A model directory: its config, and its tensors streamed from disk through a bounded cache. */
import { createHash } from 'node:crypto';
import { open } from 'node:fs/promises';
import { join, resolve } from 'node:path';
import { notFound } from '@attensor/core/files';
import { readModelFile, WEIGHTS_DIR, type TensorEntry } from './checkpoint/model-file.js';
import { ropeTables } from './components/tables.js';
import type { RopeAngles } from './components/rope.js';
import { type ModelConfig } from './config.js';
import { AttensorError } from '@attensor/core';

/** Options of `Model.open`. */
export interface ModelOptions {
  /** Bytes of weights kept in memory; at least one part is kept. Default 1 GiB. */
  cacheBytes?: number;
}

/** An imported model on disk. Tensors are read when they are needed, and kept up to a limit. */
export class Model {
  private readonly cache = new Map<string, Promise<Int32Array>>();
  private cachedBytes = 0;
  private angles: RopeAngles | undefined;
  private anglePositions = 0;

  private constructor(
    readonly dir: string,
    readonly config: ModelConfig,
    private readonly entries: ReadonlyMap<string, TensorEntry>,
    private readonly cacheBytes: number,
  ) {}

  /** @throws NOT_FOUND, BAD_MODEL */
  static async open(dir: string, options: ModelOptions = {}): Promise<Model> {
    const file = await readModelFile(resolve(dir));
    const entries = new Map(file.tensors.map((tensor) => [tensor.name, tensor]));
    return new Model(resolve(dir), file.config, entries, options.cacheBytes ?? 2 ** 30);
  }

  /** Names of all parameter tensors, in the order of the model. */
  get tensorNames(): string[] {
    return [...this.entries.keys()];
  }

  /** @throws UNKNOWN_TENSOR */
  shape(name: string): number[] {
    return [...this.entry(name).shape];
  }

  /** A whole parameter tensor, row-major; `routed` tensors with all experts one after the other. */
  async tensor(name: string): Promise<Int32Array> {
    const entry = this.entry(name);
    if (entry.parts.length === 1) return this.part(entry, 0);
    const size = product(entry.shape.slice(1));
    const all = new Int32Array(size * entry.parts.length);
    for (let e = 0; e < entry.parts.length; e++) all.set(await this.part(entry, e), e * size);
    return all;
  }

  /** One matrix of one routed expert: w1 and w3 (expertInner, hiddenSize), w2 (hiddenSize, expertInner). */
  async expert(name: string, expert: number): Promise<Int32Array> {
    const entry = this.entry(name);
    if (!Number.isInteger(expert) || expert < 0 || expert >= entry.parts.length) {
      throw new AttensorError({
        code: 'UNKNOWN_TENSOR',
        what: 'no such expert',
        where: entry.name,
        expected: `0 <= expert < ${entry.parts.length}`,
        got: String(expert),
      });
    }
    return this.part(entry, expert);
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

  private entry(name: string): TensorEntry {
    const entry = this.entries.get(name);
    if (!entry) {
      throw new AttensorError({
        code: 'UNKNOWN_TENSOR',
        what: `the model has no tensor '${name}'`,
        where: this.dir,
        hint: 'docs/integer-semantics.md lists the names',
      });
    }
    return entry;
  }

  /** The least recently used parts leave the cache first. */
  private part(entry: TensorEntry, index: number): Promise<Int32Array> {
    const key = `${entry.name}[${index}]`;
    const bytes = (4 * product(entry.shape)) / entry.parts.length;
    let found = this.cache.get(key);
    if (found) {
      this.cache.delete(key);
    } else {
      found = this.readPart(entry, index, bytes);
      this.cachedBytes += bytes;
      found.catch(() => this.forget(key, bytes));
    }
    this.cache.set(key, found);
    for (const oldest of this.cache.keys()) {
      if (this.cachedBytes <= this.cacheBytes || oldest === key) break;
      this.forget(oldest, this.partBytes(oldest));
    }
    return found;
  }

  private partBytes(key: string): number {
    const entry = this.entry(key.slice(0, key.lastIndexOf('[')));
    return (4 * product(entry.shape)) / entry.parts.length;
  }

  private forget(key: string, bytes: number): void {
    if (this.cache.delete(key)) this.cachedBytes -= bytes;
  }

  private async readPart(entry: TensorEntry, index: number, bytes: number): Promise<Int32Array> {
    const { file, offset, sha256 } = entry.parts[index];
    const path = join(this.dir, WEIGHTS_DIR, file);
    const hint = 'Import the checkpoint again';
    const corrupt = (what: string, expected: string, got: string): AttensorError =>
      new AttensorError({
        code: 'MODEL_CORRUPT',
        what,
        where: `${path}, tensor '${entry.name}'`,
        expected,
        got,
        hint,
      });
    const data = new Uint8Array(bytes);
    const handle = await open(path, 'r').catch((cause: unknown) => {
      throw notFound(path, hint, cause);
    });
    try {
      for (let done = 0; done < bytes;) {
        const { bytesRead } = await handle.read(data, done, bytes - done, offset + done);
        if (bytesRead === 0) throw corrupt('the file is truncated', `${bytes} bytes`, `${done}`);
        done += bytesRead;
      }
    } finally {
      await handle.close();
    }
    const got = createHash('sha256').update(data).digest('hex');
    if (got !== sha256) throw corrupt('the weights are not those imported', sha256, got);
    return new Int32Array(data.buffer);
  }
}

function product(dims: number[]): number {
  return dims.reduce((a, b) => a * b, 1);
}
