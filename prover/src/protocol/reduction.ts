/**
 * @module reduction
 * All evaluation claims of a script become one evaluation per committed vector, at one common point: a sumcheck of
 * sum_b [ witness(b) A(b) + parameters(b) B(b) ] = sum_i alpha^i value_i, where A and B collect the claims' weights.
 * The verifier evaluates A and B at the final point; the two values go to the opening.
 */
import { mod } from './field.js';
import { eqFactor, powEval } from './polynomials.js';
import { type Expr } from './expression.js';
import { Sumcheck } from './sumcheck.js';
import type { Scope } from './scope.js';
import type { Tape, V } from './tape.js';
import { axis, type ClaimPart, type Vector } from './tensor.js';

/** A commitment's own out-of-domain value: sum_b f(b) x^b = y. */
export interface PowClaim {
  vector: Vector;
  x: V;
  y: V;
}

interface Weighted {
  part: ClaimPart;
  weight: V;
}

/** eq against the reduction point, with shared factors. */
class PointWeights {
  private readonly factors = new Map<string, V>();
  private readonly suffixes = new Map<string, V>();
  private readonly prefixes = new Map<string, V>();
  constructor(
    private readonly tape: Tape,
    private readonly point: V[],
  ) {}

  private factor(x: V, position: number): V {
    const key = `${x}@${position}`;
    let v = this.factors.get(key);
    if (v === undefined) this.factors.set(key, (v = eqFactor(this.tape, x, this.point[position])));
    return v;
  }

  suffix(z: V[]): V {
    const key = z.join(',');
    let v = this.suffixes.get(key);
    if (v === undefined) {
      const start = this.point.length - z.length;
      v = this.tape.product(z.map((x, i) => this.factor(x, start + i)));
      this.suffixes.set(key, v);
    }
    return v;
  }

  /** eq of the first `length` coordinates with the bits of `value`. */
  prefix(value: number, length: number): V {
    if (length === 0) return this.tape.constant(1n);
    const key = `${value}/${length}`;
    let v = this.prefixes.get(key);
    if (v === undefined) {
      const parent = this.prefix(value >> 1, length - 1);
      const r = this.point[length - 1];
      // the two children of a node add up to it
      v =
        value & 1
          ? this.tape.mul(parent, r)
          : this.tape.sub(parent, this.prefix(value | 1, length));
      this.prefixes.set(key, v);
    }
    return v;
  }

  /** sum of weight * eq(block prefix) * eq(suffix point) */
  total(parts: Weighted[]): V {
    const { tape } = this;
    const bySuffix = new Map<string, { z: V[]; terms: [V, V][]; scaled: [V, bigint, V][] }>();
    for (const { part, weight } of parts) {
      const key = part.point.join(',');
      let group = bySuffix.get(key);
      if (!group) bySuffix.set(key, (group = { z: part.point, terms: [], scaled: [] }));
      const log = part.point.length;
      const prefix = this.prefix(part.offset / 2 ** log, this.point.length - log);
      const coef = part.coef.v === undefined ? weight : tape.mul(weight, part.coef.v);
      group.scaled.push([coef, part.coef.c, prefix]);
    }
    return tape.sum(
      [...bySuffix.values()].map(({ z, scaled }) =>
        tape.mul(
          this.suffix(z),
          tape.linear(scaled.map(([coef, c, prefix]): [V, bigint] => [tape.mul(coef, prefix), c])),
        ),
      ),
    );
  }
}

/**
 * @param pows one for each vector that is opened; claims on another one are an error
 * @returns the point and the vectors' values there
 */
export async function reduceClaims(
  scope: Scope,
  logSize: number,
  pows: PowClaim[],
): Promise<{ point: V[]; values: Partial<Record<Vector, V>> }> {
  const { session } = scope;
  const { tape } = session;
  const alpha = session.challenge();
  let weight = tape.constant(1n);
  const parts: Record<Vector, Weighted[]> = { witness: [], parameters: [] };
  const powers: Record<Vector, { weight: V; x: V }[]> = { witness: [], parameters: [] };
  const values: V[] = [];
  for (const claim of scope.claims.list) {
    for (const part of claim.parts) {
      if (!pows.some((p) => p.vector === part.vector))
        throw new Error(`reduction: a claim on ${part.vector}, which is not opened`);
      parts[part.vector].push({ part, weight });
    }
    values.push(tape.mul(weight, claim.value));
    weight = tape.mul(weight, alpha);
  }
  for (const { vector, x, y } of pows) {
    powers[vector].push({ weight, x });
    values.push(tape.mul(weight, y));
    weight = tape.mul(weight, alpha);
  }

  const sum = new Sumcheck(scope, [axis('index', logSize)], 'claims');
  const pair = (vector: Vector): Expr => {
    const f = sum.virtual(() => scope.vectors![vector].slice(0, 1 << logSize));
    const w = sum.public(
      ['index'],
      async () => {
        const { engine } = session;
        const table = engine.alloc(1 << logSize);
        for (const { part, weight } of parts[vector]) {
          const c =
            session.value(weight) *
            part.coef.c *
            (part.coef.v === undefined ? 1n : session.value(part.coef.v));
          await engine.addEq(table, part.offset, mod(c), session.valuesOf(part.point));
        }
        await engine.addPows(
          table,
          powers[vector].map((p) => session.value(p.weight)),
          powers[vector].map((p) => session.value(p.x)),
        );
        return table;
      },
      ({ index }) => {
        const at = new PointWeights(tape, index);
        return tape.sum([
          at.total(parts[vector]),
          ...powers[vector].map((p) => tape.mul(p.weight, powEval(tape, p.x, index))),
        ]);
      },
    );
    columns[vector] = f;
    return f.mul(w);
  };
  const columns: Partial<Record<Vector, Expr>> = {};
  const pairs = pows.map((p) => pair(p.vector));
  sum.require(
    pairs.reduce((a, b) => a.add(b)),
    tape.sum(values),
  );
  const at = await sum.run();
  return {
    point: at.index,
    values: Object.fromEntries(
      Object.entries(columns).map(([vector, column]) => [vector, sum.value(column)]),
    ),
  };
}
