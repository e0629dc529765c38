/**
 * @module weights
 * A unit's weights under their commitment: made once, used for many proofs.
 */
import type { ProverEngine } from '@attensor/native';
import type { Script } from '../script.js';
import type { Unit, WeightedUnit } from '../units/unit.js';
import { parameterIntegers } from '../units/parameters.js';
import { CommittedVector, randomField } from './committed-vector.js';
import { allOf, type Integers } from './integers.js';
import { LongVector } from './long-vector.js';
import { Vocabulary } from './vocabulary.js';

export interface CommittedWeights<Source> {
  /** Whoever holds the weights. */
  source: Source;
  /** As a statement has it: of the parameters, else of the vocabulary, 0 where there are neither. */
  root: bigint;
  salt: bigint;
  /** Absent where there are none. */
  parameters?: CommittedVector;
  /** Present where tokens are read. */
  vocabulary?: Vocabulary;
  /** Weights that fill a witness, by name. */
  filling: ReadonlyMap<string, Int32Array>;
  /** that all of this took */
  seconds: number;
}

export interface CommitWeightsOptions {
  /** Default: random where weights are private, 0 where the parameters are public tables, so that anyone can make their root again. */
  salt?: bigint;
  /** From an earlier commitment of the same weights. */
  trees?: Uint8Array[];
  onProgress?: (fraction: number) => void;
  signal?: AbortSignal;
}

/**
 * Reads the weights a part at a time, or less.
 *
 * @throws MISSING_TENSOR, BAD_SHAPE, BAD_MODEL for weights that do not fit the unit; NOT_FOUND, MODEL_CORRUPT
 */
export async function commitWeights<Source>(
  engine: ProverEngine,
  script: Script,
  unit: WeightedUnit<Source>,
  source: Source,
  { salt, trees, onProgress, signal }: CommitWeightsOptions = {},
): Promise<CommittedWeights<Source>> {
  const start = performance.now();
  onProgress?.(0);
  const secret = salt ?? (hasPrivateWeights(unit) ? randomField() : 0n);
  const parameters = script.hasParameters
    ? await commitParameters(engine, script, parameterIntegers(unit, source), {
        trees,
        onProgress,
        signal,
      })
    : undefined;
  const rows = unit.vocabulary(source);
  const vocabulary = rows && (await Vocabulary.build(engine, rows, { signal }));
  const filling = new Map<string, Int32Array>();
  for (const name of unit.builder.witnessWeights)
    filling.set(name, await allOf(unit.weight(source, name)));
  const purpose = { domain: unit.statement.weights.domain, purpose: script.hash };
  return {
    source,
    root: parameters?.root(purpose, secret) ?? vocabulary?.root ?? 0n,
    salt: secret,
    parameters,
    vocabulary,
    filling,
    seconds: (performance.now() - start) / 1000,
  };
}

const hasPrivateWeights = ({ builder }: Pick<Unit, 'builder'>): boolean =>
  builder.parameterFills.some(({ source }) => typeof source === 'string');

/** Entries that become field elements at a time. */
const PIECE = 2 ** 20;

async function commitParameters(
  engine: ProverEngine,
  { logSize, parameters, inParts }: Script,
  integers: Integers,
  options: Pick<CommitWeightsOptions, 'trees' | 'onProgress' | 'signal'>,
): Promise<CommittedVector> {
  if (inParts)
    return CommittedVector.commit(
      engine,
      new LongVector(engine, integers, logSize),
      parameters,
      options,
    );
  const vector = engine.alloc(2 ** logSize);
  const buffer = new Int32Array(Math.min(PIECE, integers.length));
  for (let at = 0; at < integers.length; at += PIECE) {
    const piece = buffer.subarray(0, integers.length - at);
    await integers.read(at, piece);
    vector.setInts(at, piece);
  }
  return CommittedVector.commit(engine, vector, parameters, options);
}
