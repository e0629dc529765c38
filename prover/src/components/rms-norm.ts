/**
 * RMSNorm (attn_norm, q_norm, kv_norm, ffn_norm, final_norm): S = sum x^2; inv is the largest integer with
 * inv^2 (S + E) <= 2^64 d, by two differences that are non-negative; y = floor(x inv g / 2^32).
 */
import { normEpsilon, type NodeOf } from '@attensor/inference';
import { Expr } from '../protocol/expression.js';
import type { Scope } from '../protocol/scope.js';
import { Sumcheck } from '../protocol/sumcheck.js';
import type { Tensor } from '../protocol/tensor.js';
import { dim, fromTrace, type Builder, type Dim, type Source } from './builder.js';
import { groupBy } from './group.js';

/** 16-bit cells for D1, D2: D1 + D2 + 1 = (2 inv + 1)(S + E) < 2^33 sqrt(d) 2^31.5 + 2^64, below 2^80 up to d = 2^20. */
const DIFFERENCE_CELLS = 5;

export class RmsNorm {
  /** weights over (i) */
  readonly g: Tensor;
  readonly y: Tensor;
  private readonly remainder: Tensor;
  private readonly sum: Tensor;
  private readonly inv: Tensor;
  private readonly below: Tensor;
  private readonly above: Tensor;
  private readonly scaled: bigint;
  private readonly epsilon: bigint;

  /**
   * @param x input over (t, i)
   */
  constructor(
    builder: Builder,
    { name, inputs, results, width: size, epsilon, weight }: NodeOf<'norm'>,
    readonly x: Tensor,
    t: Dim,
  ) {
    const i = dim('i', size);
    const input = fromTrace(inputs[0]);
    this.g = builder.parameter(weight.name, [i]);
    const gains = builder.weights(weight.name);
    this.scaled = BigInt(size) << 64n;
    this.epsilon = normEpsilon(epsilon, size);
    this.y = builder.signed(`${name}.y`, [t, i], fromTrace(results.y.name));
    this.remainder = builder.unsigned(`${name}.r`, [t, i], 2, (trace) => {
      const xs = input(trace);
      const inv = trace.get(results.inv.name).data;
      const gs = gains(trace);
      return Array.from({ length: xs.length }, (_, k) => {
        const product = xs[k] * inv[Math.floor(k / size)] * gs[k % size];
        return product & 0xffffffffn;
      });
    });
    this.sum = builder.free(`${name}.S`, [t], fromTrace(results.S.name));
    this.inv = builder.unsigned(`${name}.inv`, [t], 2, fromTrace(results.inv.name));
    const rows =
      (f: (s: bigint, inv: bigint) => bigint): Source =>
      (trace) => {
        const s = trace.get(results.S.name).data;
        const inv = trace.get(results.inv.name).data;
        return Array.from({ length: s.length }, (_, k) => f(s[k] + this.epsilon, inv[k]));
      };
    this.below = builder.unsigned(
      `${name}.D1`,
      [t],
      DIFFERENCE_CELLS,
      rows((s, inv) => this.scaled - inv * inv * s),
    );
    this.above = builder.unsigned(
      `${name}.D2`,
      [t],
      DIFFERENCE_CELLS,
      rows((s, inv) => (inv + 1n) ** 2n * s - this.scaled - 1n),
    );
  }

  static async script(scope: Scope, norms: RmsNorm[]): Promise<void> {
    for (const group of groupBy(norms, (n) => n.x.axis('i').log)) {
      const t = group[0].x.axis('t');
      const i = group[0].x.axis('i');
      const tau = scope.random('t', t.log);
      const elements = new Sumcheck(scope, [t, i], 'RMSNorm');
      for (const norm of group) {
        const x = elements.tensor(norm.x);
        const total = await scope.open(norm.sum, { t: tau }, 'RMSNorm: sum of squares');
        elements.require(elements.eq({ t: tau }).mul(x).mul(x), total);
        const product = x.mul(elements.tensor(norm.inv)).mul(elements.tensor(norm.g));
        const rescaled = elements.tensor(norm.y.times(1n << 32n).plus(norm.remainder));
        elements.require(
          elements.eq({ t: tau, i: scope.random('i', i.log) }).mul(product.sub(rescaled)),
        );
      }
      await elements.run();
    }
    if (norms.length === 0) return;
    const t = norms[0].x.axis('t');
    const rows = new Sumcheck(scope, [t], 'RMSNorm rows');
    const eq = rows.eq({ t: scope.random('t', t.log) });
    for (const norm of norms) {
      const inv = rows.tensor(norm.inv);
      const s = rows.tensor(norm.sum).add(Expr.constant(norm.epsilon));
      const target = Expr.constant(norm.scaled);
      rows.require(eq.mul(target.sub(inv.mul(inv).mul(s)).sub(rows.tensor(norm.below))));
      const next = inv.add(1n);
      rows.require(eq.mul(next.mul(next).mul(s).sub(target).sub(1n).sub(rows.tensor(norm.above))));
    }
    await rows.run();
  }
}
