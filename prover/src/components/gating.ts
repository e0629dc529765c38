/**
 * Gating of a MoE layer: scores = sigmoid(router logits); choice = score + bias; top-k1 twice (the two best of each group give the
 * group's value, the best groups are kept), top-k2 among the kept groups' experts; slots (token, rank) with one-hot expert P;
 * combine weight w = floor(score R / Sum) over the selected scores.
 */
import type { NodeOf } from '@attensor/inference';
import { Expr } from '../protocol/expression.js';
import type { Scope } from '../protocol/scope.js';
import { Sumcheck } from '../protocol/sumcheck.js';
import type { Part, Tensor } from '../protocol/tensor.js';
import { dim, fromTrace, type Builder, type Dim, type Source } from './builder.js';
import { TopK } from './top-k.js';

export interface GatingDims {
  t: Dim;
  /** groups, experts per group, all experts */
  g: Dim;
  x: Dim;
  e: Dim;
  /** slots per token */
  j: Dim;
}

export class Gating {
  /** one-hot expert of each slot, over (t, j, e) */
  readonly selection: Tensor;
  /** combine weight over (t, j) */
  readonly weight: Tensor;
  readonly dims: GatingDims;
  readonly scale: bigint;
  readonly bias: Tensor;
  private readonly groupTop2: TopK;
  private readonly groups: TopK;
  private readonly experts: TopK;
  private readonly groupValue: Tensor;
  private readonly slotScore: Tensor;
  private readonly rest: Tensor;
  private readonly slack: Tensor;

  /** @param sigma over (t, e) */
  constructor(
    builder: Builder,
    { name, inputs, results, router, weight }: NodeOf<'gating'>,
    readonly sigma: Tensor,
    t: Dim,
  ) {
    const { experts, groups, topk } = router;
    const g = dim('g', groups);
    const x = dim('x', experts / groups);
    const e = dim('e', experts);
    const j = dim('j', topk);
    this.dims = { t, g, x, e, j };
    const scale = (this.scale = BigInt(router.scale));
    this.bias = builder.parameter(weight.name, [e]);
    const n = (part: string): string => `${name}${part}`;
    const biases = builder.weights(weight.name);
    const choice: Source = (trace) => {
      const sigma = trace.get(inputs[0]).data;
      const bias = biases(trace);
      return Array.from({ length: sigma.length }, (_, i) => sigma[i] + bias[i % e.size]);
    };
    this.groupTop2 = new TopK(builder, {
      name: n('group_top2'),
      rows: [t, g],
      candidates: [x],
      k: 2,
      selector: fromTrace(results.groupTop2.name),
      values: choice,
    });
    this.groupValue = builder.free(n('group.value'), [t, g], fromTrace(results.groupValue.name));
    this.groups = new TopK(builder, {
      name: n('group'),
      rows: [t],
      candidates: [g],
      k: router.topkGroup,
      selector: fromTrace(results.groupSelected.name),
      values: fromTrace(results.groupValue.name),
    });
    this.experts = new TopK(builder, {
      name: n('experts'),
      rows: [t],
      candidates: [g, x],
      k: topk,
      selector: fromTrace(results.expertSelected.name),
      values: choice,
      among: (trace) => {
        const s = trace.get(results.groupSelected.name).data;
        return Array.from({ length: t.size * e.size }, (_, i) => s[Math.floor(i / x.size)]);
      },
    });
    this.selection = builder.free(n('slots.selection'), [t, j, e], (trace) => {
      const expert = trace.get(results.expert.name).data;
      return Array.from({ length: expert.length * e.size }, (_, i) =>
        Number(expert[Math.floor(i / e.size)]) === i % e.size ? 1n : 0n,
      );
    });
    const score: Source = (trace) => {
      const sigma = trace.get(inputs[0]).data;
      const expert = trace.get(results.expert.name).data;
      return Array.from(expert, (v, i) => sigma[Math.floor(i / j.size) * e.size + Number(v)]);
    };
    this.slotScore = builder.free(n('slots.score'), [t, j], score);
    this.weight = builder.unsigned(n('slots.weight'), [t, j], 2, fromTrace(results.weight.name));
    const division =
      (f: (sum: bigint, rem: bigint) => bigint): Source =>
      (trace) => {
        const scores = score(trace);
        const w = trace.get(results.weight.name).data;
        return Array.from({ length: scores.length }, (_, i) => {
          const row = Math.floor(i / j.size) * j.size;
          let total = 0n;
          for (let k = 0; k < j.size; k++) total += scores[row + k];
          return f(total, scores[i] * scale - w[i] * total);
        });
      };
    this.rest = builder.unsigned(
      n('slots.rem'),
      [t, j],
      2,
      division((_, rem) => rem),
    );
    this.slack = builder.unsigned(
      n('slots.slack'),
      [t, j],
      2,
      division((sum, rem) => sum - 1n - rem),
    );
  }

