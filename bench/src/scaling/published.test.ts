/** The published models of the family by their configurations: what import would read, and what their units would take. No weights. */
import { readFile } from 'node:fs/promises';
import { beforeAll, describe, expect, it } from '@jest/globals';
import { parseHfConfig, planTensors, type ModelConfig } from '@attensor/inference';
import { setBackend } from 'o1js';
import { deepseekCosts, predict } from './deepseek-v3.js';

beforeAll(() => setBackend('native'));

const TOKENS = 24;
/** Seconds per operation: any machine, so that times are figures. */
const RATES = {
  ...{ machine: 'any', basis: 'none', permutation: 1e-6, product: 1e-8, entry: 1e-6 },
  ...{ state: 1e-7, circuit: 24, circuitsAtOnce: 1 },
};

/** Circuits of each unit, and of all of them with the joins. */
const PLANS: [string, Record<string, number>][] = [
  ['DeepSeek-V3', { embedding: 2, dense: 3, moe: 3, head: 2, model: 249 }],
  ['Moonlight-16B-A3B', { embedding: 2, dense: 2, moe: 3, head: 2, model: 112 }],
  ['Kimi-K2', { embedding: 2, dense: 3, moe: 3, head: 2, model: 249 }],
  ['DeepSeek-V2', { embedding: 2, dense: 3, moe: 3, head: 2, model: 245 }],
  ['DeepSeek-V2-Lite', { embedding: 2, dense: 2, moe: 3, head: 2, model: 112 }],
];

async function published(name: string): Promise<ModelConfig> {
  const path = new URL('../../src/scaling/fixtures/published.json', import.meta.url);
  const all = JSON.parse(await readFile(path, 'utf8')) as Record<string, unknown>;
  return parseHfConfig(all[name], name).config;
}

const size = (shape: number[]): number => shape.reduce((a, b) => a * b, 1);

describe('published models', () => {
  it.each([
    ['DeepSeek-V3', 671.0],
    ['DeepSeek-V3.1', 671.0],
    ['DeepSeek-R1', 671.0],
    ['Moonlight-16B-A3B', 15.96],
    ['Kimi-K2', 1026.4],
    ['DeepSeek-V2', 235.7],
    ['DeepSeek-V2-Lite', 15.7],
  ])('%s: %d billion parameters by the plan of the import', async (name, billions) => {
    const parameters = planTensors(await published(name)).reduce((n, t) => n + size(t.shape), 0);
    expect(Math.abs(parameters / (billions * 1e9) - 1)).toBeLessThan(0.002);
  });

  it.each(PLANS)('%s: units, circuits, memory, disk and time', async (name, expected) => {
    const config = await published(name);
    const costs = await deepseekCosts(TOKENS, undefined, config);
    const circuits = Object.fromEntries(costs.map((c) => [c.kind, c.circuits]));
    const [, dense, moe, , model] = costs;
    expect([dense.count, moe.count]).toEqual([
      config.firstDense,
      config.layers - config.firstDense,
    ]);
    expect(circuits).toEqual(expected);
    // more than its weights as int32, and than any of its parts
    const weights = planTensors(config).reduce((n, t) => n + size(t.shape), 0);
    expect(model.diskBytes).toBeGreaterThan(4 * (weights - config.vocabSize * config.hiddenSize));
    for (const cost of costs) {
      expect(cost.peakBytes).toBeLessThanOrEqual(model.peakBytes);
      const { nativeSeconds, picklesSeconds } = predict(cost, RATES);
      expect(nativeSeconds).toBeGreaterThan(0);
      expect(picklesSeconds).toBe(24 * cost.circuits);
    }
  });
});
