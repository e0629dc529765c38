/**
 * Layers of the family's configurations by their relations: sizes that are no powers of two, each kind of router, YaRN, queries of one
 * matrix. Then a forger of each thing that such sizes and options add, with exactly the checks that stop him: a mask that is dropped
 * takes a check away. One layer goes through a prover and the plain verifier; `family-model.whole.test.ts` has a whole model.
 */
import { describe, expect, it } from '@jest/globals';
import { nodes } from '@attensor/inference';
import { dim, Builder, fromTrace } from '../components/builder.js';
import { Exponentials } from '../components/exponentials.js';
import { TopK } from '../components/top-k.js';
import { Sumcheck } from '../protocol/sumcheck.js';
import { verdictOf } from '../testing/forgers.js';
import { objections, traceOfValues } from '../testing/mini.js';
import { objectionsTo, type Cheat } from '../testing/relations.js';
import type { Component } from '../units/component.js';
import { layer, type LayerConfig } from '../units/layer.js';
import { expPairs } from '../units/public-tables.js';
import type { IntTensor, Weights } from '../units/tensors.js';

const YARN = { factor: 40, original: 64, betaFast: 32, betaSlow: 1, mscale: 1, mscaleAllDim: 1 };

const SMALL: LayerConfig = {
  ...{ hiddenSize: 12, heads: 3, qLora: 6, kvLora: 5, nope: 6, rope: 4, vDim: 3 },
  ...{ denseInner: 9, expertInner: 5, experts: 6, groups: 2, topkGroup: 2, topk: 3 },
  ...{ sharedExperts: 1, normTopk: true, routedScaling: 2.5, eps: 1e-6, ropeTheta: 10_000 },
  yarn: YARN,
  longAttention: true,
};
const GREEDY: LayerConfig = {
  ...SMALL,
  ...{ qLora: null, scoring: 'softmax', selection: 'greedy', normTopk: false },
  ...{ groups: 1, topkGroup: 1, sharedExperts: 0, yarn: undefined },
  longAttention: undefined,
};

const moe = (config: LayerConfig): Component => layer(2, 'moe', config);
const dense = (config: LayerConfig): Component => layer(2, 'dense', config);

describe('layers of the family', () => {
  it.each<[string, Component]>([
    ['sigmoid and biases, groups of three', moe(SMALL)],
    ['a softmax of all experts, queries of one matrix, no shared expert', moe(GREEDY)],
    [
      'a softmax, groups ranked by their best expert',
      moe({
        ...GREEDY,
        ...{ selection: 'group_limited_greedy', groups: 3, topkGroup: 2, normTopk: true },
      }),
    ],
    ['a sigmoid that is not divided', moe({ ...SMALL, normTopk: false, topk: 2 })],
    ['a dense one', dense(SMALL)],
  ])('%s', async (_, component) => {
    expect(await objectionsTo(component)).toEqual([]);
  });

  it('one by a prover and the plain verifier, tables included', async () => {
    expect(await verdictOf(() => moe(SMALL))).toBe('accepted');
  });
});

/** Rows of a matrix, of every expert's where there are several, become zero. */
function clear({ dims, data }: Weights[string], rows: number[]): void {
  const width = data.length / dims[0];
  for (const row of rows) data.fill(0, row * width, (row + 1) * width);
}

