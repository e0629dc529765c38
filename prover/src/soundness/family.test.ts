/**
 * Layers of the family's configurations by a prover and the plain verifier: sizes that are no powers of two, each kind of router, YaRN,
 * queries of one matrix. Then forgers of what such sizes add.
 */
import { describe, expect, it } from '@jest/globals';
import { dim, Builder, fromTrace } from '../components/builder.js';
import { TopK } from '../components/top-k.js';
import { Sumcheck } from '../protocol/sumcheck.js';
import { unplanned, verdictOf } from '../testing/forgers.js';
import { objections, traceOfValues } from '../testing/mini.js';
import type { Component } from '../units/component.js';
import { layer, type LayerConfig } from '../units/layer.js';
import { Sample } from '../units/sample.js';

const YARN = { factor: 40, original: 64, betaFast: 32, betaSlow: 1, mscale: 1, mscaleAllDim: 1 };

const SMALL: LayerConfig = {
  ...{ hiddenSize: 12, heads: 3, qLora: 6, kvLora: 5, nope: 6, rope: 4, vDim: 3 },
  ...{ denseInner: 9, expertInner: 5, experts: 6, groups: 2, topkGroup: 2, topk: 3 },
  ...{ sharedExperts: 1, normTopk: true, routedScaling: 2.5, eps: 1e-6, ropeTheta: 10_000 },
  yarn: YARN,
};
const GREEDY: LayerConfig = {
  ...SMALL,
  ...{ qLora: null, scoring: 'softmax', selection: 'greedy', normTopk: false },
  ...{ groups: 1, topkGroup: 1, sharedExperts: 0, yarn: undefined },
};

const moe = (config: LayerConfig) => (): Component => layer(2, 'moe', config);

describe('layers of the family', () => {
  it.each<[string, LayerConfig]>([
    ['sigmoid and biases, groups of three', SMALL],
    ['a softmax of all experts, queries of one matrix, no shared expert', GREEDY],
    [
      'a softmax, groups ranked by their best expert',
      { ...GREEDY, selection: 'group_limited_greedy', groups: 3, topkGroup: 2, normTopk: true },
    ],
    ['a sigmoid that is not divided', { ...SMALL, normTopk: false, topk: 2 }],
  ])('%s', async (_, config) => {
    expect(await verdictOf(moe(config))).toBe('accepted');
  });

  it('a dense one', async () => {
    expect(await verdictOf(() => layer(2, 'dense', SMALL))).toBe('accepted');
  });

  it('a proof is no proof for groups of another size, or rotations of another scaling', async () => {
    const component = moe(SMALL)();
    const { inputs, weights } = component.sample(new Sample(1));
    const prover = unplanned(component);
    const { statement, session } = await prover.messages(
      inputs,
      await prover.commitWeights(weights),
    );
    for (const other of [
      { ...SMALL, groups: 3 },
      { ...SMALL, yarn: { ...YARN, factor: 20 } },
      { ...SMALL, yarn: undefined },
    ])
      await expect(unplanned(moe(other)()).replay(statement, session.messages)).rejects.toThrow();
  });

  it.each([
    ['a slot that fills up', 'slots.selection', [2, 4, 8], 3 * 8],
    ['a head that fills up', 'mul2.y', [2, 4, 3], 3 * 3],
  ])('%s holds nothing', async (_, name, dims, at) => {
    const change = (values: bigint[]): void => {
      values[at] = 1n;
    };
    expect(await verdictOf(moe(GREEDY), { committed: { name, dims, change } })).not.toBe(
      'accepted',
    );
  });
});

describe('top-k of six candidates', () => {
  const t = dim('t', 2);
  const e = dim('e', 6);
  const K = 2;
  const VALUES = [6n, 5n, 4n, 3n, 2n, 1n];

  /** @param padded what the first entry beyond the candidates holds, and whether it is selected */
  function select(padded?: { value: bigint; selected: boolean }): Promise<string[]> {
    const builder = new Builder();
    const value = builder.free('value', [t, e], fromTrace('value'));
    const top = new TopK(builder, {
      name: 'top',
      rows: [t],
      candidates: [e],
      k: K,
      cells: 2,
      selector: fromTrace('selected'),
      values: fromTrace('value'),
    });
    const selected = [1n, 1n, 0n, 0n, 0n, 0n];
    const two = (row: bigint[]) => ({ dims: [2, 6], data: [...row, ...row] });
    return objections(builder, {
      trace: traceOfValues({ value: two(VALUES), selected: two(selected) }),
      change(vector, at) {
        if (!padded) return;
        vector.set(at('value', 6), padded.value);
        if (!padded.selected) return;
        // the second best gives way, and everything else follows
        const chosen = [0, 6];
        const keys = [...VALUES, padded.value, 0n].map((v, i) => (v << 3n) + BigInt(7 - i));
        const tau = keys[0];
        vector.set(at('top.tau', 0), tau);
        keys.forEach((key, i) => {
          const isChosen = chosen.includes(i);
          vector.set(at('top.s', i), isChosen ? 1n : 0n);
          vector.set(at('top.d.0', i), isChosen ? key - tau : tau - key - 1n);
        });
      },
      script: async (scope) => {
        const sum = new Sumcheck(scope, [t, e], 'top-k');
        top.constrain(sum, scope, sum.tensor(value));
        await sum.run();
      },
    });
  }

  it('takes none but the six, whatever lies beyond them', async () => {
    expect(await select()).toEqual([]);
    expect(await select({ value: 100n, selected: false })).toEqual([]);
    expect(await select({ value: 100n, selected: true })).not.toEqual([]);
  });
});
