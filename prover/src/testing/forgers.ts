/**
 * @module testing/forgers
 * Components by a prover who breaks one tie: he commits or states something else than he computes with, and goes on whatever his own
 * checks say. What comes back is whether the plain verifier takes it.
 */
import { engine } from '@attensor/native';
import type { Component } from '../component-proof/component.js';
import { ComponentProtocol } from '../component-proof/protocol.js';
import { ComponentProver } from '../component-proof/prover.js';
import { Sample } from '../component-proof/sample.js';
import type { IntTensor, Weights } from '../component-proof/tensors.js';
import type { Builder } from '../components/builder.js';
import { mod } from '../protocol/field.js';
import type { Session } from '../protocol/session.js';
import { Tape } from '../protocol/tape.js';

export interface Forgery {
  /** Changes traced tensors after the run. */
  trace?: (traced: Map<string, IntTensor>) => void;
  /** Changes what is committed as one tensor, padding included; other tensors that come from it stay. */
  committed?: { name: string; dims?: number[]; change: (values: bigint[]) => void };
  /** Virtual tensors are those of the trace, not of the commitment. */
  virtualInput?: (traced: Map<string, IntTensor>) => bigint[];
  /** A field of the statement by its index, and what it says instead. */
  statement?: [index: number, value: bigint];
}

type Fill = Builder['witnessFills'][number];

function recommitted(fill: Fill, { dims, change }: NonNullable<Forgery['committed']>): void {
  const { source } = fill;
  const honest = fill.dims;
  if (dims) fill.dims = honest.map((d, k) => ({ ...d, size: dims[k] }));
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

/** The component as the forger runs it. */
function forged(component: Component, forgery: Forgery): Component {
  const { trace, committed, virtualInput } = forgery;
  let traced: Map<string, IntTensor>;
  return {
    ...component,
    async run(...args) {
      traced = new Map(await component.run(...args));
      trace?.(traced);
      return traced;
    },
    build(weights?: Weights) {
      const built = component.build(weights);
      if (committed)
        for (const fill of built.b.witnessFills)
          if (fill.name === committed.name) recommitted(fill, committed);
      const { script } = built;
      built.script = (scope, given) => {
        if (virtualInput && scope.session.proving) {
          const honest = scope.table.bind(scope);
          const { block } = built.b.witnessFills.find((fill) => fill.name === 'input')!;
          scope.table = (tensor, domain, bound) =>
            tensor.views[0].block === block && Object.keys(bound).length === 0
              ? Promise.resolve(engine.fromBigints(virtualInput(traced).map(mod)))
              : honest(tensor, domain, bound);
        }
        return script(scope, given);
      };
      return built;
    },
  };
}

/** @returns what the plain verifier says of an honest proof, or of the forger's */
export async function verdictOf(component: Component, forgery: Forgery = {}): Promise<string> {
  const RATE = 2;
  const by = (of: Component): ComponentProver =>
    Object.assign(Object.create(ComponentProver.prototype) as ComponentProver, {
      component: of,
      protocol: new ComponentProtocol(of, RATE),
    });
  const forger = by(forged(component, forgery));
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
    made = await forger.messages(inputs, await forger.commitWeights(weights));
  } finally {
    restore();
    Tape.prototype.public = value;
  }
  const statement = made.statement.slice();
  if (forgery.statement) statement[forgery.statement[0]] = forgery.statement[1];
  return by(component)
    .replay(statement, made.session.messages)
    .then(
      () => 'accepted',
      (error: Error) => error.message,
    );
}

/** Switches the checks of tapes off until the returned function is called. */
function lenient(): () => void {
  const { assertEqual } = Tape.prototype;
  Tape.prototype.assertEqual = () => undefined;
  return () => {
    Tape.prototype.assertEqual = assertEqual;
  };
}
