/**
 * @module units/component
 * A component as a unit: its sizes fixed, its tensors and weights named, and the classes that prove it in a model too.
 */
import { AttensorError, selectEngine, type Engine } from '@attensor/inference';
import { domain } from '@attensor/contracts';
import { createHash } from 'node:crypto';
import { inMemory } from '../commitment/integers.js';
import type { Builder, Values } from '../components/builder.js';
import type { Embedding } from '../components/embedding.js';
import type { Lookups } from '../components/lookups.js';
import { textHash } from '../protocol/domains.js';
import { ceilLog2 } from '../protocol/field.js';
import type { ProverOnly } from '../protocol/prover-only.js';
import type { Scope } from '../protocol/scope.js';
import type { Sample } from './sample.js';
import { COMPONENT_STATEMENT, tokensHash, type ComponentStatement } from './statements.js';
import { tensorDigest, type IntTensor, type Tensors, type Weights } from './tensors.js';
import { embeddingWitness, sealed, type CommitmentNumbers, type RunnableUnit } from './unit.js';

/** Bounds of a tensor's values, both included. */
export interface Range {
  dims: number[];
  min: bigint;
  max: bigint;
}

/** Kind and sizes: everything the circuits depend on but the numbers of the commitments. */
export type ComponentConfig = Record<string, string | number>;

/** Tensors of a component, and how to run it exactly. */
export interface ComponentSpec {
  readonly config: ComponentConfig;
  readonly inputs: Record<string, Range>;
  /** Dimensions of the weights: committed once, whoever owns them. Empty where the parameters are public tables, or there are none. */
  readonly weights: Record<string, number[]>;
  readonly outputs: string[];
  /** Realistic random inputs and weights. */
  sample(random: Sample): { inputs: Tensors; weights: Weights };
  /** Runs on padded rows: every traced tensor, outputs among them. */
  trace(engine: Engine, inputs: Tensors, weights: Weights): Promise<Map<string, IntTensor>>;
}

/** Layout and relations of a component. */
export interface ComponentShape {
  builder: Builder;
  lookups?: Lookups;
  /** Present where the input is tokens, and the output their rows of a vocabulary that the statement names. */
  embedding?: Embedding;
  relations(scope: Scope, values: ProverOnly<Values>): Promise<void>;
}

export interface Component
  extends ComponentSpec, RunnableUnit<Tensors, Weights, ComponentStatement> {}

export const COMPONENT_DOMAIN = domain('attensor-component-3').toBigInt();

/** Binds kind, sizes, and every number of the commitment. */
export function componentHash(
  config: ComponentConfig,
  { logSize, logInvRate, hashingLogInvRate }: CommitmentNumbers,
): bigint {
  const sorted = Object.entries(config).sort(([a], [b]) => (a < b ? -1 : 1));
  const text = JSON.stringify([sorted, logSize, logInvRate, hashingLogInvRate]);
  return textHash(COMPONENT_DOMAIN, text);
}

