/**
 * Sigmoid on a saturated input: x = 32 f + r5, f + 2^15 = c + over - under, over (65535 - c) = 0, under c = 0, (c, sigma) in the table.
 * The input x is virtual: these cells are its only ones. SiLU and the gated product of a feed-forward follow on the same domain:
 * silu = floor(x sigma / 2^16), act = floor(silu up / 2^16).
 */
import type { NodeOf } from '@attensor/inference';
import { Expr } from '../protocol/expression.js';
import type { Scope } from '../protocol/scope.js';
import { Sumcheck } from '../protocol/sumcheck.js';
import type { Bound, Tensor } from '../protocol/tensor.js';
import { fromTrace, mapTrace, type Builder, type Dim } from './builder.js';
import { groupBy } from './group.js';
import type { PairTable } from './lookups.js';

const HALF_RANGE = 1n << 15n;
const STEP_LOG = 5n;
const position = (x: bigint): bigint => (x >> STEP_LOG) + HALF_RANGE;

export class Sigmoid {
  /** The input, as its cells say. */
  readonly x: Tensor;
  readonly sigma: Tensor;
  readonly c: Tensor;
  readonly over: Tensor;
  readonly under: Tensor;
  readonly low: Tensor;
  /** 2^11 low, ranged too: low < 32 */
  readonly lowScaled: Tensor;

  constructor(builder: Builder, node: NodeOf<'sigmoid'>, dims: Dim[], table: PairTable) {
    const { name, inputs, results } = node;
    [this.c, this.sigma] = table.pairs(
      builder,
      name,
      dims,
      fromTrace(results.c.name),
      fromTrace(results.sigma.name),
      // x = 0
      Number(HALF_RANGE),
    );
    const excess = (f: (p: bigint) => bigint): ReturnType<typeof mapTrace> =>
      mapTrace(inputs, (x) => {
        const e = f(position(x));
        return e > 0n ? e : 0n;
      });
    this.over = builder.unsigned(
      `${name}.over`,
      dims,
      2,
      excess((p) => p - 65535n),
    );
    this.under = builder.unsigned(
      `${name}.under`,
      dims,
      2,
      excess((p) => -p),
    );
    this.low = builder.unsigned(
      `${name}.low`,
      dims,
      1,
      mapTrace(inputs, (x) => x & 31n),
    );
    this.lowScaled = builder.unsigned(
      `${name}.low2`,
      dims,
      1,
      mapTrace(inputs, (x) => (x & 31n) << 11n),
    );
    this.x = this.c
      .plus(this.over)
      .plus(this.under.times(-1n))
      .plusConstant(-HALF_RANGE)
      .times(32n)
      .plus(this.low);
  }

  /** Adds the relations to a sumcheck over the flattened axis n. */
  constrain(sum: Sumcheck, eq: Expr): void {
    const c = sum.tensor(flat(this.c));
    const saturated = Expr.constant(65535n).sub(c);
    sum.require(eq.mul(sum.tensor(flat(this.over))).mul(saturated));
    sum.require(eq.mul(sum.tensor(flat(this.under))).mul(c));
    sum.require(
      eq.mul(
        sum
          .tensor(flat(this.low))
          .mul(2048n)
          .sub(sum.tensor(flat(this.lowScaled))),
      ),
    );
  }
}

/** Elementwise components see their tensors as one axis. */
const flattened = new WeakMap<Tensor, Tensor>();
export function flat(tensor: Tensor): Tensor {
  let t = flattened.get(tensor);
  if (!t)
    flattened.set(
      tensor,
      (t = tensor.join(
        tensor.axes.map((a) => a.name),
        'n',
      )),
    );
  return t;
}

export class SwiGlu {
  readonly act: Tensor;
  private readonly silu: Tensor;
  private readonly siluRemainder: Tensor;
  private readonly actRemainder: Tensor;

  constructor(
    builder: Builder,
    { name: prefix, inputs, results }: NodeOf<'gated'>,
    readonly sigmoid: Sigmoid,
    readonly up: Tensor,
    dims: Dim[],
  ) {
    const [gate, sigma, factor] = inputs;
    const { silu, act } = results;
    this.silu = builder.signed(`${prefix}silu.y`, dims, fromTrace(silu.name));
    this.siluRemainder = builder.unsigned(
      `${prefix}silu.r`,
      dims,
      1,
      mapTrace([gate, sigma], (x, s) => (x * s) & 0xffffn),
    );
    this.act = builder.signed(`${prefix}act.y`, dims, fromTrace(act.name));
    this.actRemainder = builder.unsigned(
      `${prefix}act.r`,
      dims,
      1,
      mapTrace([silu.name, factor], (x, u) => (x * u) & 0xffffn),
    );
  }

  constrain(sum: Sumcheck, eq: Expr): void {
    const rescaled = (y: Tensor, r: Tensor): Expr => sum.tensor(flat(y.times(1n << 16n).plus(r)));
    const x = sum.tensor(flat(this.sigmoid.x));
    const sigma = sum.tensor(flat(this.sigmoid.sigma));
    const silu = sum.tensor(flat(this.silu));
    const up = sum.tensor(flat(this.up));
    sum.require(eq.mul(x.mul(sigma).sub(rescaled(this.silu, this.siluRemainder))));
    sum.require(eq.mul(silu.mul(up).sub(rescaled(this.act, this.actRemainder))));
  }
}

/** Sigmoids and the gated products that follow some of them. */
export async function activationScript(
  scope: Scope,
  sigmoids: Sigmoid[],
  swiglus: SwiGlu[],
): Promise<void> {
  for (const group of groupBy(sigmoids, (s) => flat(s.c).axis('n').log)) {
    const n = flat(group[0].c).axis('n');
    const sum = new Sumcheck(scope, [n], 'Sigmoid');
    const at: Bound = { n: scope.random('n', n.log) };
    const eq = sum.eq(at);
    for (const s of group) s.constrain(sum, eq);
    for (const g of swiglus) if (group.includes(g.sigmoid)) g.constrain(sum, eq);
    await sum.run();
  }
}
