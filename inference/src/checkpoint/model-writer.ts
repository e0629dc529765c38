/** Writes a model directory, whatever its weights come from. */
import { AttensorError, throwIfAborted } from '@attensor/core';
import { createHash, randomBytes } from 'node:crypto';
import { mkdir, open, rename, rm, stat, writeFile, type FileHandle } from 'node:fs/promises';
import { endianness } from 'node:os';
import { basename, dirname, join } from 'node:path';
import type { ModelConfig } from '../config.js';
import { FORMAT, MODEL_FILE, VERSION, WEIGHTS_DIR, type ModelFile } from './model-file.js';
import type { PlannedPart, PlannedTensor } from './plan.js';
import { quantize } from './quantize.js';

/** Elements converted at a time. */
const CHUNK = 1 << 20;

/** Weights of a checkpoint, or as a checkpoint would have them. */
export interface RowSource {
  /** Rows of the tensor `part.source`, as doubles. */
  rows(part: PlannedPart, first: number, count: number): Promise<Float64Array>;
}

/** What a model directory is written from. */
export interface ModelContents {
  source: RowSource;
  plan: PlannedTensor[];
  config: ModelConfig;
}

/** Options of whatever writes a model directory. */
export interface WriteOptions {
  signal?: AbortSignal;
  /** Replace an existing model directory. */
  force?: boolean;
  /** Called after every tensor. */
  onProgress?: (progress: { tensor: string; done: number; total: number }) => void;
}

/** What was written. */
export interface WrittenModel {
  dir: string;
  tensors: number;
  parameters: number;
}

/** @throws OUTPUT_EXISTS */
export async function requireFree(out: string, { force }: WriteOptions): Promise<void> {
  if (force || !(await exists(out))) return;
  throw new AttensorError({
    code: 'OUTPUT_EXISTS',
    what: 'the output directory already exists',
    where: out,
    hint: 'Choose another directory, or replace it explicitly',
  });
}

/**
 * Writes model.json, and int32 weights in files per layer and per expert, a few rows at a time. The directory appears complete or not at
 * all.
 *
 * @param add writes further files into the folder that will be the directory
 */
export async function writeModelDirectory(
  out: string,
  contents: ModelContents,
  options: WriteOptions,
  add: (work: string) => Promise<unknown> = () => Promise.resolve(),
): Promise<WrittenModel> {
  await mkdir(dirname(out), { recursive: true });
  const suffix = randomBytes(6).toString('hex');
  const work = join(dirname(out), `.${basename(out)}.import-${suffix}`);
  await mkdir(work);
  try {
    const written = await writeModel(contents, work, options);
    await add(work);
    if (options.force) await rm(out, { recursive: true, force: true });
    await rename(work, out);
    return { dir: out, ...written };
  } finally {
    await rm(work, { recursive: true, force: true });
  }
}

async function writeModel(
  { source, plan, config }: ModelContents,
  work: string,
  options: WriteOptions,
): Promise<Omit<WrittenModel, 'dir'>> {
  await mkdir(join(work, WEIGHTS_DIR));
  const files = new FileAppender(join(work, WEIGHTS_DIR));
  const tensors: ModelFile['tensors'] = [];
  let parameters = 0;
  try {
    for (const { name, shape, parts } of plan) {
      const written = [];
      for (const part of parts) {
        throwIfAborted(options.signal, `import of tensor '${name}'`);
        written.push(await writePart(source, part, files));
      }
      tensors.push({ name, shape, parts: written });
      parameters += shape.reduce((a, b) => a * b, 1);
      options.onProgress?.({ tensor: name, done: tensors.length, total: plan.length });
    }
  } finally {
    await files.close();
  }
  const model: ModelFile = {
    format: FORMAT,
    version: VERSION,
    config,
    tensors,
  };
  await writeFile(join(work, MODEL_FILE), JSON.stringify(model, null, 1) + '\n');
  return { tensors: tensors.length, parameters };
}

async function writePart(
  source: RowSource,
  part: PlannedPart,
  files: FileAppender,
): Promise<ModelFile['tensors'][0]['parts'][0]> {
  const hash = createHash('sha256');
  const width = part.sourceShape.slice(1).reduce((a, b) => a * b, 1);
  const step = Math.max(1, Math.floor(CHUNK / width));
  const offset = await files.size(part.file);
  for (const { first, count } of part.ranges) {
    for (let row = first; row < first + count; row += step) {
      const rows = Math.min(step, first + count - row);
      const values = await source.rows(part, row, rows);
      const bytes = int32Bytes(quantize(values, part.source, row * width));
      hash.update(bytes);
      await files.append(part.file, bytes);
    }
  }
  return { file: part.file, offset, sha256: hash.digest('hex') };
}

/** Little-endian, whatever the machine. */
function int32Bytes(values: Int32Array): Uint8Array {
  const bytes = Buffer.from(values.buffer, values.byteOffset, values.byteLength);
  return endianness() === 'LE' ? bytes : Buffer.from(bytes).swap32();
}

/** Appends to several files; keeps the last one open. */
class FileAppender {
  private readonly sizes = new Map<string, number>();
  private current: { file: string; handle: FileHandle } | undefined;

  constructor(private readonly dir: string) {}

  async size(file: string): Promise<number> {
    return this.sizes.get(file) ?? 0;
  }

  async append(file: string, bytes: Uint8Array): Promise<void> {
    if (this.current?.file !== file) {
      await this.close();
      this.current = { file, handle: await open(join(this.dir, file), 'a') };
    }
    await this.current.handle.appendFile(bytes);
    this.sizes.set(file, (this.sizes.get(file) ?? 0) + bytes.length);
  }

  async close(): Promise<void> {
    await this.current?.handle.close();
    this.current = undefined;
  }
}

export async function exists(path: string): Promise<boolean> {
  return stat(path).then(
    () => true,
    () => false,
  );
}
