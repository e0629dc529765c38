/**
 * @module testing/honest
 * An honest run of the nano checkpoint, shared by the soundness tests of one suite. Without commitments unless asked: components
 * are tested on witness vectors whose roots are a hash of the vector, so a random point follows the vector as in the real protocol.
 */
import { inputHash, outputHash } from '@attensor/contracts';
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
import type { Script, ScriptWitness } from '../script.js';
import type { ModelUnit } from '../units/model.js';
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
  promptIds: number[];
  outputIds: number[];
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
export async function bentTrace(model: Model, ids: number[], tamper?: Tamper): Promise<Trace> {
  const trace: Trace = new Map();
  await forward(model, ids, new KvCache(), {
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

export async function honestRun(
  options: { commit?: boolean; capacity?: number } = {},
): Promise<Honest> {
  const capacity = options.capacity ?? 8;
  const dir = await mkdtemp(join(tmpdir(), 'attensor-nano-'));
  await importCheckpoint(CHECKPOINT, join(dir, 'model'));
  const model = await Model.open(join(dir, 'model'));
  const { unit, script } = modelScript(model.config, capacity, {
    logSize: requiredLogSize(model.config, capacity),
    ...TEST_RATES,
  });
  const weights = new Map<string, Int32Array>();
  for (const name of unit.builder.witnessWeights) weights.set(name, await model.tensor(name));
  // Two positions stay empty: padding is part of what is tested.
  const promptIds = PROMPT.slice(0, Math.min(PROMPT.length, capacity - 2));
  const outputIds = await generate(model, promptIds, Math.max(1, capacity - 2 - promptIds.length));
  const ids = padIds([...promptIds, ...outputIds], capacity);
  const values = (tensors: Trace): Values =>
    valuesOf(unit, { tensors, tokens: { promptIds, outputIds } }, weights);
  const trace = await bentTrace(model, ids);
  const ints = fill({ unit, script, values }, trace);
  const vector = engine.alloc(2 ** script.logSize);
  vector.setInts(0, await allOf(parameterIntegers(unit, model)));
  const parameters = options.commit
    ? await CommittedVector.commit(engine, vector, script.parameters)
    : await unopenable(vector);
  const embedding = await Vocabulary.build(engine, unit.vocabulary(model));
  const vocabulary = await embedding.open([...Array(model.config.vocabSize).keys()]);
  const purpose = { domain: unit.statement.weights.domain, purpose: script.hash };
  const statement = [
    parameters.root(purpose, SALT),
    embedding.root,
    inputHash(promptIds).toBigInt(),
    outputHash(outputIds).toBigInt(),
  ];
  return {
    model,
    unit,
    script,
    promptIds,
    outputIds,
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
      tokens: { promptIds, outputIds },
      vocabulary,
      states: [],
    }),
    dispose: () => rm(dir, { recursive: true, force: true }),
  };
}

export const statementOf = (h: Honest, prompt: number[], output: number[]): bigint[] => [
  h.statement[0],
  h.statement[1],
  inputHash(prompt).toBigInt(),
  outputHash(output).toBigInt(),
];

/** A negative or large value as the field element it stands for. */
export const field = (v: bigint): bigint => Field(v).toBigInt();
