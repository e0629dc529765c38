/**
 * @module parts-prover
 * A model that is cut into units, as numbers: its commitment, a run with its boundary tensors, the messages of each unit, and the
 * verifier that joins them. One unit's weights are in memory at a time.
 */
import { AttensorError } from '@attensor/core';
import type { Model } from '@attensor/inference';
import type { ProverEngine } from '@attensor/native';
import { commitBoundary, type CommittedBoundary } from './commitment/boundary.js';
import { randomField, type CommittedVector } from './commitment/committed-vector.js';
import { commitWeights } from './commitment/weights.js';
import type { TokenInput } from './components/tokens.js';
import { digestOf, nativeSteps, replay, type Engines, type Transcript } from './proof-steps.js';
import { permute } from './protocol/poseidon.js';
import { VerificationError } from './protocol/tape.js';
import { Scheduler, type SchedulerOptions, type Step } from './steps.js';
import { NO_STORE, type Store } from './store.js';
import { joinedModel, type CutModel, type PlacedPart } from './units/cut.js';
import {
  joinAll,
  joinedModelRoot,
  joinModel,
  PLAIN_KEYS,
  unitFields,
  weightsPath,
  type JoinSecrets,
} from './units/joins.js';
import type { PartRequest } from './units/part.js';
import { hashesOf } from './units/statements.js';

/** The commitment to one unit's weights. */
export interface CommittedPart {
  root: bigint;
  salt: bigint;
}

/** The commitment to a model's weights, unit by unit. All but the two roots is the owner's secret. */
export interface CommittedParts {
  modelRoot: bigint;
  vocabularyRoot: bigint;
  /** of `modelRoot` */
  salt: bigint;
  /** of each unit, in order */
  units: CommittedPart[];
}

export interface CommitPartsOptions {
  signal?: AbortSignal;
  /** of the whole model */
  onProgress?: (fraction: number) => void;
  /** Called with each unit's parameters, where it has any, before they are disposed of. */
  keep?: (unit: number, parameters: CommittedVector) => Promise<void>;
}

/** @throws MISSING_TENSOR, BAD_SHAPE, BAD_MODEL for weights that do not fit the units */
export async function commitParts(
  engine: ProverEngine,
  { places, configHash }: CutModel,
  model: Model,
  { signal, onProgress, keep }: CommitPartsOptions = {},
): Promise<CommittedParts> {
  const units: CommittedPart[] = [];
  for (const [k, { unit, script, layer }] of places.entries()) {
    const weights = await commitWeights(
      engine,
      script,
      unit,
      { model, layer },
      { signal, onProgress: (fraction) => onProgress?.((k + fraction) / places.length) },
    );
    try {
      if (weights.parameters) await keep?.(k, weights.parameters);
    } finally {
      weights.parameters?.dispose();
    }
    units.push({ root: weights.root, salt: weights.salt });
  }
  const roots = units.map(({ root }) => root);
  const salt = randomField();
  const modelRoot = joinedModelRoot(configHash, weightsPath(roots).root, salt);
  return { modelRoot, vocabularyRoot: roots[0], salt, units };
}

/** A tensor between two units, not committed: the commitment can be made again from it. */
export type Boundary = Pick<CommittedBoundary, 'tensor' | 'salt' | 'root'>;

/** What a unit's exact run leaves to the next one. */
export interface PartRun {
  /** of the tokens of all requests */
  tokenSalt: bigint;
  /** Absent for the last unit. */
  out?: Boundary;
}

/** The exact run, unit by unit. Its steps' results are kept, salts included, so that an interrupted proof goes on with the same ones. */
export function runSteps(
  engines: Engines,
  { places, configHash }: CutModel,
  requests: readonly TokenInput[],
  model: Model,
  modelRoot: bigint,
): Step<PartRun>[] {
  const tokens = requests.flatMap(({ promptIds, outputIds }) => [promptIds, outputIds]);
  const key = digestOf([configHash, modelRoot, JSON.stringify(tokens)]);
  const steps: Step<PartRun>[] = [];
  for (const [k, { unit, layer }] of places.entries()) {
    const before = steps.at(-1);
    steps.push({
      name: `run-${k}`,
      key,
      inputs: before ? [before] : [],
      codec: RUN_CODEC,
      async run(context) {
        const earlier = before && (await context.get(before));
        const tokenSalt = earlier?.tokenSalt ?? randomField();
        const request = { requests, tokenSalt, in: earlier?.out };
        const { tensors } = await unit.run(
          engines.model,
          request,
          { model, layer },
          context.signal,
        );
        const tensor = unit.result === undefined ? undefined : tensors.get(unit.result);
        if (!tensor) return { tokenSalt };
        const { committed, ...out } = await commitBoundary(engines.prover, tensor);
        committed.dispose();
        return { tokenSalt, out };
      },
    });
  }
  return steps;
}

