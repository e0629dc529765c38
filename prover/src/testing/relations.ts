/**
 * @module testing/relations
 * A component's relations on vectors that a cheat filled, in a second: without commitments and openings, each claim is evaluated, and
 * each cell and pair is looked up. What `forgers.ts` says by a whole proof, this says by the names of the checks.
 */
import { engine } from '@attensor/native';
import { TABLE_LOG } from '../components/lookups.js';
import { ProverOnly } from '../protocol/prover-only.js';
import { Scope } from '../protocol/scope.js';
import { Session } from '../protocol/session.js';
import type { Component } from '../units/component.js';
import { Sample } from '../units/sample.js';
import type { IntTensor, Tensors, Weights } from '../units/tensors.js';
import { allOf } from '../commitment/integers.js';
import { parameterIntegers } from '../units/parameters.js';
import { fillWitness, valuesOf } from '../units/witness.js';
import { recommit, type Forgery } from './forgers.js';
import { trueValue } from './ideal.js';

export interface Cheat {
  /** What the cheat runs and commits instead of the component: another one whose tensors have the same places. */
  by?: Component;
  /** Whose parameters are committed: the cheat's, or those of the component that is proved. */
  parameters?: 'own' | 'true';
  weights?: (weights: Weights) => void;
  /** Changes traced tensors after the run. @param given what was run on */
  trace?: (
    traced: Map<string, IntTensor>,
    given: { inputs: Tensors; weights: Weights },
  ) => void | Promise<void>;
  committed?: NonNullable<Forgery['committed']>[];
}

/** @returns what a verifier of `component` would object to: checks of the script by their component, 'claims', 'lookups'; sorted */
export async function objectionsTo(component: Component, cheat: Cheat = {}): Promise<string[]> {
  const { by = component, parameters: whose = 'own', committed = [] } = cheat;
  requireSamePlaces(component, by);
  const { inputs, weights } = by.sample(new Sample(1));
  cheat.weights?.(weights);
  const run = await by.run('native', inputs, weights);
  const tensors = new Map(run.tensors);
  await cheat.trace?.(tensors, { inputs, weights });
  for (const change of committed) recommit(by, change);
  const weightData = Object.fromEntries(Object.entries(weights).map(([n, w]) => [n, w.data]));
  const values = valuesOf(by, { ...run, tensors }, new Map(Object.entries(weightData)));
  const ints = new BigInt64Array(2 ** by.witnessLog);
  fillWitness(by.builder, values, ints);
  const parameterValues = await allOf(parameterIntegers(whose === 'own' ? by : component, weights));
  const vectors = {
    witness: engine.fromInts(ints),
    parameters: engine.alloc(2 ** by.parameterLog),
  };
  vectors.parameters.axpy(0, 1n, engine.fromInts(parameterValues));

  const objected = new Set<string>();
  const session = new Session({ engine, permute: (s) => engine.permute(s), statement: [] });
  const { tape } = session;
  tape.assertEqual = (x, y, message) => {
    if (tape.value(x) !== tape.value(y)) objected.add(message.split(':')[0]);
  };
  const scope = new Scope(session, ProverOnly.of(vectors));
  // Stands for the commitments: random points follow the vectors.
  for (const vector of [vectors.witness, vectors.parameters])
    session.absorb([tape.input(await engine.evalPow(vector, 3n))]);
  const nothing = tape.constant(0n);
  await component.relations(
    scope,
    [nothing, nothing, tape.constant(1n), nothing],
    ProverOnly.of({ values, states: [], tokens: run.tokens }),
  );
  for (const { parts, value } of scope.claims.list) {
    if ((await trueValue(session, vectors, parts)) !== session.value(value)) objected.add('claims');
  }
  if (!looksUp(component, ints, parameterValues)) objected.add('lookups');
  return [...objected].sort();
}

function looksUp(
  { builder, lookups }: Component,
  ints: BigInt64Array,
  tables: Int32Array,
): boolean {
  const cells = ints.subarray(0, builder.witness.cells);
  const pairs = lookups?.tables.every(({ uses, values }) =>
    uses.every(({ inputs, outputs }) => {
      const table = values.views[0].block.offset;
      for (let i = 0; i < 2 ** inputs.log; i++) {
        const input = Number(ints[inputs.offset + i]);
        const known = input >= 0 && input < 2 ** TABLE_LOG;
        if (!known || ints[outputs.offset + i] !== BigInt(tables[table + input])) return false;
      }
      return true;
    }),
  );
  return cells.every((v) => v >= 0 && v < 2 ** TABLE_LOG) && pairs !== false;
}

/** A cheat on other places would be none. */
function requireSamePlaces(component: Component, by: Component): void {
  const places = ({ builder }: Component): string =>
    JSON.stringify([builder.witness.list(), builder.parameters.list()]);
  if (places(component) !== places(by)) throw new Error('cheat: its tensors have other places');
}
