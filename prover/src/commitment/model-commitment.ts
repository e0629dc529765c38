/**
 * @module model-commitment
 * Committing to a model: the parameter vector under a polynomial commitment, the vocabulary's embedding rows under a Merkle tree,
 * both public as roots. The salt keeps the parameter root from confirming guesses of the weights.
 */
import { AttensorError } from '@attensor/core';
import { FilesTogether, PRIVATE_FILE, readJson, writeAtomic } from '@attensor/core/files';
import type { Model, ModelConfig } from '@attensor/inference';
import type { ProverEngine } from '@attensor/native';
import { mkdir, readdir, readFile, rm, stat } from 'node:fs/promises';
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

export const FORMAT = 'attensor-commitment';
const SECRET_FORMAT = 'attensor-secret';

const common = {
  format: z.literal(FORMAT),
  version: z.literal(VERSION),
  modelRoot: fieldSchema,
  vocabularyRoot: fieldSchema,
  configHash: fieldSchema,
  capacity: z.number().int().positive(),
  /** Set once the circuits are compiled. */
  verifierKeyHash: fieldSchema.optional(),
};
const numbers = {
  logSize: z.number().int().positive(),
  logInvRate: z.number().int().positive(),
  hashingLogInvRate: z.number().int().positive(),
};
const wholeSchema = z.strictObject({ ...common, ...numbers });
const unitSchema = z.strictObject({
  kind: z.enum(['first', 'dense', 'moe', 'last']),
  /** layers; 0 of the first and last unit */
  count: z.number().int().nonnegative(),
  ...numbers,
});
const cutSchema = z.strictObject({ ...common, units: z.array(unitSchema).min(3).max(4096) });

/** Of a model that is proved as one unit. */
export type WholeCommitment = z.infer<typeof wholeSchema>;
/** Of a model that is cut into units. */
export type CutCommitment = z.infer<typeof cutSchema>;
export type CommitmentFile = WholeCommitment | CutCommitment;

