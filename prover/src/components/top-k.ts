/**
 * top-k: selector s of the k largest keys of a row. Keys are distinct: value 2^b + (n - 1 - index). s in {0,1}, sum s = k, and for a
 * free threshold per row (2 s - 1)(key - tau) - (1 - s) = d >= 0: selected keys are >= tau, the others below. `among` restricts the row:
 * keys outside count as minus infinity.
 */
import { Expr } from '../protocol/expression.js';
import { identityEval } from '../protocol/polynomials.js';
import type { Scope } from '../protocol/scope.js';
import { type Sumcheck } from '../protocol/sumcheck.js';
import type { Bound, Tensor } from '../protocol/tensor.js';
import { type Builder, type Dim, type Source, type Values } from './builder.js';

export interface TopKSpec {
  name: string;
  /** leading dimensions of a row, then those of the candidates (their index runs over all of them) */
  rows: Dim[];
  candidates: Dim[];
  k: number;
  /** the selector and the candidates' values, in the trace's order (rows, candidates) */
  selector: Source;
  values: Source;
  /** candidates that may be selected */
  among?: Source;
}

export class TopK {
  readonly s: Tensor;
  private readonly tau: Tensor;
  private readonly difference: Tensor;
  private readonly shift: number;
  private readonly count: number;

  constructor(
    builder: Builder,
    readonly spec: TopKSpec,
  ) {
    const { name, rows, candidates } = spec;
    const n = candidates.reduce((p, d) => p * d.size, 1);
    this.shift = candidates.reduce((l, d) => l + d.log, 0);
    if (2 ** this.shift !== n)
      throw new RangeError(`top-k ${name}: ${n} candidates, expected a power of two`);
    this.count = n;
    const dims = [...rows, ...candidates];
    this.s = builder.free(`${name}.s`, dims, spec.selector);
    const tau = (trace: Values): bigint[] => {
      const s = spec.selector(trace);
      const keys = this.keys(trace);
      return Array.from({ length: s.length / n }, (_, row) => {
        let least: bigint | undefined;
        for (let i = row * n; i < (row + 1) * n; i++)
          if (s[i] === 1n && (least === undefined || keys[i] < least)) least = keys[i];
        return least ?? 0n;
      });
    };
    this.tau = builder.free(`${name}.tau`, rows, tau);
    this.difference = builder.unsigned(`${name}.d`, dims, 2, (trace) => {
      const s = spec.selector(trace);
      const keys = this.keys(trace);
      const among = spec.among?.(trace);
      const taus = tau(trace);
      return Array.from({ length: s.length }, (_, i) => {
        if (among && among[i] === 0n) return 0n;
        const gap = keys[i] - taus[Math.floor(i / n)];
        return s[i] === 1n ? gap : -gap - 1n;
      });
    });
  }

  private keys(trace: Values): bigint[] {
    const values = this.spec.values(trace);
    const n = this.count;
    return Array.from(
      { length: values.length },
      (_, i) => (values[i] << BigInt(this.shift)) + BigInt(n - 1 - (i % n)),
    );
  }

  /** Adds the relations: `value` and `among` are expressions over the sumcheck's domain (rows, candidates). */
  constrain(sum: Sumcheck, scope: Scope, value: Expr, among?: Expr): void {
    const { rows, candidates, k } = this.spec;
    const { tape } = scope.session;
    const rowPoint: Bound = Object.fromEntries(
      rows.map((r) => [r.name, scope.random(r.name, r.log)]),
    );
    const eqRow = sum.eq(rowPoint);
    const point = Object.fromEntries(candidates.map((c) => [c.name, scope.random(c.name, c.log)]));
    const eq = sum.eq({ ...rowPoint, ...point });
    const s = sum.tensor(this.s);
    const last = BigInt(this.count - 1);
    const names = candidates.map((c) => c.name);
    const index = sum.public(
      names,
      () => Array.from({ length: this.count }, (_, i) => BigInt(i)),
      (at) =>
        identityEval(
          tape,
          names.flatMap((n) => at[n]),
        ),
    );
    const key = value
      .mul(1n << BigInt(this.shift))
      .add(last)
      .sub(index);
    const side = s.mul(2n).sub(1n);
    const one = Expr.constant(1n);
    let gap = side.mul(key.sub(sum.tensor(this.tau))).sub(one.sub(s));
    if (among) {
      gap = among.mul(gap);
      sum.require(eq.mul(s).mul(one.sub(among)));
    }
    sum.require(eq.mul(s).mul(s.sub(1n)));
    sum.require(eqRow.mul(s), tape.constant(BigInt(k)));
    sum.require(eq.mul(gap.sub(sum.tensor(this.difference))));
  }
}
