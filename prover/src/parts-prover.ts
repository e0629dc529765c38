/**
 * @module parts-prover
 * A model that is cut into units: its commitment, a run with its boundary tensors, the messages of each unit, and the verifier that joins
 * them. One unit's weights are in memory at a time.
 */
import { inputHash, outputHash } from '@attensor/contracts';
import type { Model } from '@attensor/inference';
import type { ProverEngine } from '@attensor/native';
import { commitBoundary, type CommittedBoundary } from './commitment/boundary.js';
import { randomField } from './commitment/committed-vector.js';
import { commitWeights } from './commitment/weights.js';
import type { TokenInput } from './components/tokens.js';
import { nativeSteps, replay, type Engines } from './proof-steps.js';
import { permute } from './protocol/poseidon.js';
import { VerificationError } from './protocol/tape.js';
import { Scheduler } from './steps.js';
import { NO_STORE, type Store } from './store.js';
import type { CutModel, PlacedPart } from './units/cut.js';
import {
  join,
  joinedModelRoot,
  joinedWeights,
  joinModel,
  joinTree,
  unitFields,
  type JoinSecrets,
} from './units/joins.js';
import type { PartRequest } from './units/part.js';

/** The commitment to a model's weights, unit by unit. All but the two roots is the owner's secret. */
export interface CommittedParts {
  modelRoot: bigint;
  vocabularyRoot: bigint;
  /** of `modelRoot` */
  salt: bigint;
  /** of each unit, in order */
  units: { root: bigint; salt: bigint }[];
}

/** @throws MISSING_TENSOR, BAD_SHAPE, BAD_MODEL for weights that do not fit the units */
export async function commitParts(
  engine: ProverEngine,
  { places, joined }: CutModel,
  model: Model,
  signal?: AbortSignal,
): Promise<CommittedParts> {
  const units: CommittedParts['units'] = [];
  for (const { unit, script, layer } of places) {
    const weights = await commitWeights(engine, script, unit, { model, layer }, { signal });
    weights.parameters?.dispose();
    units.push({ root: weights.root, salt: weights.salt });
  }
  const [vocabularyRoot, ...rest] = units.map(({ root }) => root);
  const salt = randomField();
  const modelRoot = joinedModelRoot(joined.configHash, joinTree(rest, joinedWeights), salt);
  return { modelRoot, vocabularyRoot, salt, units };
}

/**
 * Runs the model unit by unit, and commits what is between them.
 *
 * @returns what each unit is asked
 * @throws EMPTY_PROMPT, TOO_LONG, WRONG_TEXT when the model answers with other tokens
 */
export async function runParts(
  engines: Engines,
  { places }: CutModel,
  { promptIds, outputIds }: TokenInput,
  model: Model,
  signal?: AbortSignal,
): Promise<PartRequest[]> {
  const shared = { promptIds, outputIds, tokenSalt: randomField() };
  const requests: PartRequest[] = [];
  let before: CommittedBoundary | undefined;
  for (const { unit, layer } of places) {
    const request: PartRequest = { ...shared, in: before };
    const { tensors } = await unit.run(engines.model, request, { model, layer }, signal);
    const tensor = unit.result === undefined ? undefined : tensors.get(unit.result);
    const after = tensor && (await commitBoundary(engines.prover, tensor));
    requests.push({ ...request, out: after });
    before = after;
  }
  return requests;
}

/** Statement and messages of one unit. */
export interface PartProof {
  statement: bigint[];
  messages: bigint[];
}

/** The messages of one unit. @param salt of its weights */
export async function provePart(
  engines: Engines,
  { unit, script, layer }: PlacedPart,
  request: PartRequest,
  model: Model,
  { root, salt }: CommittedParts['units'][number],
  store: Store = NO_STORE,
): Promise<PartProof> {
  const open = () => commitWeights(engines.prover, script, unit, { model, layer }, { salt });
  let opened: ReturnType<typeof open> | undefined;
  const weights = { root, open: () => (opened ??= open()) };
  const { messages, commit, run } = nativeSteps(engines, unit, script, request, weights);
  const scheduler = new Scheduler(store);
  try {
    const { statement, session } = await scheduler.get(messages);
    return { statement, messages: session.messages };
  } finally {
    await scheduler.release(commit, run);
    (await opened)?.parameters?.dispose();
  }
}

/** What whoever verifies units one by one must know besides the architecture. */
export interface RevealedRequest {
  tokens: TokenInput;
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
  { places, joined }: CutModel,
  proofs: PartProof[],
  { tokens, salts }: RevealedRequest,
): Promise<bigint[]> {
  if (proofs.length !== places.length)
    throw new VerificationError(`join: ${proofs.length} units, the model has ${places.length}`);
  for (const [k, { statement, messages }] of proofs.entries())
    await replay(places[k].script, permute, statement, messages);
  const hashes = {
    input: inputHash(tokens.promptIds).toBigInt(),
    output: outputHash(tokens.outputIds).toBigInt(),
  };
  return joinStatements(
    proofs.map(({ statement }) => statement),
    joined,
    hashes,
    salts,
  );
}

/** The model's statement from those of its units. @throws VerificationError */
export function joinStatements(
  statements: bigint[][],
  joined: CutModel['joined'],
  hashes: { input: bigint; output: bigint },
  salts: JoinSecrets,
): bigint[] {
  const [first, ...rest] = statements.map(unitFields);
  return joinModel(joined, first, joinTree(rest, join), hashes, salts);
}
