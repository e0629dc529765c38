/** Import of a Hugging Face DeepSeek-V3 checkpoint into a model directory of integer weights. */
import { AttensorError } from '@attensor/core';
import { writing } from '@attensor/core/files';
import { copyFile } from 'node:fs/promises';
import { join, resolve } from 'node:path';
import { readHfConfig } from './hf-config.js';
import {
  exists,
  requireFree,
  writeModelDirectory,
  type WriteOptions,
  type WrittenModel,
} from './model-writer.js';
import { planTensors } from './plan.js';
import { SafetensorsReader } from './safetensors.js';
import { WeightSource } from './weight-source.js';

/** Rows of a head and an embedding compared at a time. */
const COMPARED_ROWS = 256;

const TOKENIZER = 'tokenizer.json';
const TOKENIZER_FILES = [TOKENIZER, 'tokenizer_config.json'];

/** What `importCheckpoint` wrote. */
export interface ImportResult extends WrittenModel {
  /** Whether the checkpoint has a tokenizer.json; without one a model reads and writes token ids only. */
  tokenizer: boolean;
}

/**
 * Writes a model directory: model.json, integer weights in files per layer and per expert, the tokenizer.
 * The directory appears complete or not at all. However large the tensors, a few rows of them are in memory at a time.
 */
export async function importCheckpoint(
  hfDir: string,
  outDir: string,
  options: WriteOptions = {},
): Promise<ImportResult> {
  const out = resolve(outDir);
  await requireFree(out, options);
  const architecture = await readHfConfig(join(hfDir, 'config.json'));
  const { config } = architecture;
  const plan = planTensors(config);
  const reader = await SafetensorsReader.open(hfDir);
  try {
    const source = new WeightSource(reader, plan, architecture);
    await source.requireTied(config, COMPARED_ROWS);
    const tokenizer = await exists(join(hfDir, TOKENIZER));
    const copied = tokenizer ? TOKENIZER_FILES : [];
    for (const file of copied) await requireFile(join(hfDir, file));
    const written = await writeModelDirectory(out, { source, plan, config }, options, (work) =>
      Promise.all(
        copied.map((file) => {
          const to = join(work, file);
          return writing(to, copyFile(join(hfDir, file), to));
        }),
      ),
    );
    return { ...written, tokenizer };
  } finally {
    await reader.close();
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
