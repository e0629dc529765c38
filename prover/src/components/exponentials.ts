/**
 * Exponentials of a row, for a softmax that is divided later: max - x = 16 (c + o) + r with r < 16 and o (65535 - c) = 0, (c, e) in the
 * exp table; a one-hot column shows that the maximum is attained. Entries that fill up a row have e = 0.
 */
import type { NodeOf } from '@attensor/inference';
import { Expr } from '../protocol/expression.js';
import type { Scope } from '../protocol/scope.js';
import { Sumcheck } from '../protocol/sumcheck.js';
import type { Tensor } from '../protocol/tensor.js';
import { dim, fromTrace, mapTrace, type Builder, type Dim, type Source } from './builder.js';
import type { PairTable } from './lookups.js';
import { validity } from './mask.js';

const SATURATED = 65535;

export class Exponentials {
  /** over (t, e) */
  readonly e: Tensor;
  private readonly c: Tensor;
  private readonly o: Tensor;
  private readonly low: Tensor;
  /** 2^12 low, ranged too: low < 16 */
  private readonly lowScaled: Tensor;
  private readonly max: Tensor;
  private readonly attained: Tensor;
  private readonly dims: [t: Dim, e: Dim];

  /** @param x over (t, e) */
  constructor(
    builder: Builder,
    { name, inputs, results, width, blocks }: NodeOf<'exponentials'>,
    readonly x: Tensor,
    t: Dim,
    table: PairTable,
  ) {
    const e = dim('e', width, blocks);
    const dims = (this.dims = [t, e]);
    const { max, c, o } = results;
    this.max = builder.free(`${name}.max`, [t], fromTrace(max.name));
    [this.c, this.e] = table.pairs(
      builder,
      name,
      dims,
      fromTrace(c.name),
      fromTrace(results.e.name),
      SATURATED,
    );
    this.o = builder.unsigned(`${name}.o`, dims, 2, fromTrace(o.name));
    const low: Source = (trace) => {
      const largest = trace.get(max.name).data;
      return Array.from(
        trace.get(inputs[0]).data,
        (x, i) => (largest[Math.floor(i / width)] - x) & 15n,
      );
    };
    this.low = builder.unsigned(`${name}.low`, dims, 1, low);
    this.lowScaled = builder.unsigned(`${name}.low2`, dims, 1, (trace) =>
      Array.from(low(trace), (r) => r << 12n),
    );
    this.attained = builder.free(`${name}.attained`, dims, (trace) => {
      const distance = mapTrace([c.name, o.name], (c, o) => c + o)(trace);
      const rest = low(trace);
      const out = new Array<bigint>(distance.length).fill(0n);
      for (let row = 0; row < out.length; row += width)
        for (let i = row; i < row + width; i++)
          if (distance[i] === 0n && rest[i] === 0n) {
            out[i] = 1n;
            break;
          }
      return out;
    });
  }

  static async script(scope: Scope, all: Exponentials[]): Promise<void> {
    if (all.length === 0) return;
    const { tape } = scope.session;
    const [t, e] = all[0].dims;
    const sum = new Sumcheck(scope, [t, e], 'Exponentials');
    const row = { t: scope.random('t', t.log) };
    const eqRow = sum.eq(row);
    const eq = sum.eq({ ...row, e: scope.random('e', e.log) });
    const valid = validity(sum, tape, [e]);
    const one = Expr.constant(1n);
    for (const it of all) {
      const c = sum.tensor(it.c);
      const o = sum.tensor(it.o);
      const low = sum.tensor(it.low);
      const a = sum.tensor(it.attained);
      const distance = sum.tensor(it.max).sub(sum.tensor(it.x));
      const gap = distance.sub(c.add(o).mul(16n).add(low));
      sum.require(eq.mul(valid ? valid.mul(gap) : gap));
      sum.require(eq.mul(low.mul(4096n).sub(sum.tensor(it.lowScaled))));
      sum.require(eq.mul(o).mul(Expr.constant(BigInt(SATURATED)).sub(c)));
      sum.require(eq.mul(a).mul(a.sub(1n)));
      sum.require(eq.mul(a).mul(distance));
      sum.require(eqRow.mul(a), tape.constant(1n));
      if (valid) {
        sum.require(eq.mul(a).mul(one.sub(valid)));
        sum.require(eq.mul(sum.tensor(it.e)).mul(one.sub(valid)));
      }
    }
    await sum.run();
  }
}
