/**
 * @module units/model
 * A whole model as a unit: embedding, layers, last norm, head and argmax over a fixed number of positions.
 */
import {
  AttensorError,
  modelGraph,
  traceForward,
  type EngineName,
  type Model,
  type ModelConfig,
} from '@attensor/inference';
import type { Statement } from '@attensor/contracts';
import type { FpVec, ProverEngine } from '@attensor/native';
import { createHash } from 'node:crypto';
import type { Integers } from '../commitment/integers.js';
import { Argmax, MAX_VOCABULARY } from '../components/argmax.js';
import { Builder, paddedTensor } from '../components/builder.js';
import { Embedding } from '../components/embedding.js';
import { Lookups } from '../components/lookups.js';
import { requireZeroPadding } from '../components/mask.js';
import { hashesByGkr } from '../components/row-hashes.js';
import { rowsOf } from '../components/rows.js';
import type { TokenInput } from '../components/tokens.js';
import type { GroupShape } from '../hashing/layout.js';
import { CONFIG_DOMAIN, textHash } from '../protocol/domains.js';
import { ceilLog2 } from '../protocol/field.js';
import type { ProverOnly } from '../protocol/prover-only.js';
import type { Scope } from '../protocol/scope.js';
import type { Wire } from '../protocol/tape.js';
import { modelWeight } from './model-weight.js';
import { idsOf, requireAnswer, requireRequests, successorsOf } from './positions.js';
import { expPairs, rotationTable, sigmoidPairs } from './public-tables.js';
import type { Relations } from './relations.js';
import { bindRequests, MODEL_STATEMENT } from './statements.js';
import {
  embeddingWitness,
  sealed,
  type CommitmentNumbers,
  type Run,
  type RunnableUnit,
  type UnitWitness,
  type VocabularyRows,
} from './unit.js';
import { Wiring } from './wiring.js';

/** What a model's hash is the hash of, by version. */
export const MODEL_VERSION = 4;

/** Binds every number the circuits depend on. @param batch requests in a proof */
export function modelHash(config: ModelConfig, numbers: CommitmentNumbers, batch = 1): bigint {
  const { logSize, logInvRate, hashingLogInvRate } = numbers;
  const sorted = Object.entries(config).sort(([a], [b]) => (a < b ? -1 : 1));
  const text = JSON.stringify([
    ...['attensor', MODEL_VERSION, logSize, logInvRate, hashingLogInvRate],
    sorted,
    ...(batch > 1 ? [['batch', batch]] : []),
  ]);
  return textHash(CONFIG_DOMAIN, text);
}

export class ModelUnit implements RunnableUnit<readonly TokenInput[], Model, Statement> {
  readonly statement = MODEL_STATEMENT;
  readonly builder = new Builder();
  readonly lookups: Lookups;
  readonly witnessLog: number;
  readonly parameterLog: number;
  private readonly relationsOfLayers: Relations;
  private readonly embedding: Embedding;
  private readonly argmax: Argmax;

  /**
   * @param capacity positions of prompt and output, a power of two
   * @param logSize log2 of the committed witness's entries, at least what it needs; the least is the default
   * @param batch requests in a proof, a power of two, each with so many positions
   * @throws UNSUPPORTED_CONFIG
   */
  constructor(
    readonly config: ModelConfig,
    readonly capacity: number,
    logSize?: number,
    readonly batch = 1,
  ) {
    requireSupported(config, capacity, batch);
    const { builder } = this;
    const rows = rowsOf(capacity, batch);
    const { t } = rows;
    const tables = { exp: expPairs(builder), sigmoid: sigmoidPairs(builder) };
    const { hiddenSize, rope, maxPositions, yarn } = config;
    // YaRN is for many positions: the circuits' own are enough
    const positions = yarn ? capacity : maxPositions;
    const rotation = rotationTable(builder, rows.position, { dims: [rope] }, config, positions);
    const { embedding, layers, head } = modelGraph(config);

    this.embedding = new Embedding(builder, embedding, t, t.size, hashesByGkr(t.size, hiddenSize));
    const wiring = new Wiring(builder, rows, { ...tables, rotation });
    wiring.set(embedding.results.x.name, this.embedding.x);
    for (const { attention, feedForward } of layers) wiring.add([...attention, ...feedForward]);
    const [norm, logits] = head;
    wiring.add([norm]);
    this.argmax = new Argmax(builder, logits, wiring.get(norm.results.y.name), t);
    this.relationsOfLayers = wiring.relations;
    this.lookups = new Lookups(builder, [tables.exp, tables.sigmoid]);
    const needs = sealed(builder);
    if (logSize !== undefined && needs.witnessLog > logSize)
      throw unsupported(
        `${capacity} positions need larger vectors than committed`,
        `2^${needs.witnessLog} entries`,
        `2^${logSize}`,
      );
    const sizes = logSize === undefined ? needs : sealed(builder, logSize);
    this.witnessLog = sizes.witnessLog;
    this.parameterLog = sizes.parameterLog;
  }

