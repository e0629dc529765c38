/**
 * @module prove-on-queue
 * Proves an inference with the machines of a queue. What comes back is believed no more than a proof file of a stranger: it is verified,
 * with the key that the commitment names, and against what was asked.
 */
import {
  proofFile,
  verifyProofFile,
  type InferenceProver,
  type ProofFile,
  type ProveRequest,
} from '@attensor/prover';
import { Field } from 'o1js';
import type { ArtifactStore } from '../artifacts/artifact-store.js';
import type { Need } from '../plan.js';
import { stateOf } from '../flow.js';
import { runPlan, type RunOptions } from '../run-plan.js';
import type { QueueServer } from '../server.js';
import { KEYS, keysSchema, MESSAGES, modelPlan } from './model-plan.js';

/** What workers of models are given as `kinds`. */
export const MODEL_KINDS = new URL('./kinds.js', import.meta.url).href;

export interface QueueProof {
  file: ProofFile;
  /** that the steps took on their machines */
  nativeSeconds: number;
  picklesSeconds: number;
  /** circuits */
  pickles: number;
  /** from the call to the verified proof */
  seconds: number;
  /** Who ran which step. */
  workers: Record<string, string>;
}

export interface QueueProveOptions extends Omit<RunOptions, 'check' | 'restore'> {
  /** Whether messages need a machine with a GPU. */
  device?: Need['device'];
}

/** @throws NOT_COMMITTED, EMPTY_PROMPT, TOO_LONG, STEP_FAILED, UNSUPPORTED_VERSION, UNREACHABLE */
export async function proveOnQueue(
  server: QueueServer,
  store: ArtifactStore,
  inference: InferenceProver,
  { promptIds, outputIds, text }: ProveRequest,
  { device, ...options }: QueueProveOptions = {},
): Promise<QueueProof> {
  const start = performance.now();
  const restore = () => modelPlan(store, inference, { promptIds, outputIds }, device);
  const plan = await restore();
  const { commitment, prover } = inference;
  const statement = inference.statement({ promptIds, outputIds });
  const fileOf = async (bytes: Uint8Array): Promise<ProofFile> => {
    const keys = await stateOf(server, plan.step(KEYS));
    if (keys.state !== 'done') throw Error('the keys of the circuits are not there');
    const made = keysSchema.parse(JSON.parse(text8(await store.get(keys.result.hash))));
    const { data, hash } = made.verificationKey;
    return proofFile(JSON.parse(text8(bytes)), { data, hash: Field(hash) }, statement, text);
  };
  const check = async (bytes: Uint8Array): Promise<string | undefined> => {
    try {
      const { cacheDir } = prover;
      const expected = { commitment, promptIds, outputIds, cacheDir };
      const { valid, reason } = await verifyProofFile(await fileOf(bytes), expected);
      return valid ? undefined : (reason ?? 'the proof is not valid');
    } catch (error) {
      return `the proof cannot be read: ${error instanceof Error ? error.message : String(error)}`;
    }
  };
  const { result, steps } = await runPlan(server, store, plan, { ...options, check, restore });
  const circuits = [...steps].filter(([name]) => name !== KEYS && name !== MESSAGES);
  return {
    file: await fileOf(result),
    nativeSeconds: steps.get(MESSAGES)?.seconds ?? 0,
    picklesSeconds: circuits.reduce((sum, [, { seconds }]) => sum + seconds, 0),
    pickles: circuits.length,
    seconds: (performance.now() - start) / 1000,
    workers: Object.fromEntries([...steps].map(([name, { worker }]) => [name, worker])),
  };
}

const text8 = (bytes: Uint8Array): string => Buffer.from(bytes).toString();
