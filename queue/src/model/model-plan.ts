/**
 * @module model-plan
 * An inference of a committed model as a plan: messages, keys of the circuits, and one circuit after the other.
 */
import { AttensorError } from '@attensor/core';
import { MODEL_FILE, WEIGHTS_DIR } from '@attensor/inference';
import {
  circuitsBytes,
  committedFiles,
  nativeSteps,
  provingBytes,
  type InferenceProver,
  type ProofSteps,
} from '@attensor/prover';
import { readdir } from 'node:fs/promises';
import { join } from 'node:path';
import { z } from 'zod';
import type { ArtifactStore } from '../artifacts/artifact-store.js';
import { hashSchema, putFolder } from '../artifacts/folder-artifact.js';
import { digestOf, Plan, type Need, type PlannedStep } from '../plan.js';

export const KIND = 'model';
export const KEYS = 'keys';
export const MESSAGES = 'messages';
export const circuitName = (index: number): string => `circuit-${index}`;

export const modelParams = z.strictObject({
  /** A folder: the model with its commitment, and the commitment's secret. */
  model: hashSchema,
  /** Prompt and output, as token ids. */
  request: hashSchema,
  verifierKeyHash: z.string(),
});

export interface TokenRequest {
  promptIds: number[];
  outputIds: number[];
}
const ids = z.array(z.number().int().nonnegative());
export const requestSchema = z.strictObject({ promptIds: ids, outputIds: ids });

/** What the step of keys results in. */
export const keysSchema = z.strictObject({
  /** of the files in the folder of keys */
  folder: hashSchema,
  verificationKey: z.strictObject({ data: z.string(), hash: z.string() }),
});

/**
 * Writes what machines need that prove it: the model, once, and the request.
 *
 * @throws NOT_COMMITTED when the commitment does not yet name its circuits' key; WRITE_FAILED, UNREACHABLE
 */
export async function modelPlan(
  store: ArtifactStore,
  inference: InferenceProver,
  { promptIds, outputIds }: TokenRequest,
  device?: Need['device'],
): Promise<Plan> {
  const { model, commitment, prover, unit } = inference;
  const { verifierKeyHash } = commitment;
  if (verifierKeyHash === undefined)
    throw new AttensorError({
      code: 'NOT_COMMITTED',
      what: 'the commitment does not name the key of its circuits, by which proofs of other machines are checked',
      where: model.dir,
      hint: 'Run `attensor keys <model-dir>` once',
    });
  unit.check({ promptIds, outputIds });
  const weights = (await readdir(join(model.dir, WEIGHTS_DIR))).map((n) => `${WEIGHTS_DIR}/${n}`);
  const folder = await putFolder(store, model.dir, [
    MODEL_FILE,
    ...weights,
    ...committedFiles(prover.script),
  ]);
  const request = await store.put(Buffer.from(JSON.stringify({ promptIds, outputIds })));
  const params: z.infer<typeof modelParams> = { model: folder, request, verifierKeyHash };
  const { messages } = stepsOf(inference, { promptIds, outputIds });
  const circuitsRoom = `circuits ${verifierKeyHash}`;
  const circuitNeed = { bytes: circuitsBytes(prover.circuits.segments.length) };
  const circuits = prover.circuits.segments.map(({ index }): PlannedStep => ({
    name: circuitName(index),
    key: digestOf([KIND, folder, verifierKeyHash, messages.key, index]),
    inputs: [KEYS, MESSAGES, ...(index > 0 ? [circuitName(index - 1)] : [])],
    need: circuitNeed,
    room: circuitsRoom,
  }));
  return Plan.put(store, {
    kind: KIND,
    params,
    steps: [
      {
        name: KEYS,
        key: digestOf([KIND, verifierKeyHash]),
        ...{ inputs: [], need: circuitNeed, room: circuitsRoom },
      },
      {
        name: MESSAGES,
        // another commitment file of the same commitment is another folder
        key: digestOf([KIND, folder, messages.key]),
        inputs: [],
        need: { bytes: provingBytes(prover.script), device },
        room: `model ${folder}`,
      },
      ...circuits,
    ],
  });
}

/** The native steps, whose weights are opened only if one of them runs. */
export function stepsOf(inference: InferenceProver, request: TokenRequest): ProofSteps {
  const { prover, unit, commitment } = inference;
  return nativeSteps(prover.engines, unit, prover.script, request, {
    root: BigInt(commitment.modelRoot),
    open: () => inference.openModel(),
  });
}