  get hashedStates(): number {
    return this.embedding.hashedStates;
  }
  get vocabularyPermutations(): number {
    return this.embedding.vocabularyPermutations;
  }
  get description(): string {
    const { layers, hiddenSize } = this.config;
    const batch = this.batch > 1 ? `, a batch of ${this.batch}` : '';
    return `a model of ${layers} layers and hidden size ${hiddenSize}, ${this.capacity} positions${batch}`;
  }

  get reads(): GroupShape {
    return this.embedding.reads;
  }

  hash(numbers: CommitmentNumbers): bigint {
    return modelHash(this.config, numbers, this.batch);
  }

  programName(numbers: CommitmentNumbers, ends: number[]): string {
    const batch = this.batch > 1 ? [this.batch] : [];
    const text = JSON.stringify([
      ...[this.config, this.capacity, Object.values(numbers), ends],
      ...batch,
    ]);
    return `attensor-${createHash('sha256').update(text).digest('hex').slice(0, 12)}`;
  }

  complete(engine: ProverEngine, witness: FpVec): Promise<FpVec[]> {
    return this.embedding.complete(engine, witness);
  }

  /** Tokens of all positions: padding is token 0. */
  ids(tokens: readonly TokenInput[]): number[] {
    return idsOf(tokens, this.capacity);
  }

  successors({ tokens }: Pick<Run, 'tokens'>): number[] {
    return successorsOf(tokens, this.capacity);
  }

  /** @throws BAD_ARGUMENT, EMPTY_PROMPT, TOO_LONG, WRONG_TEXT when the model answers with other tokens */
  async run(
    engine: EngineName,
    requests: readonly TokenInput[],
    model: Model,
    signal?: AbortSignal,
  ): Promise<Run> {
    this.check(requests);
    const options = { engine, signal, sequences: this.batch };
    const tensors = await traceForward(model, this.ids(requests), options);
    requireAnswer(requests, this.capacity, tensors.get('next'));
    return { tensors, tokens: requests };
  }

  /** @throws BAD_ARGUMENT for more or fewer requests than a batch has, EMPTY_PROMPT, TOO_LONG */
  check(requests: readonly TokenInput[]): void {
    requireRequests(requests, this);
  }

  requestKey(requests: readonly TokenInput[]): string {
    return JSON.stringify(requests.flatMap(({ promptIds, outputIds }) => [promptIds, outputIds]));
  }
  weight(model: Model, name: string): Integers {
    return modelWeight(model, name);
  }
  vocabulary(model: Model): VocabularyRows {
    const { long } = this.embedding;
    return { rows: modelWeight(model, 'embedding'), width: this.config.hiddenSize, long };
  }

  async relations(
    scope: Scope,
    [, vocabularyRoot, input, output]: Wire[],
    witness: ProverOnly<UnitWitness>,
  ): Promise<void> {
    const { session } = scope;
    const { capacity, batch, config } = this;
    const values = witness.map((w) => w.values);
    const tokens = await bindRequests(
      session,
      { capacity, batch, vocabulary: config.vocabSize },
      { input, output },
      witness.map((w) => w.tokens),
    );
    await this.embedding.script(
      scope,
      tokens.bits,
      vocabularyRoot,
      witness.map((w) => ({ ...embeddingWitness(w), ids: this.ids(w.tokens) })),
    );
    const logits = await this.argmax.script(scope, tokens, () =>
      session.engine.fromInts(paddedTensor(values.value.get(this.argmax.logits))),
    );
    requireZeroPadding(scope, this.builder.parameterFills);
    await this.relationsOfLayers.script(scope, values, [logits]);
  }
}

/** @throws UNSUPPORTED_CONFIG */
export function requireSupported(config: ModelConfig, capacity: number, batch = 1): void {
  for (const [name, size] of Object.entries({ capacity, batch }))
    if (size !== 2 ** ceilLog2(size))
      throw unsupported(`${name} is no power of two`, 'a power of two', String(size));
  if (config.vocabSize > MAX_VOCABULARY)
    throw unsupported(
      'vocab_size is too large for the cells of argmax',
      `at most ${MAX_VOCABULARY}`,
      String(config.vocabSize),
    );
  if (capacity > config.maxPositions)
    throw unsupported(
      'capacity above max_position_embeddings',
      `at most ${config.maxPositions}`,
      String(capacity),
    );
}

const unsupported = (what: string, expected: string, got: string): AttensorError =>
  new AttensorError({
    code: 'UNSUPPORTED_CONFIG',
    what: `the circuits do not support this model: ${what}`,
    expected,
    got,
    hint: 'docs/protocol.md lists the limits',
  });
