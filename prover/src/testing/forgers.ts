/**
 * @module testing/forgers
 * Components by a prover who breaks one tie: he commits or states something else than he computes with, and goes on whatever his own
 * checks say. What comes back is whether the plain verifier takes it, of an ideal commitment (testing/ideal).
 */
import { present } from '@attensor/core';
import { engine } from '@attensor/native';
import type { ComponentProver } from '../component-prover.js';
import { dim, type Builder } from '../components/builder.js';
import type { VocabularyTree } from '../components/embedding.js';
import { mod } from '../protocol/field.js';
import type { Session } from '../protocol/session.js';
import { Tape } from '../protocol/tape.js';
import { UnitProver } from '../prover.js';
import { TEST_RATES } from './scripts.js';
import { Script } from '../script.js';
import { IdealCommitments } from './ideal.js';
import type { Component } from '../units/component.js';
import { Sample } from '../units/sample.js';
import type { IntTensor } from '../units/tensors.js';
import type { Unit } from '../units/unit.js';

export interface Forgery {
  /** Changes traced tensors after the run. */
  trace?: (traced: Map<string, IntTensor>) => void;
  /** Changes what is committed as one tensor, padding included; other tensors that come from it stay. */
  committed?: { name: string; dims?: number[]; change: (values: bigint[]) => void };
  /** Virtual tensors are those of the trace, not of the commitment. */
  virtualInput?: (traced: Map<string, IntTensor>) => bigint[];
  /** What the vocabulary says of its rows, its root left as it is. */
  vocabulary?: (honest: VocabularyTree) => VocabularyTree;
  /** A field of the statement by its index, and what it says instead. */
  statement?: [index: number, value: bigint];
}

type Fill = Builder['witnessFills'][number];

function recommitted(fill: Fill, { dims, change }: NonNullable<Forgery['committed']>): void {
  const { source } = fill;
  const honest = fill.dims;
  if (dims) fill.dims = honest.map((d, k) => dim(d.name, dims[k]));
  const to = fill.dims.map((d) => d.size);
  fill.source = (trace) => {
    const values = source(trace);
    const out = new Array<bigint>(to.reduce((a, b) => a * b, 1)).fill(0n);
    for (let i = 0; i < values.length; i++) {
      let rest = i;
      let at = 0;
      let stride = 1;
      for (let k = honest.length - 1; k >= 0; k--) {
        at += (rest % honest[k].size) * stride;
        rest = Math.floor(rest / honest[k].size);
        stride *= to[k];
      }
      out[at] = values[i];
    }
    change(out);
    return out;
  };
}

/** Changes what a component commits as one tensor. */
export function recommit(
  { builder }: Pick<Unit, 'builder'>,
  committed: NonNullable<Forgery['committed']>,
): void {
  const fills = builder.witnessFills.filter(({ name }) => name === committed.name);
  if (fills.length === 0) throw new Error(`forger: nothing is committed as ${committed.name}`);
  for (const fill of fills) recommitted(fill, committed);
}

/** The component as the forger runs it: what is committed is changed in place. */
function forged(component: Component, forgery: Forgery): Component {
  const { trace, committed, virtualInput } = forgery;
  const { witnessFills } = component.builder;
  let traced: Map<string, IntTensor>;
  if (committed) recommit(component, committed);
  return {
    ...component,
    async run(...args) {
      const { tensors, tokens } = await component.run(...args);
      traced = new Map(tensors);
      trace?.(traced);
      return { tensors: traced, tokens };
    },
    relations(scope, statement, witness) {
      if (virtualInput && scope.session.proving) {
        const honest = scope.table.bind(scope);
        const { block } = present(
          witnessFills.find((fill) => fill.name === 'input'),
          'the input',
        );
        scope.table = (tensor, domain, bound) =>
          tensor.views[0].block === block && Object.keys(bound).length === 0
            ? Promise.resolve(engine.fromBigints(virtualInput(traced).map(mod)))
            : honest(tensor, domain, bound);
      }
      return component.relations(scope, statement, witness);
    },
  };
}

/** A prover of messages that no circuit will read, at the rate that is made fastest. */
export const unplanned = (
  unit: Component,
  script = new Script(unit, TEST_RATES),
  prover = engine,
): ComponentProver =>
  Object.assign(Object.create(UnitProver.prototype) as ComponentProver, {
    unit,
    script,
    circuits: { segments: [] },
    engines: { prover, model: 'native' },
  });

/** The same, with commitments that no opening opens. */
export const unopened = (unit: Component, ideal: IdealCommitments): ComponentProver =>
  unplanned(unit, ideal.script(unit), ideal.engine);

/**
 * @param make the component; the forger gets one of his own
 * @param opening whether vectors are committed and opened as in a proof, or ideally
 * @returns what the plain verifier says of an honest proof, or of the forger's
 */
export async function verdictOf(
  make: () => Component,
  forgery: Forgery = {},
  opening: 'real' | 'ideal' = 'ideal',
): Promise<string> {
  const component = make();
  const ideal = new IdealCommitments();
  const proverOf = (unit: Component): ComponentProver =>
    opening === 'real' ? unplanned(unit) : unopened(unit, ideal);
  const forger = proverOf(forged(make(), forgery));
  const { inputs, weights } = component.sample(new Sample(1));
  const restore = lenient();
  const value = Tape.prototype.public;
  if (forgery.statement) {
    const [index, instead] = forgery.statement;
    Tape.prototype.public = function (k, given) {
      return value.call(this, k, k === index && given !== undefined ? instead : given);
    };
  }
  let made: { statement: bigint[]; session: Session };
  try {
    const committedWeights = await forger.commitWeights(weights);
    const { vocabulary } = committedWeights;
    const forge = forgery.vocabulary;
    if (vocabulary && forge) {
      const [rows] = weights.vocabulary.dims;
      const honest = await vocabulary.open([...Array(rows).keys()]);
      vocabulary.open = () => Promise.resolve(forge(honest));
    }
    made = await forger.messages(inputs, committedWeights);
  } finally {
    restore();
    Tape.prototype.public = value;
  }
  const statement = made.statement.slice();
  if (forgery.statement) statement[forgery.statement[0]] = forgery.statement[1];
  return proverOf(component)
    .replay(statement, made.session.messages)
    .then(
      () => 'accepted',
      (error: Error) => error.message,
    )
    .finally(() => {
      ideal.dispose();
    });
}

/** Switches the checks of tapes off until the returned function is called. */
export function lenient(): () => void {
  const { assertEqual } = Tape.prototype;
  Tape.prototype.assertEqual = () => undefined;
  return () => {
    Tape.prototype.assertEqual = assertEqual;
  };
}
