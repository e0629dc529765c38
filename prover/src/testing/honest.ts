/**
 * @module testing/honest
 * An honest run of the nano checkpoint, shared by the soundness tests of one suite. Without commitments unless asked: components
 * are tested on witness vectors whose caps are a hash of the vector, so a random point follows the vector as in the real protocol.
 */
import { MODEL_DOMAIN, inputHash, outputHash } from '@attensor/contracts';
import { forward, generate, importCheckpoint, KvCache, Model } from '@attensor/inference';
import { engine, type Commitment, type FpVec } from '@attensor/native';
import { Field } from 'o1js';
import { mkdtemp, rm } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { dirname, join } from 'node:path';
import { fileURLToPath } from 'node:url';
import type { Trace } from '../components/builder.js';
import { padded } from '../components/builder.js';
import {
  parameterVector,
  requiredLogSize,
  samplePoint,
  shapeOf,
  Vocabulary,
} from '../commitment/model-commitment.js';
import { PARAMETER_DOMAIN } from '../protocol/domains.js';
import { ModelProtocol, type Witness } from '../units/model.js';
import { traceOf } from '../units/witness.js';
import { commitRows } from '../commitment/opening.js';
import { LOG_CAP } from '../commitment/parameters.js';

const CHECKPOINT = join(dirname(fileURLToPath(import.meta.url)), '../../../models/nano');

/** Sees every value of a pass before the pass goes on with it: what it changes, the rest of the pass follows. */
export type Tamper = (name: string, data: BigInt64Array, dims: number[]) => void;

export const PROMPT = [510, 73, 110];
const SALT = 12345n;

export interface Honest {
  model: Model;
  protocol: ModelProtocol;
  promptIds: number[];
  outputIds: number[];
  ids: number[];
  trace: Trace;
  /** the witness vector's entries */
  ints: BigInt64Array;
  statement: bigint[];
  parameters: FpVec;
  parameterCommitment: Commitment;
  parameterSample: bigint;
  vocabulary: Vocabulary;
  witness(vector: FpVec, commitment: Commitment): Witness;
  dispose(): Promise<void>;
}

/** A stand-in for a commitment: its cap depends on the whole vector, it can't be opened. */
export async function unopenable(vector: FpVec): Promise<Commitment> {
  const digest = await engine.evalPow(vector, engine.hash([1n, 2n]));
  return {
    cap: Array.from({ length: 2 ** LOG_CAP }, (_, i) => engine.hash([digest, BigInt(i)])),
  } as Commitment;
}

/** Token ids of all positions of the circuit, padded. */
export const padIds = (tokens: number[], capacity: number): number[] =>
  Array.from({ length: capacity }, (_, t) => tokens[t] ?? 0);

/** A pass over `ids` that `tamper` may bend. */
export async function bentTrace(model: Model, ids: number[], tamper?: Tamper): Promise<Trace> {
  const map = new Map<string, { dims: number[]; data: BigInt64Array }>();
  await forward(model, ids, new KvCache(model.config), {
    trace: (name, dims, data) => {
      tamper?.(name, data, dims);
      map.set(name, { dims, data });
    },
  });
  return traceOf(map);
}

/** The witness vector of a trace. Unlike the prover's, it keeps the low bits of what does not fit its cells. */
export function fill(protocol: ModelProtocol, trace: Trace): BigInt64Array {
  const { b, lookups, shape } = protocol;
  const out = new BigInt64Array(2 ** shape.logSize);
  for (const { block, dims, source, offset, shift, mask } of b.witnessFills) {
    const values = source(trace);
    padded(dims, (to, from) => {
      const v = (from < 0 ? 0n : values[from]) + (mask === undefined ? 0n : offset);
      out[block.offset + to] = mask === undefined ? v : (v >> shift) & mask;
    });
  }
  lookups.complete(out);
  return out;
}

export const successorsOf = (prompt: number[], output: number[], capacity: number): number[] => {
  const tokens = [...prompt, ...output];
  return Array.from({ length: capacity }, (_, t) =>
    t + 1 >= prompt.length && t + 1 < tokens.length ? tokens[t + 1] : -1,
  );
};

export async function honestRun(
  options: { commit?: boolean; capacity?: number } = {},
): Promise<Honest> {
  const capacity = options.capacity ?? 8;
  const dir = await mkdtemp(join(tmpdir(), 'attensor-nano-'));
  await importCheckpoint(CHECKPOINT, join(dir, 'model'));
  const model = await Model.open(join(dir, 'model'));
  const logSize = requiredLogSize(model.config, capacity);
  const shape = shapeOf(model.config, capacity, logSize);
  const weights = new Map<string, Int32Array>();
  for (const name of model.tensorNames)
    if (name.endsWith('.g') || name.endsWith('.bias')) weights.set(name, await model.tensor(name));
  // Two positions stay empty: padding is part of what is tested.
  const promptIds = PROMPT.slice(0, Math.min(PROMPT.length, capacity - 2));
  const outputIds = await generate(model, promptIds, Math.max(1, capacity - 2 - promptIds.length));
  const ids = padIds([...promptIds, ...outputIds], capacity);
  const protocol = new ModelProtocol(
    shape,
    (name) => weights.get(name)!,
    () => successorsOf(promptIds, outputIds, capacity),
  );
  const trace = await bentTrace(model, ids);
  const ints = fill(protocol, trace);
  const parameters = await parameterVector(engine, protocol, model);
  const parameterCommitment = options.commit
    ? await commitRows(engine, parameters, logSize, protocol.widths.parameters, {
        logInvRate: shape.logInvRate,
      })
    : await unopenable(parameters);
  const parameterSample = await engine.evalPow(
    parameters,
    samplePoint(engine, parameterCommitment.cap),
  );
  const vocabulary = await Vocabulary.build(
    engine,
    await model.tensor('embedding'),
    model.config.hiddenSize,
  );
  const parameterRoot = engine.hash([
    PARAMETER_DOMAIN,
    engine.hash(parameterCommitment.cap),
    parameterSample,
  ]);
  const statement = [
    engine.hash([MODEL_DOMAIN.toBigInt(), shape.configHash, parameterRoot, SALT]),
    vocabulary.root,
    inputHash(promptIds).toBigInt(),
    outputHash(outputIds).toBigInt(),
  ];
  return {
    model,
    protocol,
    promptIds,
    outputIds,
    ids,
    trace,
    ints,
    statement,
    parameters,
    parameterCommitment,
    parameterSample,
    vocabulary,
    witness: (vector, commitment) => ({
      trace,
      tokens: { promptIds, outputIds },
      ids,
      witness: vector,
      witnessCommitment: commitment,
      parameters,
      parameterCommitment,
      parameterSample,
      salt: SALT,
      vocabulary,
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
