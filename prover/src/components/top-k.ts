/**
 * top-k: selector s of the k largest keys of a row. Keys are distinct: value 2^b + (n - 1 - index). s in {0,1}, sum s = k, and for a
 * free threshold per row (2 s - 1)(key - tau) - (1 - s) = d >= 0: selected keys are >= tau, the others below. `among` restricts the row:
 * keys outside count as minus infinity, and so does padding of the candidates, by the circuit's shape.
 */
import { Expr } from '../protocol/expression.js';
import { identityEval } from '../protocol/polynomials.js';
import type { Scope } from '../protocol/scope.js';
import { type Sumcheck } from '../protocol/sumcheck.js';
import type { Bound, Tensor } from '../protocol/tensor.js';
import { validity, validityAt } from './mask.js';
import { padded, type Builder, type Dim, type Source, type Values } from './builder.js';

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
  /** 16-bit cells of the keys' differences */
  cells: number;
}

export class TopK {
  readonly s: Tensor;
  private readonly tau: Tensor;
  private readonly difference: Tensor;
  private readonly shift: number;

  constructor(
    builder: Builder,
    readonly spec: TopKSpec,
  ) {
    const { name, rows, candidates } = spec;
    const n = candidates.reduce((p, d) => p * d.size, 1);
    this.shift = candidates.reduce((l, d) => l + d.log, 0);
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
    this.difference = builder.unsigned(`${name}.d`, dims, spec.cells, (trace) => {
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

  /** Indices are those of padded candidates: they have the same order. */
  private keys(trace: Values): bigint[] {
    const values = this.spec.values(trace);
    const index: bigint[] = [];
    padded(this.spec.candidates, (at, from) => {
      if (from >= 0) index[from] = BigInt(at);
    });
    const last = BigInt(2 ** this.shift - 1);
    return Array.from(
      { length: values.length },
      (_, i) => (values[i] << BigInt(this.shift)) + last - index[i % index.length],
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
    const last = BigInt(2 ** this.shift - 1);
    const names = candidates.map((c) => c.name);
    const index = sum.public(
      names,
      () => Array.from({ length: 2 ** this.shift }, (_, i) => BigInt(i)),
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
    // Rows and candidates that fill up to powers of two select nothing, and are not selected.
    const valid = validity(sum, tape, [...rows, ...candidates]);
    for (const allowed of [among, valid])
      if (allowed) {
        gap = allowed.mul(gap);
        sum.require(eq.mul(s).mul(one.sub(allowed)));
      }
    sum.require(eq.mul(s).mul(s.sub(1n)));
    sum.require(eqRow.mul(s), validityAt(tape, rows, rowPoint, BigInt(k)));
    sum.require(eq.mul(gap.sub(sum.tensor(this.difference))));
  }
}
