/** The fit on laws that are known, the counts on layers that are small enough to be counted by hand. */
import { beforeAll, describe, expect, it } from '@jest/globals';
import type { AttensorError } from '@attensor/core';
import { setBackend } from 'o1js';
import {
  DEEPSEEK_V3,
  deepseekCosts,
  layerCost,
  manyCores,
  predict,
  RATES,
  type Rates,
} from './deepseek-v3.js';
import { fitPower } from './fit.js';
import { Script } from '@attensor/prover';
import { layer, plan, planModel } from '@attensor/prover/planning';

beforeAll(() => setBackend('native'));

/** Every size a power of two. */
const SMALL = {
  ...DEEPSEEK_V3,
  vocabSize: 64,
  hiddenSize: 16,
  layers: 2,
  heads: 2,
  qLora: 16,
  kvLora: 16,
  nope: 8,
  rope: 8,
  vDim: 8,
  denseInner: 32,
  expertInner: 16,
  experts: 4,
  groups: 2,
  topkGroup: 1,
  topk: 2,
  firstDense: 1,
};

/** Code of what the call throws. */
function refusal(call: () => unknown): string | undefined {
  try {
    call();
    return undefined;
  } catch (error) {
    return (error as AttensorError).code;
  }
}

describe('fitPower', () => {
  it('finds the exponent of a power law', () => {
    const law = fitPower([4, 8, 32, 100].map((x) => [x, 3 * x ** 1.5]));
    expect(law.exponent).toBeCloseTo(1.5, 10);
    expect(law.factor).toBeCloseTo(3, 10);
    expect(law.r2).toBeCloseTo(1, 10);
  });

  it('gives 0 for a constant, and says how much it does not explain', () => {
    expect(
      fitPower([
        [1, 7],
        [2, 7],
        [4, 7],
      ]),
    ).toMatchObject({ exponent: 0, r2: 1 });
    const { exponent, r2 } = fitPower([
      [1, 1],
      [2, 4],
      [4, 2],
      [8, 8],
    ]);
    expect(exponent).toBeCloseTo(0.8, 10);
    expect(r2).toBeLessThan(0.8);
  });

  it.each([
    [
      'one size',
      [
        [2, 1],
        [2, 3],
      ],
    ],
    [
      'a zero',
      [
        [1, 0],
        [2, 3],
      ],
    ],
    [
      'no number',
      [
        [1, NaN],
        [2, 3],
      ],
    ],
  ])('refuses %s', (_, points) => {
    expect(refusal(() => fitPower(points as [number, number][]))).toBe('BAD_ARGUMENT');
  });
});

describe('a layer by itself', () => {
  /** weights of a layer's attention, and of both its norms */
  const attention =
    16 * 16 + 16 + 2 * (16 * 16) + 16 * 16 + 8 * 16 + 16 + 2 * (16 * 16) + 16 * 16 + 16 + 16;
  const tables = 2 * 2 ** 16 + 2 * (8 * 4);

  it('has the weights of its matrices', async () => {
    const dense = layer(8, 'dense', SMALL);
    expect(dense.builder.parameters.end).toBe(tables + attention + 3 * 32 * 16);
    const moe = layer(8, 'moe', SMALL);
    const gate = 4 * 16 + 4;
    expect(moe.builder.parameters.end).toBe(tables + attention + gate + 3 * (4 + 1) * 16 * 16);
    const cost = await layerCost('moe', moe, 1);
    expect(cost).toMatchObject({ kind: 'moe', parts: 1, weights: moe.builder.parameters.end });
    const script = new Script(moe, RATES);
    expect(cost.circuits).toBe(plan(await script.tape()).length);
  });

  it('opens as many parts as its weights fill, in as many circuits', async () => {
    const config = { ...SMALL, hiddenSize: 256, expertInner: 256, experts: 8 };
    const moe = layer(8, 'moe', config);
    const [whole, split] = [28, 20].map((partLog) => new Script(moe, { ...RATES, partLog }));
    expect(whole.parameters.widths).toHaveLength(1);
    expect(split.logSize).toBe(20);
    expect(split.parameters.widths).toHaveLength(Math.ceil(moe.builder.parameters.end / 2 ** 20));
    expect(split.parameters.widths.slice(0, -1).every((w) => w === 16)).toBe(true);
    const circuits = async (script: Script): Promise<number> => plan(await script.tape()).length;
    expect(await circuits(split)).toBe(await circuits(whole));
  });

  it('commits a witness that is larger than a part as a whole', () => {
    const moe = layer(64, 'moe', SMALL);
    expect(moe.witnessLog).toBeGreaterThan(16);
    const script = new Script(moe, { ...RATES, partLog: 16 });
    expect(script.logSize).toBe(moe.witnessLog);
    expect(script.witness.widths).toHaveLength(1);
  });
});

describe('a model', () => {
  const rates: Rates = {
    machine: 'test',
    basis: 'none',
    permutation: 1,
    product: 0,
    entry: 0,
    state: 0,
    circuit: 10,
    circuitsAtOnce: 2,
  };

  it('is the sum of its layers, and a circuit that joins each to the others', async () => {
    const [embedding, dense, moe, head, model] = await deepseekCosts(8, 28, {
      ...SMALL,
      layers: 5,
    });
    expect([embedding, dense, moe, head].map((c) => c.count)).toEqual([1, 1, 4, 1]);
    expect(model.permutations).toBe(
      embedding.permutations + dense.permutations + 4 * moe.permutations + head.permutations,
    );
    expect(model.circuits).toBe(
      embedding.circuits + dense.circuits + 4 * moe.circuits + head.circuits + 6,
    );
    expect(predict(model, rates)).toMatchObject({
      nativeSeconds: model.permutations,
      picklesSeconds: 5 * model.circuits,
    });
    expect(predict(moe, rates).picklesSeconds).toBe(10 * moe.circuits);
    expect(manyCores(rates, 64).circuitsAtOnce).toBe(32);
  });

  it("counts DeepSeek-V3's weights", async () => {
    const [, , moe] = await deepseekCosts(32);
    const experts = 256 * 3 * 2048 * 8192;
    expect(moe.weights).toBeGreaterThan(experts);
    expect(moe.weights).toBeLessThan(1.05 * experts);
    expect(moe.parts).toBe(Math.ceil(moe.weights / 2 ** 28));
  });

  it('is planned without being committed', async () => {
    const [small, large] = await Promise.all([8, 32].map((t) => planModel(SMALL, t)));
    expect(large.cells).toBeGreaterThan(small.cells);
    expect(large.permutations).toBeGreaterThanOrEqual(small.permutations);
    expect(small.rows.length).toBeGreaterThanOrEqual(2);
  });
});
