/**
 * @module component-proof/component
 * What a component that can be proved by itself is made of.
 */
import { AttensorError, type Engine } from '@attensor/inference';
import type { Builder, Trace } from '../components/builder.js';
import type { Embedding } from '../components/embedding.js';
import type { Lookups } from '../components/lookups.js';
import { ceilLog2 } from '../protocol/field.js';
import type { Scope } from '../protocol/scope.js';
import type { Sample } from './sample.js';
import type { IntTensor, Tensors, Weights } from './tensors.js';

/** Bounds of a tensor's values, both included. */
export interface Range {
  dims: number[];
  min: bigint;
  max: bigint;
}

/** A component with its sizes fixed. */
export interface Component {
  /** Everything the circuit depends on, in words and numbers. */
  readonly config: Record<string, string | number>;
  readonly inputs: Record<string, Range>;
  /** Dimensions of the weights: committed once, whoever owns them. Empty where the parameters are public tables, or there are none. */
  readonly weights: Record<string, number[]>;
  readonly outputs: string[];
  /** Realistic random inputs and weights. */
  sample(random: Sample): { inputs: Tensors; weights: Weights };
  /** Runs on padded rows: every traced tensor, outputs among them. */
  run(engine: Engine, inputs: Tensors, weights: Weights): Promise<Map<string, IntTensor>>;
  build(weights?: Weights): Built;
}

export interface Built {
  b: Builder;
  lookups?: Lookups;
  /** Prover only: weights by the names of the model's parameters. */
  weights?: (name: string) => Int32Array;
  /** Present where tokens are read from a vocabulary that the statement names. */
  embedding?: Embedding;
  /** @param trace prover only: of tensors that are not committed */
  script(scope: Scope, trace?: Trace): Promise<void>;
}

export const INT32: [bigint, bigint] = [-(1n << 31n), (1n << 31n) - 1n];
export const ranged = (dims: number[], [min, max]: [bigint, bigint]): Range => ({ dims, min, max });
export const site = (component: string) => ({ component, position: (row: number) => row });
export const paddedRows = (rows: number): number => 2 ** ceilLog2(rows);
export const map = (entries: Record<string, IntTensor>): Map<string, IntTensor> =>
  new Map(Object.entries(entries));

/** Rows of zeros after the given ones. */
export function padRows({ dims, data }: IntTensor, rows: number): IntTensor {
  const out = new BigInt64Array((data.length / dims[0]) * rows);
  out.set(data);
  return { dims: [rows, ...dims.slice(1)], data: out };
}

/** Integers for a source of a component. */
export const bigints = (values: ArrayLike<number>): bigint[] => Array.from(values, BigInt);

export const bad = (what: string, expected: string, got: unknown): AttensorError =>
  new AttensorError({ code: 'BAD_ARGUMENT', what, expected, got: JSON.stringify(got) });

/** @throws BAD_ARGUMENT */
export function requireSizes(sizes: object, powers: string[]): void {
  for (const [name, size] of Object.entries(sizes) as [string, number][]) {
    if (!Number.isInteger(size) || size < 1 || size > 2 ** 24)
      throw bad(`${name} is no size`, 'an integer from 1 to 2^24', size);
    if (powers.includes(name) && size !== 2 ** ceilLog2(size))
      throw bad(`${name} is no power of two`, 'a power of two', size);
  }
}