const secretHeader = { format: z.literal(SECRET_FORMAT), version: z.literal(VERSION) };
const wholeSecretSchema = z.strictObject({
  ...secretHeader,
  salt: fieldSchema,
  parameterSample: fieldSchema,
});
const cutSecretSchema = z.strictObject({
  ...secretHeader,
  salt: fieldSchema,
  units: z.array(z.strictObject({ root: fieldSchema, salt: fieldSchema })),
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

const TREE_NAME = 'parameter-tree';
/** Files of the parameters' trees: one, or one for each part. */
export const treeFiles = (parts: number, name = TREE_NAME): string[] =>
  parts === 1 ? [`${name}.bin`] : Array.from({ length: parts }, (_, k) => `${name}-${k}.bin`);

/** What the model directory holds of a commitment. */
export const committedFiles = (script: Script): string[] => [
  COMMITMENT_FILE,
  SECRET_FILE,
  ...treeFiles(script.parameters.widths.length),
];

/**
 * Writes commitment.json, secret.json (mode 0600) and the trees into the model directory: all of them, or none.
 *
 * @throws UNSUPPORTED_CONFIG, NOT_FOUND, MODEL_CORRUPT, WRITE_FAILED
 */
export async function commitModel(
  engine: ProverEngine,
  model: Model,
  options: CommitOptions = {},
): Promise<WholeCommitment> {
  // a capacity that cannot be planned is refused now, not when keys are made
  const { capacity = DEFAULT_CAPACITY, partLog } = options;
  const planned = await planModelScript(model.config, capacity, partLog);
  return commitPlanned(engine, model, planned, options);
}

/** The same, of a model that is planned. */
export async function commitPlanned(
  engine: ProverEngine,
  model: Model,
  { unit, script }: ReturnType<typeof modelScript>,
  { onProgress, signal, salt }: CommitOptions = {},
): Promise<WholeCommitment> {
  const weights = await commitWeights(engine, script, unit, model, {
    onProgress: (fraction) => onProgress?.('parameters', fraction),
    signal,
    salt,
  });
  const { parameters, vocabulary } = weights;
  if (!parameters || !vocabulary) throw new Error('commitment: a model without weights');
  const file: WholeCommitment = {
    format: FORMAT,
    version: VERSION,
    modelRoot: weights.root.toString(),
    vocabularyRoot: vocabulary.root.toString(),
    configHash: script.hash.toString(),
    capacity: unit.capacity,
    ...script.numbers,
  };
  await mkdir(model.dir, { recursive: true });
  const trees = await parameters.trees();
  const files = new FilesTogether();
  try {
    const names = await addTrees(files, model.dir, trees);
    const secret = { salt: weights.salt.toString(), parameterSample: parameters.sample.toString() };
    await replaceCommitment(files, model.dir, file, secret, names);
  } catch (error) {
    await files.discard();
    throw error;
  }
  parameters.dispose();
  onProgress?.('vocabulary', 1);
  return file;
}

/**
 * @param name of the files, where it is not the model's
 * @returns their names
 */
export async function addTrees(
  files: FilesTogether,
  dir: string,
  trees: Uint8Array[],
  name?: string,
): Promise<string[]> {
  const names = treeFiles(trees.length, name);
  for (const [k, file] of names.entries())
    await files.add({ path: join(dir, file), data: trees[k] });
  return names;
}

/**
 * Adds both files to those of the trees, and replaces what is there. Then removes trees that an earlier commitment left.
 *
 * @param trees names of this one's
 */
export async function replaceCommitment(
  files: FilesTogether,
  dir: string,
  file: CommitmentFile,
  secret: object,
  trees: string[],
): Promise<void> {
  const text = json({ format: SECRET_FORMAT, version: VERSION, ...secret });
  await files.add({ path: join(dir, SECRET_FILE), data: text, mode: PRIVATE_FILE });
  await files.add({ path: join(dir, COMMITMENT_FILE), data: json(file) });
  await files.replace();
  for (const name of await readdir(dir))
    if (name.startsWith(TREE_NAME) && !trees.includes(name)) await rm(join(dir, name));
}

/** Puts the hash of the circuits' key into the file, if it is not there yet. */
export async function rememberKey(
  dir: string,
  commitment: CommitmentFile,
  verifierKeyHash: string,
): Promise<void> {
  if (commitment.verifierKeyHash === verifierKeyHash) return;
  commitment.verifierKeyHash = verifierKeyHash;
  await writeAtomic(join(dir, COMMITMENT_FILE), json(commitment));
}

const json = (value: unknown): string => `${JSON.stringify(value, null, 2)}\n`;

const HINT = 'Commit the model: attensor model commit <model-dir>';

const anyVersion = z.looseObject({
  format: z.literal(FORMAT),
  version: z.number(),
  units: z.unknown().optional(),
});

/** @throws NOT_FOUND, BAD_FILE, WRONG_COMMITMENT for one of another version */
export async function readCommitment(path: string): Promise<CommitmentFile> {
  const file = { path, code: 'BAD_FILE' as const, hint: HINT };
  const { version, units } = await readJson({ ...file, schema: anyVersion });
  if (version !== VERSION)
    throw new AttensorError({
      code: 'WRONG_COMMITMENT',
      what: 'the model was committed by another version, with other trees and circuits',
      where: path,
      expected: `version ${VERSION}`,
      got: String(version),
      hint: 'Commit the model again: attensor model commit <model-dir>; then deploy it again',
    });
  return units === undefined
    ? readJson({ ...file, schema: wholeSchema })
    : readJson({ ...file, schema: cutSchema });
}

export interface Secret {
  salt: bigint;
  parameterSample: bigint;
}

/** @throws INSECURE_FILE when others may read it */
export async function readSecret(dir: string): Promise<Secret> {
  const { salt, parameterSample } = await readPrivate(dir, wholeSecretSchema);
  return { salt: BigInt(salt), parameterSample: BigInt(parameterSample) };
}

/** The same of a model in units. */
export async function readCutSecret(
  dir: string,
): Promise<{ salt: bigint; units: { root: bigint; salt: bigint }[] }> {
  const { salt, units } = await readPrivate(dir, cutSecretSchema);
  return {
    salt: BigInt(salt),
    units: units.map((unit) => ({ root: BigInt(unit.root), salt: BigInt(unit.salt) })),
  };
}

async function readPrivate<T>(dir: string, schema: z.ZodType<T>): Promise<T> {
  const path = join(dir, SECRET_FILE);
  const file = await readJson({ path, schema, code: 'BAD_FILE', hint: HINT });
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
  return file;
}

/** The trees of an earlier commitment. @throws NOT_FOUND */
export async function readTrees(dir: string, parts: number, name?: string): Promise<Uint8Array[]> {
  const trees: Uint8Array[] = [];
  for (const file of treeFiles(parts, name)) {
    const path = join(dir, file);
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
  return trees;
}

/** The committed weights, ready to open. @throws MODEL_CORRUPT when they no longer match the commitment */
export async function openWeights(
  engine: ProverEngine,
  { unit, script }: ReturnType<typeof modelScript>,
  model: Model,
  committed: WholeCommitment,
): Promise<CommittedWeights<Model>> {
  const { salt } = await readSecret(model.dir);
  const trees = await readTrees(model.dir, script.parameters.widths.length);
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