  static async script(scope: Scope, gatings: Gating[]): Promise<void> {
    if (gatings.length === 0) return;
    const { tape } = scope.session;
    const { t, g, x, e, j } = gatings[0].dims;
    const at = (d: Dim): number[] => scope.random(d.name, d.log);
    const split: Part[] = [g, x];

    // (t, g, x): both expert selections, the group values, and the slots' choice of the selected experts
    const experts = new Sumcheck(scope, [t, g, x], 'top-k experts');
    for (const it of gatings) {
      const sigma = experts.tensor(it.sigma.split('e', split));
      const choice = sigma.add(experts.tensor(it.bias.split('e', split)));
      it.groupTop2.constrain(experts, scope, choice);
      const s = experts.tensor(it.groups.s);
      it.experts.constrain(experts, scope, choice, s);
      const value = await scope.open(it.groupValue, { t: at(t), g: at(g) }, 'top-k: group values');
      const eqGroup = experts.eq({ t: at(t), g: at(g) });
      experts.require(eqGroup.mul(experts.tensor(it.groupTop2.s)).mul(choice), value);
      const eq = experts.eq({ t: at(t), g: at(g), x: at(x) });
      const slots = experts.tensor(it.selection.sum('j').split('e', split));
      experts.require(eq.mul(slots.sub(experts.tensor(it.experts.s))));
    }
    await experts.run();

    const groups = new Sumcheck(scope, [t, g], 'top-k groups');
    for (const it of gatings) it.groups.constrain(groups, scope, groups.tensor(it.groupValue));
    await groups.run();

    // (t, j, e): one expert a slot, its score
    const slots = new Sumcheck(scope, [t, j, e], 'MoE slots');
    const eqSlot = slots.eq({ t: at(t), j: at(j) });
    const eq = slots.eq({ t: at(t), j: at(j), e: at(e) });
    for (const it of gatings) {
      const p = slots.tensor(it.selection);
      slots.require(eq.mul(p).mul(p.sub(1n)));
      slots.require(eqSlot.mul(p), tape.constant(1n));
      const score = await scope.open(it.slotScore, { t: at(t), j: at(j) }, 'MoE: slot scores');
      slots.require(eqSlot.mul(p).mul(slots.tensor(it.sigma)), score);
    }
    await slots.run();

    // (t, j): w Sum + rem = score R, rem < Sum
    const weights = new Sumcheck(scope, [t, j], 'MoE weights');
    const eqWeight = weights.eq({ t: at(t), j: at(j) });
    for (const it of gatings) {
      const total = weights.tensor(it.slotScore.sum('j'));
      const rest = weights.tensor(it.rest);
      const scaled = weights.tensor(it.slotScore).mul(Expr.constant(it.scale));
      weights.require(eqWeight.mul(weights.tensor(it.weight).mul(total).add(rest).sub(scaled)));
      weights.require(eqWeight.mul(total.sub(1n).sub(rest).sub(weights.tensor(it.slack))));
    }
    await weights.run();
  }
}
