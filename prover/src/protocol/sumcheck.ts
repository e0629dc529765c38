/**
 * @module sumcheck
 * sum over the cube of a polynomial in columns = claim. Each round the prover sends all coefficients of the round polynomial
 * but the linear one (which follows from g(0) + g(1) = claim) and receives a challenge; at the end the columns' values at the
 * point of challenges must give the last claim. Many sums over one domain run as one, weighted by powers of a challenge.
 */
import { present } from '@attensor/core';
import type { Expression, FpVec, SumcheckProver } from '@attensor/native';
import { ProverOnly } from './prover-only.js';
import { Expr } from './expression.js';
import { interpolate, sub } from './field.js';
import { eqEval } from './polynomials.js';
import type { Scope } from './scope.js';
import type { Wire } from './tape.js';
import { logOf, type Axis, type Bound, type Tensor } from './tensor.js';

interface Column {
  table: () => FpVec | Promise<FpVec>;
  /** Set when the verifier computes the final value; otherwise the prover sends it. */
  evaluate?: (point: Wire[]) => Wire;
  /** Where a sent value goes as a claim. */
  claim?: (point: Wire[], value: Wire) => void;
  value?: Wire;
}

export class Sumcheck {
  private readonly columns: Column[] = [];
  private readonly known = new Map<string, Expr>();
  private readonly items: { expr: Expr; claim: Wire }[] = [];

  constructor(
    readonly scope: Scope,
    readonly domain: Axis[],
    readonly label: string,
  ) {}

  private push(column: Column): Expr {
    this.columns.push(column);
    return Expr.column(this.columns.length - 1);
  }

  private at(point: Wire[]): Bound {
    const out: Bound = {};
    let i = 0;
    for (const a of this.domain) {
      out[a.name] = point.slice(i, i + a.log);
      i += a.log;
    }
    return out;
  }

  /** A committed tensor; axes outside the domain are bound to points. Its final value becomes a claim. */
  tensor(tensor: Tensor, bound: Bound = {}): Expr {
    const { session, claims, tensorKey } = this.scope;
    const key = `${tensorKey(tensor)}|${Object.entries(bound).join(';')}`;
    let expr = this.known.get(key);
    if (!expr) {
      expr = this.push({
        table: () => this.scope.table(tensor, this.domain, bound),
        claim: (point, value) =>
          claims.addTensor(session, tensor, { ...bound, ...this.at(point) }, value),
      });
      this.known.set(key, expr);
    }
    return expr;
  }

  /** eq against fixed points on some of the domain's axes. */
  eq(points: Bound): Expr {
    const key = `eq|${Object.entries(points).join(';')}`;
    const known = this.known.get(key);
    if (known) return known;
    const { session } = this.scope;
    const names = Object.keys(points);
    for (const n of names)
      if (this.domain.find((a) => a.name === n)?.log !== points[n].length)
        throw new RangeError(`sumcheck ${this.label}: eq on axis ${n} does not fit the domain`);
    const expr = this.push({
      table: async () => {
        const axes = this.domain.filter((a) => points[a.name]);
        const table = this.scope.eqs.of(axes.flatMap((a) => points[a.name]));
        return this.scope.spread(table, axes, this.domain);
      },
      evaluate: (point) => {
        const at = this.at(point);
        return session.tape.product(names.map((n) => eqEval(session.tape, points[n], at[n])));
      },
    });
    this.known.set(key, expr);
    return expr;
  }

  /** A column everyone can evaluate: its table over some of the domain's axes, and its extension. */
  public(
    axes: string[],
    table: () => bigint[] | FpVec | Promise<FpVec>,
    evaluate: (at: Bound) => Wire,
  ): Expr {
    return this.push({
      table: async () => {
        const own = this.domain.filter((a) => axes.includes(a.name));
        const values = await table();
        const vec = Array.isArray(values) ? this.scope.session.engine.fromBigints(values) : values;
        return this.scope.spread(vec, own, this.domain);
      },
      evaluate: (point) => evaluate(this.at(point)),
    });
  }

