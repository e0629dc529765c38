/**
 * @module model-commitment
 * Committing to a model: the parameter vector under a polynomial commitment, the vocabulary's embedding rows under a Merkle tree,
 * both public as roots. The salt keeps the parameter root from confirming guesses of the weights.
 */
import { AttensorError } from '@attensor/core';
import { PRIVATE_FILE, readJson, writeTogether } from '@attensor/core/files';
import type { Model, ModelConfig } from '@attensor/inference';
import type { ProverEngine } from '@attensor/native';
import { mkdir, readFile, stat } from 'node:fs/promises';
import { join } from 'node:path';
import { z } from 'zod';
import { cheapestScript, type PlannedScript } from '../rates.js';
import { fieldSchema } from '../schema.js';
import { PART_LOG, Script } from '../script.js';
import { ModelUnit, MODEL_VERSION as VERSION } from '../units/model.js';
import type { CommitmentNumbers } from '../units/unit.js';
import { commitWeights, type CommittedWeights } from './weights.js';

export const COMMITMENT_FILE = 'commitment.json';
export const SECRET_FILE = 'secret.json';

const FORMAT = 'attensor-commitment';
const SECRET_FORMAT = 'attensor-secret';
const commitmentSchema = z.strictObject({
  format: z.literal(FORMAT),
  version: z.literal(VERSION),
  modelRoot: fieldSchema,
  vocabularyRoot: fieldSchema,
  configHash: fieldSchema,
  capacity: z.number().int().positive(),
  logSize: z.number().int().positive(),
  logInvRate: z.number().int().positive(),
  hashingLogInvRate: z.number().int().positive(),
  /** Set once the circuits are compiled. */
  verifierKeyHash: fieldSchema.optional(),
});
export type CommitmentFile = z.infer<typeof commitmentSchema>;

const secretSchema = z.strictObject({
  format: z.literal(SECRET_FORMAT),
  version: z.literal(VERSION),
  salt: fieldSchema,
  parameterSample: fieldSchema,
});

/** Positions a model's circuits hold unless asked otherwise. */
export const DEFAULT_CAPACITY = 32;
/** log2 of the entries that a model of this capacity is committed in: of its witness, or its parameters up to a part. */
export function requiredLogSize(config: ModelConfig, capacity: number, partLog = PART_LOG): number {
  const { witnessLog, parameterLog } = new ModelUnit(config, capacity);
  return Math.max(witnessLog, Math.min(parameterLog, partLog));
}

/** A model's unit and script at the sizes of its commitment. @throws UNSUPPORTED_CONFIG */
export function modelScript(
  config: ModelConfig,
  capacity: number,
  { logSize, logInvRate, hashingLogInvRate }: CommitmentNumbers,
): { unit: ModelUnit; script: Script } {
  const unit = new ModelUnit(config, capacity, logSize);
  return { unit, script: new Script(unit, { logInvRate, hashingLogInvRate, partLog: logSize }) };
}

/** A model's unit, and its script at the rates that are chosen for it. @throws UNSUPPORTED_CONFIG */
export async function planModelScript(
  config: ModelConfig,
  capacity: number,
  partLog?: number,
): Promise<PlannedScript & { unit: ModelUnit }> {
  const logSize = requiredLogSize(config, capacity, partLog);
  const unit = new ModelUnit(config, capacity, logSize);
  return { unit, ...(await cheapestScript(unit, logSize)) };
}

export interface CommitOptions {
  capacity?: number;
  onProgress?: (stage: string, fraction: number) => void;
  signal?: AbortSignal;
  /** Keep an existing secret's salt (recommitting the same model); default: a fresh random salt. */
  salt?: bigint;
  /** log2 of the entries that the parameters are committed by, where they are more */
  partLog?: number;
}

/** Files of the parameters' trees: one, or one for each part. */
const treeFiles = (parts: number): string[] =>
  parts === 1
    ? ['parameter-tree.bin']
    : Array.from({ length: parts }, (_, k) => `parameter-tree-${k}.bin`);

/**
 * Writes commitment.json, secret.json (mode 0600) and the trees into the model directory: all of them, or none.
 *
 * @throws UNSUPPORTED_CONFIG, NOT_FOUND, MODEL_CORRUPT, WRITE_FAILED
 */