describe('what fills up a power of two gives nothing', () => {
  /** Committed by an owner whose padding is not zero. */
  it.each<[string, Component, Cheat]>([
    [
      'a fourth head with values and an output, of scores that are zero',
      dense(SMALL),
      {
        by: dense({ ...SMALL, heads: 4 }),
        weights(w) {
          clear(w.wq_b1, [18, 19, 20, 21, 22, 23]);
          clear(w.wq_b2, [12, 13, 14, 15]);
          clear(w.wkv_b1, [18, 19, 20, 21, 22, 23]);
        },
      },
    ],
    ['a fourth channel of each head', dense(SMALL), { by: dense({ ...SMALL, vDim: 4 }) }],
    ['a wider feed-forward', dense(SMALL), { by: dense({ ...SMALL, denseInner: 16 }) }],
    ['wider experts', moe(SMALL), { by: moe({ ...SMALL, expertInner: 8 }) }],
  ])('%s', async (_, component, cheat) => {
    expect(await objectionsTo(component, cheat)).toEqual(['claims']);
  });

  it('a fourth expert of each group that is always chosen', async () => {
    const by = moe({ ...SMALL, experts: 8 });
    const weights = (w: Weights): void => {
      w['gate.bias'].data.forEach((_, e, bias) => (bias[e] = e % 4 === 3 ? 131_072 : 0));
    };
    const noticed = ['claims', 'top-k experts'];
    expect(await objectionsTo(moe(SMALL), { by, weights })).toEqual(noticed);
  });

  it('a padded expert is not chosen, though all others have negative values', async () => {
    const weights = (w: Weights): void => {
      clear(w.gate, [3, 7]);
      for (const each of ['routed.w1', 'routed.w2', 'routed.w3']) clear(w[each], [3, 7]);
      w['gate.bias'].data.forEach((_, e, bias) => (bias[e] = e % 4 === 3 ? 0 : -65536));
    };
    const by = moe({ ...SMALL, experts: 8 });
    expect(await objectionsTo(moe(SMALL), { by, weights })).toEqual(['top-k experts']);
  });
});

describe('slots', () => {
  const row = 6;
  const move = (from: number, to: number): Cheat => ({
    committed: [
      {
        name: 'slots.selection',
        dims: [2, 4, row],
        change(values) {
          for (let e = 0; e < row; e++) {
            values[to * row + e] += values[from * row + e];
            values[from * row + e] = 0n;
          }
        },
      },
      {
        name: 'slots.score',
        dims: [2, 4],
        change(values) {
          values[to] += values[from];
          values[from] = 0n;
        },
      },
    ],
  });
  it.each([
    ['hold one expert each', 0],
    ['that fill up hold none', 3],
  ])('%s', async (_, to) => {
    expect(await objectionsTo(moe(GREEDY), move(1, to))).toEqual([
      ...['MoE GeMM', 'MoE slots', 'MoE weights'],
    ]);
  });
});

describe('options that change what a layer computes', () => {
  const GROUPED = { ...SMALL, experts: 12, groups: 4, topkGroup: 2 };
  const GROUPS = ['group_top2.s', 'group.value', 'group.s'];
  /** Experts chosen from groups of another size, and everything that follows. */
  const otherGroups =
    (change: (traced: Map<string, IntTensor>) => void = () => undefined): Cheat['trace'] =>
    async (traced, { inputs, weights }) => {
      const other = moe({ ...GROUPED, groups: 2, topkGroup: 1 });
      const { tensors } = await other.run('native', inputs, weights);
      for (const [name, tensor] of tensors) if (!GROUPS.includes(name)) traced.set(name, tensor);
      change(traced);
    };
  const keepChosen = (traced: Map<string, IntTensor>): void => {
    const chosen = traced.get('experts.s') as IntTensor;
    const data = new BigInt64Array(8);
    chosen.data.forEach((s, i) => {
      if (s === 1n) data[Math.floor(i / 3)] = 1n;
    });
    traced.set('group.s', { dims: [2, 4], data });
  };
  it.each<[string, Cheat['trace'], string[]]>([
    ['the groups that are kept are the true ones', otherGroups(), ['top-k experts']],
    [
      'the groups that are kept are those of the experts',
      otherGroups(keepChosen),
      ['top-k groups'],
    ],
  ])('groups of another size: %s', async (_, trace, expected) => {
    expect(await objectionsTo(moe(GROUPED), { trace })).toEqual(expected);
  });

  const PLAIN_SCALE = { ...YARN, mscale: 0, mscaleAllDim: 0 };
  it.each<[string, LayerConfig['yarn'], string[]]>([
    ['rotations of another scaling', { ...PLAIN_SCALE, factor: 20 }, ['RoPE']],
    ['rotations without scaling', undefined, ['RoPE']],
    ['another scale of scores', { ...PLAIN_SCALE, mscale: 1, mscaleAllDim: 1 }, ['Softmax']],
  ])('%s', async (_, yarn, expected) => {
    const component = dense({ ...SMALL, yarn: PLAIN_SCALE });
    const by = dense({ ...SMALL, yarn });
    expect(await objectionsTo(component, { by, parameters: 'true' })).toEqual(expected);
  });
});

