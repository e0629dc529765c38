/**
 * @module testing/mini
 * One component by itself: its blocks in small vectors, its script, and then what the rest of the protocol would check: every claim
 * on the vectors, and that cells are cells.
 */
import { engine, type FpVec } from '@attensor/native';
import { padded, type Builder, type Values } from '../components/builder.js';
import { mod } from '../protocol/field.js';
import { ProverOnly } from '../protocol/prover-only.js';
import { Scope } from '../protocol/scope.js';
import { Session } from '../protocol/session.js';
import { trueValue } from './ideal.js';

export type Tensors = Record<string, { dims: number[]; data: bigint[] }>;

/** @param weights those that fill the witness */
export const traceOfValues = (
  tensors: Tensors,
  weights: Record<string, bigint[]> = {},
): Values => ({
  weights: (name) => weights[name].map(Number),
  successors: () => [],
  get(name) {
    const found = tensors[name] as Tensors[string] | undefined;
    if (!found) throw new Error(`trace: no tensor ${name}`);
    return { dims: found.dims, data: BigInt64Array.from(found.data) };
  },
});

export interface Mini {
  trace: Values;
  parameters?: Record<string, bigint[]>;
  /** changes the filled witness */
  change?: (vector: FpVec, at: (name: string, index: number) => number) => void;
  script: (scope: Scope) => Promise<void>;
  /** puts field elements into the filled witness; their blocks stay empty otherwise */
  prepare?: (witness: FpVec) => Promise<void>;
  /** takes the place of the session's random points */
  random?: (scope: Scope) => Scope['random'];
}

/** @returns what a verifier would object to: checks of the script, 'claims', 'range' */
export async function objections(builder: Builder, mini: Mini): Promise<string[]> {
  const logs = { witness: builder.witness.seal(4), parameters: builder.parameters.seal(4) };
  const witness = engine.alloc(2 ** logs.witness);
  const parameters = engine.alloc(2 ** logs.parameters);
  for (const { block, dims, source, offset, shift, mask, pad = 0n } of builder.witnessFills) {
    const values = source(mini.trace);
    padded(dims, (to, from) => {
      const v = (from < 0 ? pad : values[from]) + (mask === undefined ? 0n : offset);
      witness.set(block.offset + to, mod(mask === undefined ? v : (v >> shift) & mask));
    });
  }
  for (const { block, dims, source } of builder.parameterFills) {
    const values = typeof source === 'string' ? (mini.parameters?.[source] ?? []) : source();
    padded(dims, (to, from) => {
      if (from >= 0) parameters.set(block.offset + to, mod(BigInt(values[from])));
    });
  }
  await mini.prepare?.(witness);
  mini.change?.(witness, (name, index) => {
    const found = builder.witness.list().find((e) => e.name === name);
    if (!found) throw new Error(`mini: no block ${name}`);
    return found.block.offset + index;
  });

  const vectors = { witness, parameters };
  const session = new Session({ engine, permute: (s) => engine.permute(s), statement: [] });
  const objected = new Set<string>();
  const { tape } = session;
  tape.assertEqual = (x, y, message) => {
    if (tape.value(x) !== tape.value(y)) objected.add(message.split(':')[0]);
  };
  const scope = new Scope(session, ProverOnly.of(vectors));
  // Stands for the commitment: random points follow the vectors.
  session.absorb([tape.input(await engine.evalPow(witness, 3n))]);
  if (mini.random) scope.random = mini.random(scope);
  await mini.script(scope);

  for (const { parts, value } of scope.claims.list) {
    if ((await trueValue(session, vectors, parts)) !== session.value(value)) objected.add('claims');
  }
  const cells = witness.slice(0, builder.witness.cells).toBigints();
  if (cells.some((v) => v >= 65536n)) objected.add('range');
  return [...objected].sort();
}
