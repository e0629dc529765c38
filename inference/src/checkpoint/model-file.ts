/** model.json: the table of contents of a model directory. */
import { join } from 'node:path';
import { z } from 'zod';
import { checkConfig, modelConfigSchema } from '../config.js';
import { AttensorError } from '@attensor/core';
import { readJson } from '@attensor/core/files';
import { planTensors } from './plan.js';
import { storedPartSchema } from './weight-file.js';

export const MODEL_FILE = 'model.json';
export const WEIGHTS_DIR = 'weights';
export const FORMAT = 'attensor-model';
/** Before version 2, weights were 32-bit integers with one hash for each part. */
export const VERSION = 2;

/** A tensor is its parts one after the other: one part, or one per expert. */
const tensorSchema = z.strictObject({
  name: z.string(),
  shape: z.array(z.number().int().positive()).min(1),
  parts: z.array(storedPartSchema).min(1),
});

const modelFileSchema = z.strictObject({
  format: z.literal(FORMAT),
  version: z.literal(VERSION),
  config: modelConfigSchema,
  tensors: z.array(tensorSchema),
});

export type ModelFile = z.infer<typeof modelFileSchema>;
export type TensorEntry = z.infer<typeof tensorSchema>;

const anyVersion = z.looseObject({ format: z.literal(FORMAT), version: z.number().int() });

/**
 * Reads model.json and checks that it lists exactly the tensors its config calls for.
 *
 * @throws NOT_FOUND, BAD_MODEL; UNSUPPORTED_VERSION for a model that another version wrote
 */
export async function readModelFile(dir: string): Promise<ModelFile> {
  const path = join(dir, MODEL_FILE);
  const hint = 'Import the checkpoint again';
  const json = { path, code: 'BAD_MODEL', hint } as const;
  const { version } = await readJson({ ...json, schema: anyVersion });
  if (version !== VERSION)
    throw new AttensorError({
      code: 'UNSUPPORTED_VERSION',
      what: 'another version of this program wrote the model directory',
      where: path,
      expected: `version ${VERSION}`,
      got: `version ${version}`,
      hint: 'Import the checkpoint into another folder; the weights are the same, so the files of its commitment can be moved there',
    });
  const file = await readJson({ ...json, schema: modelFileSchema });
  checkConfig(file.config, path);
  const stored = new Map(file.tensors.map((t) => [t.name, t]));
  const plan = planTensors(file.config);
  for (const { name, shape, parts } of plan) {
    const entry = stored.get(name);
    const expected = `shape ${shape.join(' x ')} in ${parts.length} parts`;
    const got = entry
      ? `shape ${entry.shape.join(' x ')} in ${entry.parts.length} parts`
      : 'no entry';
    if (expected !== got) {
      const what = `tensor '${name}' does not fit the config`;
      throw new AttensorError({ code: 'BAD_MODEL', what, where: path, expected, got, hint });
    }
  }
  if (file.tensors.length !== plan.length) {
    throw new AttensorError({
      code: 'BAD_MODEL',
      what: 'the tensor table has entries that the configuration does not call for',
      where: path,
      expected: `${plan.length}`,
      got: `${file.tensors.length}`,
      hint,
    });
  }
  return file;
}
