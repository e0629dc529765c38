/** Import of a Hugging Face DeepSeek-V3 checkpoint into a model directory of integer weights. */
import { createHash, randomBytes } from 'node:crypto';
import {
  copyFile,
  mkdir,
  open,
  rename,
  rm,
  stat,
  writeFile,
  type FileHandle,
} from 'node:fs/promises';
import { basename, dirname, join, resolve } from 'node:path';
import { AttensorError, throwIfAborted } from '@attensor/core';
import { FORMAT, MODEL_FILE, VERSION, WEIGHTS_DIR, type ModelFile } from './model-file.js';
import { readHfConfig, type Architecture } from './hf-config.js';
import { planTensors, type PlannedPart, type PlannedTensor } from './plan.js';
import { quantize } from './quantize.js';
import { SafetensorsReader } from './safetensors.js';
import { WeightSource } from './weight-source.js';

/** Elements converted at a time. */
const CHUNK = 1 << 20;
/** Rows of a head and an embedding compared at a time. */
const COMPARED_ROWS = 256;

const TOKENIZER = 'tokenizer.json';
const TOKENIZER_FILES = [TOKENIZER, 'tokenizer_config.json'];

/** Options of `importCheckpoint`. */
export interface ImportOptions {
  signal?: AbortSignal;
  /** Replace an existing model directory. */
  force?: boolean;
  /** Called after every tensor. */
  onProgress?: (progress: { tensor: string; done: number; total: number }) => void;
}

/** What `importCheckpoint` wrote. */
export interface ImportResult {
  dir: string;
  tensors: number;
  parameters: number;
  /** Whether the checkpoint has a tokenizer.json; without one a model reads and writes token ids only. */
  tokenizer: boolean;
}

/**
 * Writes a model directory: model.json, int32 weights in files per layer and per expert, the tokenizer.
 * The directory appears complete or not at all.
 */
export async function importCheckpoint(
  hfDir: string,
  outDir: string,
  options: ImportOptions = {},
): Promise<ImportResult> {
  const out = resolve(outDir);
  if (!options.force && (await exists(out))) {
    throw new AttensorError({
      code: 'OUTPUT_EXISTS',
      what: 'the output directory already exists',
      where: out,
      hint: 'Choose another directory, or replace it explicitly',
    });
  }
  const architecture = await readHfConfig(join(hfDir, 'config.json'));
  const plan = planTensors(architecture.config);
  const reader = await SafetensorsReader.open(hfDir);
  try {
    const source = new WeightSource(reader, plan, architecture);
    await source.requireTied(architecture.config, COMPARED_ROWS);
    const tokenizer = await exists(join(hfDir, TOKENIZER));
    const copied = tokenizer ? TOKENIZER_FILES : [];
    for (const file of copied) await requireFile(join(hfDir, file));
    await mkdir(dirname(out), { recursive: true });
    const suffix = randomBytes(6).toString('hex');
    const work = join(dirname(out), `.${basename(out)}.import-${suffix}`);
    await mkdir(work);
    try {
      const result = await writeModel(source, plan, architecture, work, options);
      for (const file of copied) await copyFile(join(hfDir, file), join(work, file));
      if (options.force) await rm(out, { recursive: true, force: true });
      await rename(work, out);
      return { dir: out, ...result, tokenizer };
    } finally {
      await rm(work, { recursive: true, force: true });
    }
  } finally {
    await reader.close();
  }
}

async function writeModel(
  source: WeightSource,
  plan: PlannedTensor[],
  architecture: Architecture,
  work: string,
  options: ImportOptions,
): Promise<{ tensors: number; parameters: number }> {
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
    config: architecture.config,
    tensors,
  };
  await writeFile(join(work, MODEL_FILE), JSON.stringify(model, null, 1) + '\n');
  return { tensors: tensors.length, parameters };
}

async function writePart(
  source: WeightSource,
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

function int32Bytes(values: Int32Array): Uint8Array {
  const bytes = new Uint8Array(4 * values.length);
  const view = new DataView(bytes.buffer);
  values.forEach((v, i) => view.setInt32(4 * i, v, true));
  return bytes;
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

async function requireFile(path: string): Promise<void> {
  if (!(await exists(path))) {
    throw new AttensorError({
      code: 'NOT_FOUND',
      what: 'a file of the checkpoint is missing',
      where: path,
      hint: 'Download the whole checkpoint folder',
    });
  }
}

async function exists(path: string): Promise<boolean> {
  return stat(path).then(
    () => true,
    () => false,
  );
}