describe('long attention', () => {
  const change = (name: string, by: bigint): Cheat => ({
    committed: [{ name, change: (values) => (values[0] += by) }],
  });
  it.each([
    ['a score rounded to another unit', 'softmax.r', 1n, ['Softmax']],
    ['a score that takes the remainder of the next one', 'softmax.r', 1n << 47n, ['Softmax']],
    ['a larger probability', 'softmax.p', 1n, ['Softmax', 'attention']],
    [
      'a probability that its lower cell alone does not show',
      'softmax.p',
      -65536n,
      ['Softmax', 'attention'],
    ],
    ['a smaller reciprocal', 'softmax.inv', -1n, ['Softmax', 'Softmax rows']],
    ['a remainder of values', 'mul2.r', 2n, ['attention']],
    ['a remainder that is no multiple of 2', 'mul2.r', 1n, ['attention']],
  ])('%s', async (_, name, by, noticed) => {
    expect(await objectionsTo(dense(SMALL), change(name, by))).toEqual(noticed);
  });

  it('a layer is no layer of short attention', async () => {
    const traced: Cheat['trace'] = async (tensors, { inputs, weights }) => {
      const short = dense({ ...SMALL, longAttention: undefined });
      const { tensors: other } = await short.run('native', inputs, weights);
      for (const [name, tensor] of other) tensors.set(name, tensor);
    };
    const noticed = ['Softmax rows', 'attention'];
    expect(await objectionsTo(dense(SMALL), { trace: traced })).toEqual(noticed);
  });
});

describe('exponentials of six values', () => {
  const t = dim('t', 2);
  const X = [-480n, -160n, -320n, -640n, -960n, -1600n];
  const SIXTEENTHS = 16n;

  /** @param max what the largest is said to be @param padded what the first entry beyond the six holds */
  function judge(
    max: bigint,
    padded: { attained?: boolean; c?: bigint; attainedAt?: number } = {},
  ): Promise<string[]> {
    const builder = new Builder();
    const x = builder.free('x', [t, dim('e', 6)], fromTrace('x'));
    const table = expPairs(builder);
    const node = nodes.exponentials('exp', 'x', 6);
    const exponentials = new Exponentials(builder, node, x, t, table);
    const c = X.map((v) => (max - v) / SIXTEENTHS);
    const two = (row: bigint[]) => ({ dims: [2, row.length], data: [...row, ...row] });
    return objections(builder, {
      trace: traceOfValues({
        x: two(X),
        'exp.max': two([max]),
        'exp.c': two(c),
        'exp.o': two(c.map(() => 0n)),
        'exp.e': two(c.map((v) => BigInt(table.table[Number(v)]))),
      }),
      change(vector, at) {
        for (const row of [0, 8]) {
          if (padded.attained) vector.set(at('exp.attained', row + 6), 1n);
          if (padded.attainedAt !== undefined)
            vector.set(at('exp.attained', row + padded.attainedAt), 1n);
          if (padded.c === undefined) continue;
          vector.set(at('exp.c', row + 6), padded.c);
          vector.set(at('exp.exp', row + 6), BigInt(table.table[Number(padded.c)]));
        }
      },
      script: (scope) => Exponentials.script(scope, [exponentials]),
    });
  }

  it('are those of distances from the largest of the six', async () => {
    expect(await judge(-160n)).toEqual([]);
    expect(await judge(0n)).toEqual(['Exponentials']);
    expect(await judge(0n, { attainedAt: 1 })).toEqual(['Exponentials']);
    // the padding is 0, larger than all of them
    expect(await judge(0n, { attained: true })).toEqual(['Exponentials']);
  });
  it('count nothing beyond the six', async () => {
    expect(await judge(-160n, { c: 0n })).toEqual(['Exponentials']);
  });
});

