/**
 * @module testing/honest
 * An honest run of the nano checkpoint, shared by the soundness tests of one suite. Without commitments unless asked: components
 * are tested on witness vectors whose roots are a hash of the vector, so a random point follows the vector as in the real protocol.
 */
import {
  forward,
  generate,
  importCheckpoint,
  KvCache,
  Model,
  type Trace,
} from '@attensor/inference';
import { engine, type FpVec } from '@attensor/native';
import { Field } from 'o1js';
import { mkdtemp, rm } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { dirname, join } from 'node:path';
import { fileURLToPath } from 'node:url';
import { CommittedVector, samplePoint } from '../commitment/committed-vector.js';
import { allOf } from '../commitment/integers.js';
import { modelScript, requiredLogSize } from '../commitment/model-commitment.js';
import type { LeafSource } from '../commitment/scheme.js';
import { Vocabulary } from '../commitment/vocabulary.js';
import type { Values } from '../components/builder.js';
import type { VocabularyTree } from '../components/embedding.js';
import type { TokenInput } from '../components/tokens.js';
import { PART_LOG, type Script, type ScriptWitness } from '../script.js';
import type { ModelUnit } from '../units/model.js';
import { hashesOf } from '../units/statements.js';
import { TEST_RATES } from './scripts.js';
import { parameterIntegers } from '../units/parameters.js';
import { fillWitness, valuesOf } from '../units/witness.js';
import { idealCap } from './ideal.js';

const CHECKPOINT = join(dirname(fileURLToPath(import.meta.url)), '../../../models/nano');

/** Sees every value of a pass before the pass goes on with it: what it changes, the rest of the pass follows. */
export type Tamper = (name: string, data: BigInt64Array, dims: number[]) => void;

export const PROMPT = [510, 73, 110];
const SALT = 12345n;

export interface Honest {
  model: Model;
  unit: ModelUnit;
  script: Script;
  /** as many as were asked for; what follows is the first one's */
  requests: TokenInput[];
  promptIds: number[];
  outputIds: number[];
  /** of all positions of all requests */
  ids: number[];
  trace: Trace;
  /** what a trace fills a witness with */
  values(trace: Trace): Values;
  /** the witness vector's entries */
  ints: BigInt64Array;
  statement: bigint[];
  parameters: CommittedVector<FpVec>;
  /** with the rows of all tokens */
  vocabulary: VocabularyTree;
  witness(committed: CommittedVector<FpVec>): ScriptWitness;
  dispose(): Promise<void>;
}

/** A stand-in for a commitment: its root depends on the whole vector, it can't be opened. */
export async function unopenable(vector: FpVec): Promise<CommittedVector<FpVec>> {
  const cap = await idealCap(vector);
  const sample = await engine.evalPow(vector, samplePoint(engine, cap));
  return new CommittedVector(engine, vector, [{ cap } as LeafSource], sample);
}

/** Token ids of all positions of the circuit, padded. */
export const padIds = (tokens: number[], capacity: number): number[] =>
  Array.from({ length: capacity }, (_, t) => tokens[t] ?? 0);

/** A pass over `ids` that `tamper` may bend. */
export async function bentTrace(
  model: Model,
  ids: number[],
  tamper?: Tamper,
  sequences = 1,
): Promise<Trace> {
  const trace: Trace = new Map();
  await forward(model, ids, new KvCache(), {
    sequences,
    trace: (name, dims, data) => {
      tamper?.(name, data, dims);
      trace.set(name, { dims, data });
    },
  });
  return trace;
}

/** The witness vector of a trace. Unlike the prover's, it keeps the low bits of what does not fit its cells. */
export function fill(
  { unit, script, values }: Pick<Honest, 'unit' | 'script' | 'values'>,
  trace: Trace,
): BigInt64Array {
  const out = new BigInt64Array(2 ** script.logSize);
  fillWitness(unit.builder, values(trace), out);
  unit.lookups.complete(out);
  return out;
}

/**
 * @param options.capacity positions of each request
 * @param options.prompts one request for each; its answer fills all positions but two, or all in a batch's first request
 */
export async function honestRun(
  options: { commit?: boolean; capacity?: number; prompts?: number[][] } = {},
): Promise<Honest> {
  const { capacity = 8, prompts = [PROMPT] } = options;
  const batch = prompts.length;
  const dir = await mkdtemp(join(tmpdir(), 'attensor-nano-'));
  await importCheckpoint(CHECKPOINT, join(dir, 'model'));
  const model = await Model.open(join(dir, 'model'));
  const { unit, script } = modelScript(model.config, capacity, {
    logSize: requiredLogSize(model.config, capacity, PART_LOG, batch),
    ...TEST_RATES,
    batch,
  });
  const weights = new Map<string, Int32Array>();
  for (const name of unit.builder.witnessWeights) weights.set(name, await model.tensor(name));
  // Two positions stay empty: padding is part of what is tested.
  const requests: TokenInput[] = [];
  for (const prompt of prompts) {
    const empty = batch > 1 && requests.length === 0 ? 0 : 2;
    const promptIds = prompt.slice(0, Math.min(prompt.length, capacity - 2));
    const count = Math.max(1, capacity - empty - promptIds.length);
    requests.push({ promptIds, outputIds: await generate(model, promptIds, count) });
  }
  const ids = unit.ids(requests);
  const values = (tensors: Trace): Values => valuesOf(unit, { tensors, tokens: requests }, weights);
  const trace = await bentTrace(model, ids, undefined, batch);
  const ints = fill({ unit, script, values }, trace);
  const vector = engine.alloc(2 ** script.logSize);
  vector.setInts(0, await allOf(parameterIntegers(unit, model)));
  const parameters = options.commit
    ? await CommittedVector.commit(engine, vector, script.parameters)
    : await unopenable(vector);
  const embedding = await Vocabulary.build(engine, unit.vocabulary(model));
  const vocabulary = await embedding.open([...Array(model.config.vocabSize).keys()]);
  const purpose = { domain: unit.statement.weights.domain, purpose: script.hash };
  const { input, output } = hashesOf(requests);
  const statement = [parameters.root(purpose, SALT), embedding.root, input, output];
  return {
    model,
    unit,
    script,
    requests,
    ...requests[0],
    ids,
    trace,
    values,
    ints,
    statement,
    parameters,
    vocabulary,
    witness: (committed) => ({
      witness: committed,
      salt: 0n,
      parameters: { committed: parameters, salt: SALT },
      values: values(trace),
      tokens: requests,
      vocabulary,
      states: [],
    }),
    dispose: () => rm(dir, { recursive: true, force: true }),
  };
}

export function statementOf(h: Honest, promptIds: number[], outputIds: number[]): bigint[] {
  const { input, output } = hashesOf([{ promptIds, outputIds }]);
  return [h.statement[0], h.statement[1], input, output];
}

/** A negative or large value as the field element it stands for. */
export const field = (v: bigint): bigint => Field(v).toBigInt();
