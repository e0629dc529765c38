/**
 * MoE products: acc(slot, o) = sum_e P(slot, e) sum_i X(slot, i) W(e, o, i). At a random (slot, o): sum over (e, i) of
 * A(e, i) W(e, o, i) with A(e, i) = sum_slot eq P X; two sumchecks for all experts of all layers. Then the combine:
 * weighted = floor(w y / 2^16) per slot.
 */
import type { NodeOf } from '@attensor/inference';
import type { FpVec } from '@attensor/native';
import type { Expr } from '../protocol/expression.js';
import type { Scope } from '../protocol/scope.js';
import { Sumcheck } from '../protocol/sumcheck.js';
import { proveProducts, Rescaled, type Product } from './gemm.js';
import type { Wire } from '../protocol/tape.js';
import type { Tensor } from '../protocol/tensor.js';
import { dim, fromTrace, mapTrace, type Builder, type Dim, type Source } from './builder.js';
import { groupBy } from './group.js';

/** Expert matrices that read the same slots: one combined input A serves them all. */
export class ExpertGemms {
  readonly outputs: { rescaled: Rescaled; w: Tensor }[] = [];

  /** @param x over (t, i), the same for all slots of a token, or (t, j, i) */
  constructor(
    readonly x: Tensor,
    readonly selection: Tensor,
  ) {}

  /** @returns output over (t, j, o) @param y the same, when another component holds its cells */
  add(builder: Builder, node: NodeOf<'experts'>, t: Dim, y?: Tensor): Tensor {
    const o = dim('o', node.outer);
    const w = builder.parameter(node.weight.name, [
      dim('e', node.experts, node.groups),
      o,
      dim('i', node.inner),
    ]);
    const rescaled = new Rescaled(builder, node, [t, dim('j', node.topk), o], y);
    this.outputs.push({ rescaled, w });
    return rescaled.y;
  }

  static async script(scope: Scope, all: ExpertGemms[]): Promise<void> {
    if (all.length === 0) return;
    const [t, j, e] = all[0].selection.axes;
    const slot = { t: scope.random('t', t.log), j: scope.random('j', j.log) };
    const later: Product[] = [];
    for (const group of groupBy(all, (m) => m.x.axis('i').log)) {
      const i = group[0].x.axis('i');
      const sum = new Sumcheck(scope, [e, i], 'MoE GeMM');
      const combined: Expr[] = [];
      for (const m of group) {
        const a = sum.virtual(() => combine(scope, m, slot));
        combined.push(a);
        for (const { rescaled, w } of m.outputs) {
          const o = scope.random('o', rescaled.y.axis('o').log);
          const claim = await scope.open(rescaled.acc, { ...slot, o }, 'MoE GeMM: output');
          sum.require(a.mul(sum.tensor(w, { o })), claim);
        }
      }
      const at = await sum.run();
      group.forEach((m, k) =>
        later.push({
          domain: [t, j],
          terms: [
            [
              { tensor: m.selection, bound: { e: at.e } },
              { tensor: m.x, bound: { i: at.i } },
            ],
          ],
          eq: slot,
          claim: sum.value(combined[k]),
        }),
      );
    }
    await proveProducts(scope, later, 'MoE inputs');
  }
}

/** A(e, i) = sum over slots of eq(slot) P(slot, e) X(slot, i). */
async function combine(
  scope: Scope,
  m: ExpertGemms,
  slot: { t: Wire[]; j: Wire[] },
): Promise<FpVec> {
  const { engine } = scope.session;
  const [t, j, e] = m.selection.axes;
  const i = m.x.axis('i');
  const x = await scope.table(m.x, [t, j, i], {});
  const selection = (await scope.table(m.selection, [e, t, j], {})).toBigints();
  const eq = scope.eqs.of([...slot.t, ...slot.j]).toBigints();
  const out = engine.alloc(2 ** (e.log + i.log));
  const slots = eq.length;
  for (let k = 0; k < 2 ** e.log; k++) {
    const weights = engine.fromBigints(
      eq.map((v, s) => (selection[k * slots + s] === 1n ? v : 0n)),
    );
    const row = await engine.contract(x, 0, [
      { size: 2 ** i.log, stride: 1 },
      { size: slots, stride: 2 ** i.log, weights },
    ]);
    out.axpy(k * 2 ** i.log, 1n, row);
  }
  return out;
}

/** weighted = floor(w y / 2^16) per slot */
export class CombinedExperts {
  readonly y: Tensor;
  private readonly remainder: Tensor;

  constructor(
    builder: Builder,
    { name, inputs, results, topk, width: size }: NodeOf<'weighted'>,
    readonly input: Tensor,
    readonly weight: Tensor,
    t: Dim,
  ) {
    const dims = [t, dim('j', topk), dim('o', size)];
    this.y = builder.signed(`${name}.y`, dims, fromTrace(results.y.name));
    const [values, weights] = inputs;
    const product: Source = (trace) => {
      const w = trace.get(weights).data;
      let k = 0;
      return mapTrace([values], (v) => (v * w[Math.floor(k++ / size)]) & 0xffffn)(trace);
    };
    this.remainder = builder.unsigned(`${name}.r`, dims, 1, product);
  }

  static async script(scope: Scope, all: CombinedExperts[]): Promise<void> {
    if (all.length === 0) return;
    const axes = all[0].y.axes;
    const sum = new Sumcheck(scope, axes, 'MoE combine');
    const eq = sum.eq(Object.fromEntries(axes.map((a) => [a.name, scope.random(a.name, a.log)])));
    for (const it of all) {
      const out = sum.tensor(it.y.times(1n << 16n).plus(it.remainder));
      sum.require(eq.mul(sum.tensor(it.input).mul(sum.tensor(it.weight)).sub(out)));
    }
    await sum.run();
  }
}