  /** A column that is no committed tensor: its final value is sent, and what follows must prove it. */
  virtual(table: () => FpVec | Promise<FpVec>): Expr {
    return this.push({ table });
  }

  /** Adds: sum over the domain of expr = claim (a zero claim when left out). */
  require(expr: Expr, claim?: Wire): void {
    this.items.push({ expr, claim: claim ?? this.scope.session.tape.constant(0n) });
  }

  /** Final value of a column, after run(). */
  value(column: Expr): Wire {
    const n = column.node;
    const value = n.kind === 'column' ? this.columns[n.index].value : undefined;
    if (value === undefined)
      throw new Error(`sumcheck ${this.label}: that column has no value yet`);
    return value;
  }

  private async fromTables(expression: Expression): Promise<SumcheckProver> {
    const tables = [];
    for (const c of this.columns) tables.push(await c.table());
    return this.scope.session.engine.sumcheck(tables, expression);
  }

  /** @param start prover only: makes the prover where the columns' tables are too long to be made first */
  async run(start?: (expression: Expression) => Promise<SumcheckProver>): Promise<Bound> {
    const { session } = this.scope;
    const { tape } = session;
    // One sum: powers of a challenge drawn after everything in it is fixed.
    let total: Expr | undefined;
    let claim = tape.constant(0n);
    if (this.items.length === 1) {
      total = this.items[0].expr;
      claim = this.items[0].claim;
    } else {
      const lambda = session.challenge();
      let weight = tape.constant(1n);
      for (const item of this.items) {
        const term = item.expr.mul(Expr.of(weight));
        total = total ? total.add(term) : term;
        claim = tape.add(claim, tape.mul(weight, item.claim));
        weight = tape.mul(weight, lambda);
      }
    }
    if (!total) throw new Error(`sumcheck ${this.label}: nothing to prove`);
    const degree = Math.max(total.degree, 1);
    const rounds = logOf(this.domain);
    let prover = ProverOnly.none<SumcheckProver>();
    if (session.proving) {
      const expression = total.compile(tape, this.columns.length);
      prover = ProverOnly.of(await (start ?? ((e) => this.fromTables(e)))(expression));
    }
    const point: Wire[] = [];
    for (let round = 0; round < rounds; round++) {
      const current = claim;
      const [c0, ...upper] = await session.send(
        degree,
        `${this.label}: round ${round}`,
        async () => {
          const values = await prover.value.round();
          const coefs = interpolate([
            values[0],
            sub(session.value(current), values[0]),
            ...values.slice(1),
          ]);
          return [coefs[0], ...coefs.slice(2)];
        },
      );
      const r = session.challenge();
      // g(0) + g(1) = claim: c1 = claim - 2 c0 - (c2 + …)
      const c1 = tape.linear([
        [claim, 1n],
        [c0, -2n],
        ...upper.map((c): [Wire, bigint] => [c, -1n]),
      ]);
      claim = [c1, ...upper].reduceRight(
        (acc, c, i, all) => (i === all.length - 1 ? c : tape.add(tape.mul(acc, r), c)),
        tape.constant(0n),
      );
      claim = tape.add(tape.mul(claim, r), c0);
      await prover.each((p) => p.bind(session.value(r)));
      point.push(r);
    }
    const sent = this.columns.filter((c) => !c.evaluate);
    const values = await session.send(sent.length, `${this.label}: column values`, () => {
      const finals = prover.value.finals();
      return this.columns.flatMap((c, i) => (c.evaluate ? [] : [finals[i]]));
    });
    await prover.each((p) => {
      p.dispose();
    });
    sent.forEach((c, i) => {
      c.value = values[i];
      c.claim?.(point, values[i]);
    });
    const finals = this.columns.map((c) => {
      c.value ??= present(c.evaluate, 'an evaluation')(point);
      return c.value;
    });
    tape.assertEqual(total.evaluate(tape, finals), claim, `${this.label}: the sum does not hold`);
    return this.at(point);
  }
}
