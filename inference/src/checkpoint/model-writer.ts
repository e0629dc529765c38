/** Writes a model directory, whatever its weights come from. */
import { AttensorError, throwIfAborted } from '@attensor/core';
import { writing } from '@attensor/core/files';
import { randomBytes } from 'node:crypto';
import { mkdir, rename, rm, stat, writeFile } from 'node:fs/promises';
import { basename, dirname, join } from 'node:path';
import type { ModelConfig } from '../config.js';
import { FORMAT, MODEL_FILE, VERSION, WEIGHTS_DIR, type ModelFile } from './model-file.js';
import type { PlannedPart, PlannedTensor } from './plan.js';
import { quantize } from './quantize.js';
import { WeightWriter } from './weight-file.js';

/** Elements converted at a time. */
const CONVERTED = 1 << 20;

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
 * Writes model.json, and integer weights in files per layer and per expert, a few rows at a time. The directory appears complete or not at
 * all; what it replaces is removed after that.
 *
 * @throws WRITE_FAILED
 * @param add writes further files into the folder that will be the directory
 */
export async function writeModelDirectory(
  out: string,
  contents: ModelContents,
  options: WriteOptions,
  add: (work: string) => Promise<unknown> = () => Promise.resolve(),
): Promise<WrittenModel> {
  const suffix = randomBytes(6).toString('hex');
  const beside = (purpose: string): string =>
    join(dirname(out), `.${basename(out)}.${purpose}-${suffix}`);
  const work = beside('import');
  await writing(work, mkdir(work, { recursive: true }));
  try {
    const written = await writeModel(contents, work, options);
    await add(work);
    await writing(out, moveInto(work, out, beside('replaced')));
    return { dir: out, ...written };
  } finally {
    await rm(work, { recursive: true, force: true });
  }
}

/** If a move fails, what was in the place is there again. @param aside where that waits meanwhile */
async function moveInto(from: string, to: string, aside: string): Promise<void> {
  const replaced = await exists(to);
  if (replaced) await rename(to, aside);
  try {
    await rename(from, to);
  } catch (error) {
    if (replaced) await rename(aside, to);
    throw error;
  }
  await rm(aside, { recursive: true, force: true });
}

async function writeModel(
  { source, plan, config }: ModelContents,
  work: string,
  options: WriteOptions,
): Promise<Omit<WrittenModel, 'dir'>> {
  await writing(work, mkdir(join(work, WEIGHTS_DIR)));
  const weights = new WeightWriter(join(work, WEIGHTS_DIR));
  const tensors: ModelFile['tensors'] = [];
  let parameters = 0;
  try {
    for (const { name, shape, parts } of plan) {
      const written = [];
      for (const part of parts) {
        throwIfAborted(options.signal, `import of tensor '${name}'`);
        written.push(await weights.write(part.file, integers(source, part)));
      }
      tensors.push({ name, shape, parts: written });
      parameters += shape.reduce((a, b) => a * b, 1);
      options.onProgress?.({ tensor: name, done: tensors.length, total: plan.length });
    }
  } finally {
    await weights.close();
  }
  const model: ModelFile = {
    format: FORMAT,
    version: VERSION,
    config,
    tensors,
  };
  const path = join(work, MODEL_FILE);
  await writing(path, writeFile(path, JSON.stringify(model, null, 1) + '\n'));
  return { tensors: tensors.length, parameters };
}

/** A part's integers, a few rows at a time. */
async function* integers(source: RowSource, part: PlannedPart): AsyncGenerator<Int32Array> {
  const width = part.sourceShape.slice(1).reduce((a, b) => a * b, 1);
  const step = Math.max(1, Math.floor(CONVERTED / width));
  for (const { first, count } of part.ranges) {
    for (let row = first; row < first + count; row += step) {
      const rows = Math.min(step, first + count - row);
      const values = await source.rows(part, row, rows);
      yield quantize(values, part.source, row * width);
    }
  }
}

export async function exists(path: string): Promise<boolean> {
  return stat(path).then(
    () => true,
    () => false,
  );
}