export function component(spec: ComponentSpec, shape: ComponentShape): Component {
  const { builder, lookups, embedding } = shape;
  const sizes = sealed(builder);
  return {
    ...spec,
    ...sizes,
    lookups,
    statement: COMPONENT_STATEMENT,
    description: JSON.stringify(spec.config),
    hashedStates: embedding?.hashedStates ?? 0,
    vocabularyPermutations: embedding?.vocabularyPermutations ?? 0,
    reads: embedding?.reads,
    hash: (numbers) => componentHash(spec.config, numbers),
    programName(numbers) {
      const hash = componentHash(spec.config, numbers).toString();
      const digest = createHash('sha256').update(hash).digest('hex');
      return `attensor-component-${digest.slice(0, 12)}`;
    },
    requestKey: tensorDigest,
    async run(name, inputs, weights, signal) {
      checkInputs(spec.inputs, inputs);
      checkShapes(spec.weights, weights, 'weight');
      const tensors = await spec.trace(await selectEngine(name, signal), inputs, weights);
      if (!embedding) return { tensors, tokens: [] };
      const promptIds = Array.from(inputs.input.data, Number);
      return { tensors, tokens: [{ promptIds, outputIds: [] }] };
    },
    results: ({ tensors }) =>
      Object.fromEntries([...tensors].filter(([name]) => spec.outputs.includes(name))),
    successors: () => [],
    weight(weights, name) {
      checkShapes({ [name]: spec.weights[name] }, weights, 'weight');
      return inMemory(weights[name].data);
    },
    vocabulary(weights) {
      if (!embedding) return undefined;
      checkShapes(spec.weights, weights, 'weight');
      const { dims, data } = weights.vocabulary;
      return { rows: inMemory(data), width: dims[1], long: embedding.long };
    },
    complete: async (engine, witness) => (embedding ? embedding.complete(engine, witness) : []),
    async relations(scope, [, , weights, tokens], witness) {
      const { session } = scope;
      const { tape } = session;
      if (embedding) {
        const { rows } = spec.config as { rows: number };
        const ids = await session.hint(rows, 'tokens', () =>
          witness.value.tokens[0].promptIds.map(BigInt),
        );
        tape.assertEqual(
          tokensHash(session, ids),
          tokens,
          'component: the tokens have another hash',
        );
        const bits = ids.map((id) => tape.bits(id, embedding.vocabularyLog));
        await embedding.script(scope, bits, weights, witness.map(embeddingWitness));
      } else {
        tape.assertZero(tokens, 'component: it reads no tokens');
        if (builder.parameterFills.length === 0)
          tape.assertZero(weights, 'component: it has no weights');
      }
      await shape.relations(
        scope,
        witness.map((w) => w.values),
      );
    },
  };
}

export const INT32: [bigint, bigint] = [-(1n << 31n), (1n << 31n) - 1n];
export const ranged = (dims: number[], [min, max]: [bigint, bigint]): Range => ({ dims, min, max });
export const paddedRows = (rows: number): number => 2 ** ceilLog2(rows);

/** Rows of zeros after the given ones. */
export function padRows({ dims, data }: IntTensor, rows: number): IntTensor {
  const out = new BigInt64Array((data.length / dims[0]) * rows);
  out.set(data);
  return { dims: [rows, ...dims.slice(1)], data: out };
}

export const badArgument = (what: string, expected: string, got: unknown): AttensorError =>
  new AttensorError({ code: 'BAD_ARGUMENT', what, expected, got: JSON.stringify(got) });

/** @throws BAD_ARGUMENT */
export function requireSizes(sizes: object, powers: string[]): void {
  for (const [name, size] of Object.entries(sizes) as [string, number][]) {
    if (!Number.isInteger(size) || size < 1 || size > 2 ** 24)
      throw badArgument(`${name} is no size`, 'an integer from 1 to 2^24', size);
    if (powers.includes(name) && size !== 2 ** ceilLog2(size))
      throw badArgument(`${name} is no power of two`, 'a power of two', size);
  }
}

/** @throws MISSING_TENSOR, BAD_SHAPE */
function checkShapes(
  wanted: Record<string, number[]>,
  given: Partial<Record<string, { dims: number[]; data: { length: number } }>>,
  what: string,
): void {
  for (const [name, dims] of Object.entries(wanted)) {
    const tensor = given[name];
    const size = dims.reduce((a, b) => a * b, 1);
    if (tensor?.dims.join() !== dims.join() || tensor.data.length !== size)
      throw new AttensorError({
        code: tensor ? 'BAD_SHAPE' : 'MISSING_TENSOR',
        what: tensor ? 'a tensor has another shape' : 'a tensor is missing',
        where: `${what} '${name}'`,
        expected: dims.join(' x '),
        ...(tensor && { got: tensor.dims.join(' x ') }),
      });
  }
}

/** @throws MISSING_TENSOR, BAD_SHAPE, OVERFLOW */
function checkInputs(wanted: Record<string, Range>, given: Tensors): void {
  for (const [name, { dims, min, max }] of Object.entries(wanted)) {
    checkShapes({ [name]: dims }, given, 'input');
    const { data } = given[name];
    const at = data.findIndex((v) => v < min || v > max);
    if (at >= 0)
      throw new AttensorError({
        code: 'OVERFLOW',
        what: 'a value is out of range',
        where: `input '${name}', entry ${at}`,
        expected: `${min} .. ${max}`,
        got: String(data[at]),
      });
  }
}