const RUN_CODEC: Step<PartRun>['codec'] = {
  encode({ tokenSalt, out }) {
    const { buffer, byteOffset, byteLength } = out?.tensor.data ?? new BigInt64Array();
    const header = JSON.stringify({
      tokenSalt: String(tokenSalt),
      ...(out && { salt: String(out.salt), root: String(out.root), dims: out.tensor.dims }),
    });
    return Buffer.concat([Buffer.from(`${header}\n`), Buffer.from(buffer, byteOffset, byteLength)]);
  },
  decode(bytes) {
    const end = bytes.indexOf(0x0a);
    const { tokenSalt, salt, root, dims } = JSON.parse(
      Buffer.from(bytes.subarray(0, end)).toString(),
    ) as { tokenSalt: string; salt?: string; root?: string; dims?: number[] };
    const run: PartRun = { tokenSalt: BigInt(tokenSalt) };
    if (salt !== undefined && root !== undefined && dims) {
      // a copy: the bytes may lie anywhere in a larger buffer
      const data = new BigInt64Array(Uint8Array.from(bytes.subarray(end + 1)).buffer);
      run.out = { tensor: { dims, data }, salt: BigInt(salt), root: BigInt(root) };
    }
    return Promise.resolve(run);
  },
};

/** What each unit is asked, its boundaries not committed. */
export interface PartRequests {
  requests: readonly TokenInput[];
  runs: PartRun[];
}

/** Commits to a unit's boundaries. `dispose` frees what that takes. */
export async function partRequest(
  engine: ProverEngine,
  { requests, runs }: PartRequests,
  k: number,
): Promise<{ request: PartRequest; dispose: () => void }> {
  const commit = async (boundary: Boundary | undefined) =>
    boundary && (await commitBoundary(engine, boundary.tensor, boundary.salt));
  const before = await commit(k > 0 ? runs[k - 1].out : undefined);
  const after = await commit(runs[k].out);
  const { tokenSalt } = runs[k];
  return {
    request: { requests, tokenSalt, in: before, out: after },
    dispose() {
      before?.committed.dispose();
      after?.committed.dispose();
    },
  };
}

/**
 * Runs the model unit by unit.
 *
 * @throws EMPTY_PROMPT, TOO_LONG, WRONG_TEXT when the model answers with other tokens
 */
export async function runParts(
  engines: Engines,
  cut: CutModel,
  requests: readonly TokenInput[],
  model: Model,
  modelRoot: bigint,
  scheduler = new Scheduler(NO_STORE),
): Promise<PartRequests> {
  const runs: PartRun[] = [];
  for (const step of runSteps(engines, cut, requests, model, modelRoot))
    runs.push(await scheduler.get(step));
  return { requests, runs };
}

/** Statement and messages of one unit. */
export interface PartProof {
  statement: bigint[];
  messages: bigint[];
}

/** A unit's proof up to its messages. */
export interface PartTranscript {
  transcript: Transcript;
  step: Step<Transcript>;
  scheduler: Scheduler;
}

/** The messages of one unit. @param trees of its weights, from the commitment; made again if they are not given */
export async function provePart(
  engines: Engines,
  { unit, script, layer }: PlacedPart,
  request: PartRequest,
  model: Model,
  { root, salt, trees }: CommittedPart & { trees?: () => Promise<Uint8Array[]> },
  store: Store = NO_STORE,
  options: SchedulerOptions = {},
): Promise<PartTranscript> {
  const open = async () => {
    const source = { model, layer };
    const kept = script.hasParameters ? await trees?.() : undefined;
    const weights = await commitWeights(engines.prover, script, unit, source, {
      salt,
      trees: kept,
      signal: options.signal,
    });
    if (weights.root === root) return weights;
    weights.parameters?.dispose();
    throw new AttensorError({
      code: 'MODEL_CORRUPT',
      what: 'weights, tree or secret of a unit do not open the commitment',
      where: `${model.dir}: ${unit.description}`,
      expected: `root ${root}`,
      got: String(weights.root),
      hint: 'Commit the model again, or restore the files of this commitment',
    });
  };
  let opened: ReturnType<typeof open> | undefined;
  const weights = { root, open: () => (opened ??= open()) };
  const { messages, commit, run } = nativeSteps(engines, unit, script, request, weights);
  const scheduler = new Scheduler(store, options);
  try {
    return { transcript: await scheduler.get(messages), step: messages, scheduler };
  } finally {
    await scheduler.release(commit, run);
    const used = await opened?.catch(() => undefined);
    used?.parameters?.dispose();
  }
}

/** What whoever verifies units one by one must know besides the architecture. */
export interface RevealedRequest {
  tokens: readonly TokenInput[];
  salts: JoinSecrets;
}

/**
 * The plain verifier of all units and of their joins.
 *
 * @param proofs of all units, in order
 * @returns the model's statement: modelRoot, vocabularyRoot, inputHash, outputHash
 * @throws VerificationError
 */
export async function verifyParts(
  cut: CutModel,
  proofs: PartProof[],
  revealed: RevealedRequest,
): Promise<bigint[]> {
  const { places } = cut;
  if (proofs.length !== places.length)
    throw new VerificationError(`join: ${proofs.length} units, the model has ${places.length}`);
  for (const [k, { statement, messages }] of proofs.entries())
    await replay(places[k].script, permute, statement, messages);
  return joinStatements(
    cut,
    proofs.map(({ statement }) => statement),
    revealed,
  );
}

/** The model's statement from those of its units. @throws VerificationError */
export function joinStatements(
  cut: CutModel,
  statements: bigint[][],
  { tokens, salts }: RevealedRequest,
): bigint[] {
  const fields = statements.map(unitFields);
  const joined = joinAll(
    fields.map((each) => ({ fields: each, key: 0n })),
    PLAIN_KEYS,
  );
  const { siblings } = weightsPath(fields.map(({ weights }) => weights));
  return joinModel(joinedModel(cut), joined, {
    ...hashesOf(tokens),
    vocabularyRoot: fields[0].weights,
    siblings,
    salts,
  });
}