describe('top-k of six candidates', () => {
  const t = dim('t', 2);
  const e = dim('e', 6);
  const K = 2;
  const VALUES = [6n, 5n, 4n, 3n, 2n, 1n];

  interface Choice {
    chosen: number[];
    /** What the first entry beyond the candidates holds. */
    padded?: bigint;
    /** The true candidates that may be chosen; all, where it is not said. */
    among?: bigint[];
    /** As if differences were masked where nothing may be chosen, and all other keys below the threshold. */
    maskedDifferences?: boolean;
  }

  /** The honest choice of the first two, or another one of the first row and everything that follows from it. */
  function select({ chosen, padded = 0n, among, maskedDifferences }: Choice): Promise<string[]> {
    const builder = new Builder();
    const value = builder.free('value', [t, e], fromTrace('value'));
    const allowed = builder.free('among', [t, e], fromTrace('among'));
    const top = new TopK(builder, {
      name: 'top',
      rows: [t],
      candidates: [e],
      k: K,
      cells: 2,
      selector: fromTrace('selected'),
      values: fromTrace('value'),
      ...(among && { among: fromTrace('among') }),
    });
    const selected = [1n, 1n, 0n, 0n, 0n, 0n];
    const all = [1n, 1n, 1n, 1n, 1n, 1n];
    const rows = (first: bigint[], second: bigint[]) => ({
      dims: [2, 6],
      data: [...first, ...second],
    });
    return objections(builder, {
      trace: traceOfValues({
        value: rows(VALUES, VALUES),
        selected: rows(selected, selected),
        among: rows(among ?? all, all),
      }),
      change(vector, at) {
        vector.set(at('value', 6), padded);
        const may = [...(among ?? all), 0n, 0n];
        const keys = [...VALUES, padded, 0n].map((v, i) => (v << 3n) + BigInt(7 - i));
        const tau = maskedDifferences ? 1000n : keys[chosen[1]];
        vector.set(at('top.tau', 0), tau);
        keys.forEach((key, i) => {
          const isChosen = chosen.includes(i);
          vector.set(at('top.s', i), isChosen ? 1n : 0n);
          const difference = isChosen ? key - tau : tau - key - 1n;
          const masked = may[i] === 0n && (maskedDifferences || !isChosen);
          vector.set(at('top.d.0', i), masked ? 0n : difference);
        });
      },
      script: async (scope) => {
        const sum = new Sumcheck(scope, [t, e], 'top-k');
        top.constrain(sum, scope, sum.tensor(value), among && sum.tensor(allowed));
        await sum.run();
      },
    });
  }

  it('takes none but the six, whatever lies beyond them', async () => {
    expect(await select({ chosen: [0, 1] })).toEqual([]);
    expect(await select({ chosen: [0, 1], padded: 100n })).toEqual([]);
    expect(await select({ chosen: [6, 0], padded: 100n })).toEqual(['top-k']);
    expect(await select({ chosen: [6, 7], padded: 100n, maskedDifferences: true })).toEqual([
      'top-k',
    ]);
  });
  it('takes none but those that may be taken', async () => {
    const among = [0n, 0n, 1n, 1n, 1n, 1n];
    expect(await select({ chosen: [2, 3], among })).toEqual([]);
    expect(await select({ chosen: [0, 1], among })).toEqual(['top-k']);
    expect(await select({ chosen: [0, 1], among, maskedDifferences: true })).toEqual(['top-k']);
  });
});
