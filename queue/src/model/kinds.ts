/**
 * @module kinds
 * Runs the steps of an inference's proof. What a step reads is checked before it is used: messages by the plain verifier and against the
 * request, proofs by verification and against the messages, keys by the hash that the commitment names.
 */
import { AttensorError } from '@attensor/core';
import { checked } from '@attensor/core/files';
import { keyFolder } from '@attensor/core/o1js';
import { engine } from '@attensor/native';
import { circuitSteps, InferenceProver, type Transcript } from '@attensor/prover';
import { mkdir } from 'node:fs/promises';
import { join } from 'node:path';
import { Statement } from '@attensor/contracts';
import type { z } from 'zod';
import { fetchFolder, fetchInto, putFolder } from '../artifacts/folder-artifact.js';
import { BadInput, GraphRun, type Kinds, type StepRun } from '../kind.js';
import { MISSING } from '../jobs.js';
import {
  circuitName,
  KEYS,
  KIND,
  keysSchema,
  MESSAGES,
  modelParams,
  requestSchema,
  stepsOf,
  type TokenRequest,
} from './model-plan.js';

if (process.env.ATTENSOR_DEVICE === 'cpu') engine.setDevice('cpu');

/** Of this process, by folder. */
const loaded = new Map<string, Promise<InferenceProver>>();

function load({ artifacts, cacheDir }: StepRun, model: string): Promise<InferenceProver> {
  let inference = loaded.get(model);
  if (!inference) {
    inference = fetchFolder(artifacts, model, join(cacheDir, 'models')).then((dir) =>
      InferenceProver.load(dir, { cacheDir }),
    );
    inference.catch(() => loaded.delete(model));
    loaded.set(model, inference);
  }
  return inference;
}

function parse<T>(schema: z.ZodType<T>, value: unknown, where: string): T {
  const hint = 'The plan was made by another version';
  return checked(value, { schema, code: 'BAD_ARTIFACT', where, hint });
}

const json = (bytes: Uint8Array): unknown => JSON.parse(Buffer.from(bytes).toString());

async function run(step: StepRun): Promise<Uint8Array> {
  const { plan, artifacts } = step;
  const params = parse(modelParams, plan.json.params, plan.hash);
  const inference = await load(step, params.model);
  if (step.step === KEYS) return makeKeys(step, inference, params.verifierKeyHash);
  const request = parse(requestSchema, json(await artifacts.get(params.request)), params.request);
  const { messages, commit, run, witness } = stepsOf(inference, request);
  const graph = new GraphRun(step).add(messages, commit, run, witness);
  if (step.step === MESSAGES) return graph.run(messages);

  const transcript = await graph.get(messages);
  requireStatement(inference, request, transcript);
  await loadKeys(step, inference, params.verifierKeyHash);
  const { circuits, unit } = inference.prover;
  const proofs = circuitSteps(
    circuits,
    unit.statement.type,
    params.verifierKeyHash,
    messages,
    transcript,
  );
  graph.add(...proofs);
  const index = proofs.findIndex(({ name }) => name === step.step);
  if (index > 0) {
    const before = await graph.get(proofs[index - 1]);
    const stated = Statement.toFields(before.publicInput).map((field) => field.toBigInt());
    if (stated.some((field, i) => field !== transcript.statement[i]))
      throw new BadInput(circuitName(index - 1), 'it is a proof of something else');
    if (!(await circuits.program.verify(before)))
      throw new BadInput(circuitName(index - 1), 'it is a proof that does not verify');
  }
  return graph.run(proofs[index]);
}

/** Messages that verify may be of another answer. @throws BadInput */
function requireStatement(
  inference: InferenceProver,
  request: TokenRequest,
  { statement }: Transcript,
): void {
  const asked = Statement.toFields(inference.statement(request));
  if (asked.some((field, i) => field.toBigInt() !== statement[i]))
    throw new BadInput(MESSAGES, 'they are of something else than the request');
}

/** Compiles the circuits, unless this machine has done so, and gives their keys to all. */
async function makeKeys(
  { artifacts, cacheDir }: StepRun,
  inference: InferenceProver,
  expected: string,
): Promise<Uint8Array> {
  const { verifierKeyHash, verificationKey } = await inference.compile();
  requireKey(inference, verifierKeyHash, expected);
  const folder = await putFolder(artifacts, keyFolder(cacheDir), inference.prover.keyFiles);
  const keys: z.infer<typeof keysSchema> = {
    folder,
    verificationKey: { data: verificationKey, hash: verifierKeyHash },
  };
  return Buffer.from(JSON.stringify(keys));
}

const withKeys = new Set<InferenceProver>();

async function loadKeys(step: StepRun, inference: InferenceProver, expected: string) {
  if (withKeys.has(inference)) return;
  const { artifacts, cacheDir, inputs } = step;
  const keys = keysSchema.safeParse(json(await inputs.bytes(KEYS)));
  if (!keys.success) throw new BadInput(KEYS, 'they are none');
  const dir = keyFolder(cacheDir);
  await mkdir(dir, { recursive: true });
  await fetchInto(artifacts, keys.data.folder, dir).catch((error: unknown) => {
    if (error instanceof AttensorError && MISSING.includes(error.code))
      throw new BadInput(KEYS, error.message);
    throw error;
  });
  const { verifierKeyHash } = await inference.prover.compile();
  requireKey(inference, verifierKeyHash, expected);
  withKeys.add(inference);
}

function requireKey({ model }: InferenceProver, got: string, expected: string): void {
  if (got === expected) return;
  throw new AttensorError({
    code: 'UNSUPPORTED_VERSION',
    what: 'this machine makes other circuits of the model than the one that asks for the proof',
    where: model.dir,
    expected: `verifierKeyHash ${expected}`,
    got,
    hint: 'Use one version of Attensor on all machines',
  });
}

export const kinds: Kinds = { [KIND]: { run } };