export async function commitModel(
  engine: ProverEngine,
  model: Model,
  options: CommitOptions = {},
): Promise<CommitmentFile> {
  const capacity = options.capacity ?? DEFAULT_CAPACITY;
  // a capacity that cannot be planned is refused now, not when keys are made
  const { unit, script } = await planModelScript(model.config, capacity, options.partLog);
  const { onProgress, signal, salt } = options;
  const weights = await commitWeights(engine, script, unit, model, {
    onProgress: (fraction) => onProgress?.('parameters', fraction),
    signal,
    salt,
  });
  const { parameters, vocabulary } = weights;
  if (!parameters || !vocabulary) throw new Error('commitment: a model without weights');
  const file: CommitmentFile = {
    format: FORMAT,
    version: VERSION,
    modelRoot: weights.root.toString(),
    vocabularyRoot: vocabulary.root.toString(),
    configHash: script.hash.toString(),
    capacity,
    ...script.numbers,
  };
  await mkdir(model.dir, { recursive: true });
  const trees = await parameters.trees();
  const secret = {
    format: SECRET_FORMAT,
    version: VERSION,
    salt: weights.salt.toString(),
    parameterSample: parameters.sample.toString(),
  };
  const at = (name: string): string => join(model.dir, name);
  await writeTogether([
    ...treeFiles(trees.length).map((name, k) => ({ path: at(name), data: trees[k] })),
    { path: at(SECRET_FILE), data: json(secret), mode: PRIVATE_FILE },
    { path: at(COMMITMENT_FILE), data: json(file) },
  ]);
  parameters.dispose();
  onProgress?.('vocabulary', 1);
  return file;
}

const json = (value: unknown): string => `${JSON.stringify(value, null, 2)}\n`;

const HINT = 'Commit the model: attensor model commit <model-dir>';

const anyVersion = z.looseObject({ format: z.literal(FORMAT), version: z.number() });

/** @throws NOT_FOUND, BAD_FILE, WRONG_COMMITMENT for one of another version */
export async function readCommitment(path: string): Promise<CommitmentFile> {
  const file = { path, code: 'BAD_FILE' as const, hint: HINT };
  const { version } = await readJson({ ...file, schema: anyVersion });
  if (version !== VERSION)
    throw new AttensorError({
      code: 'WRONG_COMMITMENT',
      what: 'the model was committed by another version, with other trees and circuits',
      where: path,
      expected: `version ${VERSION}`,
      got: String(version),
      hint: 'Commit the model again: attensor model commit <model-dir>; then deploy it again',
    });
  return readJson({ ...file, schema: commitmentSchema });
}

export interface Secret {
  salt: bigint;
  parameterSample: bigint;
}

/** @throws INSECURE_FILE when others may read it */
export async function readSecret(dir: string): Promise<Secret> {
  const path = join(dir, SECRET_FILE);
  const file = await readJson({ path, schema: secretSchema, code: 'BAD_FILE', hint: HINT });
  const { mode } = await stat(path);
  if (process.platform !== 'win32' && (mode & 0o077) !== 0)
    throw new AttensorError({
      code: 'INSECURE_FILE',
      what: 'the secret can be read by other users',
      where: path,
      expected: 'mode 0600',
      got: `mode 0${(mode & 0o777).toString(8)}`,
      hint: `chmod 600 ${path}`,
    });
  return { salt: BigInt(file.salt), parameterSample: BigInt(file.parameterSample) };
}

/** The committed weights, ready to open. @throws MODEL_CORRUPT when they no longer match the commitment */
export async function openWeights(
  engine: ProverEngine,
  { unit, script }: ReturnType<typeof modelScript>,
  model: Model,
  committed: CommitmentFile,
): Promise<CommittedWeights<Model>> {
  const { salt } = await readSecret(model.dir);
  const trees: Uint8Array[] = [];
  for (const name of treeFiles(script.parameters.widths.length)) {
    const path = join(model.dir, name);
    trees.push(
      await readFile(path).catch((cause: Error) => {
        throw new AttensorError({
          code: 'NOT_FOUND',
          what: 'the parameter tree cannot be read',
          where: path,
          got: cause.message,
          hint: 'Commit the model again',
        });
      }),
    );
  }
  const weights = await commitWeights(engine, script, unit, model, { salt, trees });
  const roots = {
    modelRoot: weights.root.toString(),
    vocabularyRoot: weights.vocabulary?.root.toString(),
  };
  for (const name of ['modelRoot', 'vocabularyRoot'] as const)
    if (roots[name] !== committed[name])
      throw new AttensorError({
        code: 'MODEL_CORRUPT',
        what: 'weights, tree or secret do not open the commitment',
        where: model.dir,
        expected: `${name} ${committed[name]}`,
        got: roots[name],
        hint: 'Commit the model again, or restore the files of this commitment',
      });
  return weights;
}
