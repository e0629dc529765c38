/**
 * Gating of a MoE layer: choice = score + bias, or a router's logits; top-k twice (the best of each group give the group's value, the
 * best groups are kept), and once among the kept groups' experts; slots (token, rank) with one-hot expert P; combine weight
 * w = floor(score R / Sum), Sum over the selected scores, over all of them, or 2^16.
 */
import type { NodeOf, nodes } from '@attensor/inference';
import { Expr } from '../protocol/expression.js';
import type { Scope } from '../protocol/scope.js';
import { Sumcheck } from '../protocol/sumcheck.js';
import type { Part, Tensor } from '../protocol/tensor.js';
import { dim, fromTrace, type Builder, type Dim, type Source } from './builder.js';
import { validity, validityAt } from './mask.js';
import { TopK } from './top-k.js';

type Divisor = nodes.Divisor;

/** What a sigmoid's scores are divided by where nothing else is said. */
const ONE = 1n << 16n;

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
  readonly bias: Tensor | undefined;
  private readonly divisor: Divisor;
  private readonly groupBest: TopK;
  private readonly groups: TopK;
  private readonly experts: TopK;
  private readonly groupValue: Tensor;
  private readonly slotScore: Tensor;
  private readonly rest: Tensor;
  private readonly slack: Tensor | undefined;

  /**
   * @param score over (t, e)
   * @param choice the same: what experts are selected by
   */
  constructor(
    builder: Builder,
    { name, inputs, results, router, weight }: NodeOf<'gating'>,
    readonly score: Tensor,
    readonly choice: Tensor,
    t: Dim,
  ) {
    const { experts, groups, topk, divisor } = router;
    const g = dim('g', groups);
    const x = dim('x', experts / groups);
    const e = dim('e', experts, groups);
    const j = dim('j', topk);
    this.dims = { t, g, x, e, j };
    const scale = (this.scale = BigInt(router.scale));
    this.divisor = divisor;
    this.bias = weight && builder.parameter(weight.name, [e]);
    const n = (part: string): string => `${name}${part}`;
    const chosenBy = inputs[inputs.length - 1];
    const biases = weight && builder.weights(weight.name);
    const values: Source = (trace) => {
      const own = trace.get(chosenBy).data;
      const bias = biases?.(trace);
      return bias ? Array.from(own, (v, i) => v + bias[i % e.size]) : own;
    };
    // Scores are at most 2^16, logits have 32 bits; keys have the index below them.
    const cells = inputs.length > 1 ? 3 : 2;
    this.groupBest = new TopK(builder, {
      name: results.groupBest.name.slice(0, -'.s'.length),
      rows: [t, g],
      candidates: [x],
      k: router.groupRank,
      selector: fromTrace(results.groupBest.name),
      values,
      cells,
    });
    this.groupValue = builder.free(n('group.value'), [t, g], fromTrace(results.groupValue.name));
    this.groups = new TopK(builder, {
      name: n('group'),
      rows: [t],
      candidates: [g],
      k: router.topkGroup,
      selector: fromTrace(results.groupSelected.name),
      values: fromTrace(results.groupValue.name),
      cells,
    });
    this.experts = new TopK(builder, {
      name: n('experts'),
      rows: [t],
      candidates: [g, x],
      k: topk,
      selector: fromTrace(results.expertSelected.name),
      values,
      cells,
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
    const slotScore: Source = (trace) => {
      const own = trace.get(inputs[0]).data;
      const expert = trace.get(results.expert.name).data;
      return Array.from(expert, (v, i) => own[Math.floor(i / j.size) * e.size + Number(v)]);
    };
    this.slotScore = builder.free(n('slots.score'), [t, j], slotScore);
    this.weight = builder.unsigned(n('slots.weight'), [t, j], 2, fromTrace(results.weight.name));
    const sumOf = (values: ArrayLike<bigint>, row: number, size: number): bigint => {
      let total = 0n;
      for (let k = row * size; k < (row + 1) * size; k++) total += values[k];
      return total;
    };
    const division =
      (f: (sum: bigint, rem: bigint) => bigint): Source =>
      (trace) => {
        const scores = slotScore(trace);
        const w = trace.get(results.weight.name).data;
        return Array.from({ length: scores.length }, (_, i) => {
          const row = Math.floor(i / j.size);
          const total =
            divisor === 'selected'
              ? sumOf(scores, row, j.size)
              : divisor === 'all'
                ? sumOf(trace.get(inputs[0]).data, row, e.size)
                : ONE;
          return f(total, scores[i] * scale - w[i] * total);
        });
      };
    this.rest = builder.unsigned(
      n('slots.rem'),
      [t, j],
      divisor === 'one' ? 1 : 2,
      division((_, rem) => rem),
    );
    this.slack =
      divisor === 'one'
        ? undefined
        : builder.unsigned(
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
      const own = experts.tensor(it.choice.split('e', split));
      const choice = it.bias ? own.add(experts.tensor(it.bias.split('e', split))) : own;
      it.groupBest.constrain(experts, scope, choice);
      const s = experts.tensor(it.groups.s);
      it.experts.constrain(experts, scope, choice, s);
      const value = await scope.open(it.groupValue, { t: at(t), g: at(g) }, 'top-k: group values');
      const eqGroup = experts.eq({ t: at(t), g: at(g) });
      experts.require(eqGroup.mul(experts.tensor(it.groupBest.s)).mul(choice), value);
      const eq = experts.eq({ t: at(t), g: at(g), x: at(x) });
      const slots = experts.tensor(it.selection.sum('j').split('e', split));
      experts.require(eq.mul(slots.sub(experts.tensor(it.experts.s))));
    }
    await experts.run();

    const groups = new Sumcheck(scope, [t, g], 'top-k groups');
    for (const it of gatings) it.groups.constrain(groups, scope, groups.tensor(it.groupValue));
    await groups.run();

    // (t, j, e): one expert a slot, none in slots that fill up to a power of two, and its score
    const slots = new Sumcheck(scope, [t, j, e], 'MoE slots');
    const eqSlot = slots.eq({ t: at(t), j: at(j) });
    const eq = slots.eq({ t: at(t), j: at(j), e: at(e) });
    for (const it of gatings) {
      const p = slots.tensor(it.selection);
      slots.require(eq.mul(p).mul(p.sub(1n)));
      slots.require(eqSlot.mul(p), validityAt(tape, [j], { j: at(j) }));
      const score = await scope.open(it.slotScore, { t: at(t), j: at(j) }, 'MoE: slot scores');
      slots.require(eqSlot.mul(p).mul(slots.tensor(it.score)), score);
    }
    await slots.run();

    // (t, j): w Sum + rem = score R, rem < Sum
    const weights = new Sumcheck(scope, [t, j], 'MoE weights');
    const eqWeight = weights.eq({ t: at(t), j: at(j) });
    const valid = validity(weights, tape, [j]);
    for (const it of gatings) {
      const total =
        it.divisor === 'selected'
          ? weights.tensor(it.slotScore.sum('j'))
          : it.divisor === 'all'
            ? weights.tensor(it.score.sum('e'))
            : Expr.constant(ONE);
      const rest = weights.tensor(it.rest);
      const scaled = weights.tensor(it.slotScore).mul(Expr.constant(it.scale));
      weights.require(eqWeight.mul(weights.tensor(it.weight).mul(total).add(rest).sub(scaled)));
      if (!it.slack) continue;
      const gap = total.sub(1n).sub(rest).sub(weights.tensor(it.slack));
      weights.require(eqWeight.mul(valid ? valid.mul(gap) : gap));
    }
    await weights.run();
  }
}
