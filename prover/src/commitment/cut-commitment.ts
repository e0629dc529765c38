/**
 * @module cut-commitment
 * Committing to a model of any size: as one unit if its proof fits the memory, otherwise cut into units, with one commitment.json and
 * secret.json for all of them and the trees of each.
 */
import { AttensorError } from '@attensor/core';
import { FilesTogether } from '@attensor/core/files';
import type { Model } from '@attensor/inference';
import type { ProverEngine } from '@attensor/native';
import { mkdir } from 'node:fs/promises';
import { totalmem } from 'node:os';
import { join } from 'node:path';
import { commitParts, type CommittedPart } from '../parts-prover.js';
import { cutModel, placed, type CutModel, type CutOptions } from '../units/cut.js';
import { joinedModelRoot, weightsPath } from '../units/joins.js';
import { MODEL_VERSION } from '../units/model.js';
import {
  addTrees,
  COMMITMENT_FILE,
  commitPlanned,
  DEFAULT_CAPACITY,
  FORMAT,
  readCutSecret,
  readTrees,
  replaceCommitment,
  type CommitmentFile,
  type CommitOptions,
  type CutCommitment,
} from './model-commitment.js';

/** Of the machine's memory, what a proof may take unless asked otherwise: the rest is for circuits, files and the system. */
const MEMORY_SHARE = 0.75;

/** Bytes that a proof may take unless asked otherwise. */
export const defaultMemory = (): number => {
  const limit = process.constrainedMemory();
  return MEMORY_SHARE * Math.min(totalmem(), limit > 0 ? limit : Infinity);
};

export interface CommitWithinOptions extends CommitOptions, Pick<CutOptions, 'rates'> {
  /** Bytes that the messages of a proof may take (`provingBytes`). Default: three quarters of the machine's. */
  memory?: number;
}

/**
 * Commits to a model, cut into as few units as the memory asks for. Writes commitment.json, secret.json (mode 0600) and the trees into
 * the model directory.
 *
 * @throws UNSUPPORTED_CONFIG when a layer, or what stands before or after the layers, does not fit the memory
 */
export async function commitWithin(
  engine: ProverEngine,
  model: Model,
  { memory = defaultMemory(), ...options }: CommitWithinOptions = {},
): Promise<CommitmentFile> {
  const { capacity = DEFAULT_CAPACITY, batch = 1, partLog, rates } = options;
  const shape = { config: model.config, capacity, batch };
  const cut = await cutModel(shape, memory, { partLog, rates });
  return 'whole' in cut
    ? commitPlanned(engine, model, cut.whole, options)
    : commitCut(engine, model, cut.parts, options);
}

/** Trees of a unit. */
const treeName = (unit: number): string => `parameter-tree-unit-${unit}`;

async function commitCut(
  engine: ProverEngine,
  model: Model,
  cut: CutModel,
  { onProgress, signal }: CommitOptions,
): Promise<CutCommitment> {
  const { batch = 1 } = cut;
  await mkdir(model.dir, { recursive: true });
  const files = new FilesTogether();
  const trees: string[] = [];
  try {
    const { modelRoot, vocabularyRoot, salt, units } = await commitParts(engine, cut, model, {
      signal,
      onProgress: (fraction) => onProgress?.('parameters', fraction),
      async keep(unit, parameters) {
        const made = await parameters.trees();
        trees.push(...(await addTrees(files, model.dir, made, treeName(unit))));
      },
    });
    const file: CutCommitment = {
      format: FORMAT,
      version: MODEL_VERSION,
      modelRoot: modelRoot.toString(),
      vocabularyRoot: vocabularyRoot.toString(),
      configHash: cut.configHash.toString(),
      capacity: cut.capacity,
      ...(batch > 1 && { batch }),
      units: cut.places.map(({ kind, count, script }) => ({ kind, count, ...script.numbers })),
    };
    const secret = {
      salt: salt.toString(),
      units: units.map(({ root, salt: own }) => ({ root: root.toString(), salt: own.toString() })),
    };
    await replaceCommitment(files, model.dir, file, secret, trees);
    return file;
  } catch (error) {
    await files.discard();
    throw error;
  }
}

/** A model's units as they were committed, and what opens them. */
export interface OpenCut {
  cut: CutModel;
  /** of `modelRoot` */
  salt: bigint;
  units: (CommittedPart & { trees: () => Promise<Uint8Array[]> })[];
}

/** @throws WRONG_COMMITMENT, MODEL_CORRUPT, INSECURE_FILE */
export async function openCut(model: Model, committed: CutCommitment): Promise<OpenCut> {
  const { config, dir } = model;
  const { capacity, batch } = committed;
  const cut = placed({ config, capacity, batch }, committed.units);
  if (cut.configHash.toString() !== committed.configHash)
    throw new AttensorError({
      code: 'WRONG_COMMITMENT',
      what: 'the commitment is of another architecture or version',
      where: join(dir, COMMITMENT_FILE),
      expected: `configHash ${cut.configHash}`,
      got: committed.configHash,
      hint: 'Commit the model again',
    });
  const { salt, units } = await readCutSecret(dir);
  const roots = units.map(({ root }) => root);
  const root =
    units.length === cut.places.length
      ? joinedModelRoot(cut.configHash, weightsPath(roots).root, salt)
      : undefined;
  if (root?.toString() !== committed.modelRoot || roots[0].toString() !== committed.vocabularyRoot)
    throw new AttensorError({
      code: 'MODEL_CORRUPT',
      what: 'the secret does not open the commitment',
      where: dir,
      expected: `modelRoot ${committed.modelRoot}`,
      got: String(root ?? `${units.length} units`),
      hint: 'Commit the model again, or restore the files of this commitment',
    });
  return {
    cut,
    salt,
    units: units.map((unit, k) => ({
      ...unit,
      trees: () => readTrees(dir, cut.places[k].script.parameters.widths.length, treeName(k)),
    })),
  };
}
