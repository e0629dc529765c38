/** The configurations of the family: what is read of each, and what has to be refused by name, from config.json alone. */
import { readFile } from 'node:fs/promises';
import { beforeAll, describe, expect, test } from '@jest/globals';
import { AttensorError } from '@attensor/core';
import { softmaxScale, type ModelConfig } from '../config.js';
import { ropeTables } from '../components/tables.js';
import { parseHfConfig } from './hf-config.js';
import { planTensors } from './plan.js';

type Options = Record<string, unknown>;
interface Fixture {
  configs: Record<string, Options>;
  refused: {
    name: string;
    base: string;
    change: Options;
    remove?: string[];
    key: string;
    value: string;
  }[];
}

let fixture: Fixture;
beforeAll(async () => {
  const path = new URL('../../src/checkpoint/fixtures/family.json', import.meta.url);
  fixture = JSON.parse(await readFile(path, 'utf8')) as Fixture;
});

const read = (base: string, change: Options = {}) =>
  parseHfConfig({ ...fixture.configs[base], ...change }, 'config.json');

function refusal(run: () => unknown): AttensorError {
  try {
    run();
  } catch (error) {
    if (error instanceof AttensorError) return error;
    throw error;
  }
  throw new Error('expected a refusal');
}

const YARN = { factor: 40, original: 64, betaFast: 32, betaSlow: 1, mscale: 1, mscaleAllDim: 1 };

describe('configurations of the family', () => {
  test('the spellings of one model agree', () => {
    const { config } = read('v3');
    expect(config.yarn).toEqual(YARN);
    expect(read('v3-newstyle').config).toEqual(config);
    expect(read('v3-newstyle', { rope_scaling: null, topk_method: undefined }).config).toEqual(
      config,
    );
  });

  test('what differs from model to model', () => {
    expect(read('v3').nextnLayers).toBe(1);
    expect(read('moonlight').config).toMatchObject({ qLora: null, topk: 6, sharedExperts: 2 });
    expect(read('moonlight').config.yarn).toBeUndefined();
    expect(read('kimi-k2').config).toMatchObject({ experts: 24, groups: 1, heads: 6 });
    expect(read('v2-lite').config).toMatchObject({
      scoring: 'softmax',
      selection: 'greedy',
      normTopk: false,
      qLora: null,
    });
    expect(read('v2').config).toMatchObject({ selection: 'group_limited_greedy', groups: 4 });
  });

  test('the softmax scale has the square of mscale', () => {
    const scales = { v3: 0.270468, moonlight: 0.144338, 'kimi-k2': 0.261722, 'v2-lite': 0.198703 };
    for (const [name, scale] of Object.entries(scales))
      expect(softmaxScale(read(name).config) / 2 ** 28).toBeCloseTo(scale, 6);
  });

  test('tied embeddings, and layers of experts that are further apart', () => {
    const { config } = read('moonlight', { tie_word_embeddings: true, moe_layer_freq: 2 });
    const plan = planTensors(config);
    const head = plan.find((t) => t.name === 'head');
    expect(head?.parts[0].source).toBe('model.embed_tokens.weight');
    expect(plan.some((t) => t.name === 'layers.1.w1')).toBe(true);
    expect(plan.some((t) => t.name === 'layers.2.gate')).toBe(true);
  });

  test('what has to be refused is, by key and value', () => {
    expect(fixture.refused).toHaveLength(16);
    for (const { name, base, change, remove = [], key, value } of fixture.refused) {
      const changed = { ...fixture.configs[base], ...change };
      const options = Object.fromEntries(
        Object.entries(changed).filter(([option]) => !remove.includes(option)),
      );
      const error = refusal(() => parseHfConfig(options, 'config.json'));
      const text = `${error.message} ${String(error.got)}`;
      expect([name, text]).toEqual([name, expect.stringContaining(key)]);
      expect([name, text]).toEqual([name, expect.stringContaining(value)]);
    }
  });

  test.each<[string, Options, string]>([
    ['v3', { index_topk: 2048 }, 'index_topk'],
    ['v3', { rope_parameters: { rope_type: 'default' } }, 'rope_scaling'],
    ['v3-newstyle', { rope_theta: 20000 }, 'rope_theta'],
    ['v2', { norm_topk_prob: true }, 'norm_topk_prob'],
    ['v2', { topk_method: 'noaux_tc' }, 'scoring_func'],
    ['v3', { qk_head_dim: 64 }, 'qk_head_dim'],
  ])('%s with %j', (base, change, key) => {
    const error = refusal(() => read(base, change));
    expect(error).toMatchObject({ code: 'UNSUPPORTED_CONFIG' });
    expect(error.message).toContain(`'${key}'`);
  });
});

describe('the architecture under other names', () => {
  const SHAPE = {
    ...{ hidden_size: 2048, hidden_act: 'silu', attention_bias: false, rope_interleave: true },
    ...{ kv_lora_rank: 512, qk_rope_head_dim: 64, tie_word_embeddings: false },
  };

  test('GLM-4.7-Flash: no token begins a prompt, three may end it', () => {
    const { config } = parseHfConfig(
      {
        ...SHAPE,
        ...{ architectures: ['Glm4MoeLiteForCausalLM'], model_type: 'glm4_moe_lite' },
        ...{ vocab_size: 154880, num_hidden_layers: 47, num_nextn_predict_layers: 1 },
        ...{ num_attention_heads: 20, num_key_value_heads: 20, partial_rotary_factor: 1 },
        ...{ q_lora_rank: 768, qk_nope_head_dim: 192, v_head_dim: 256, rms_norm_eps: 1e-5 },
        ...{ intermediate_size: 10240, moe_intermediate_size: 1536, first_k_dense_replace: 1 },
        ...{ n_routed_experts: 64, n_shared_experts: 1, num_experts_per_tok: 4 },
        ...{ n_group: 1, topk_group: 1, topk_method: 'noaux_tc', norm_topk_prob: true },
        ...{ routed_scaling_factor: 1.8, rope_theta: 1e6, rope_scaling: null },
        ...{ max_position_embeddings: 202752, eos_token_id: [154820, 154827, 154829] },
      },
      'config.json',
    );
    expect(config).toMatchObject({ bos: null, eos: [154820, 154827, 154829], heads: 20 });
    expect(billions(config)).toBeCloseTo(29.9, 1);
  });

  const YOUTU = {
    ...SHAPE,
    ...{ architectures: ['YoutuForCausalLM'], model_type: 'youtu_llm' },
    ...{ vocab_size: 128256, num_hidden_layers: 32, intermediate_size: 6144 },
    ...{ num_attention_heads: 16, num_key_value_heads: 16, mlp_bias: false },
    ...{ q_lora_rank: 1536, qk_nope_head_dim: 128, v_head_dim: 128, rms_norm_eps: 1e-6 },
    ...{ rope_parameters: { rope_theta: 1_600_000, rope_type: 'default' } },
    ...{ tie_word_embeddings: true, max_position_embeddings: 131072 },
    ...{ bos_token_id: 128000, eos_token_id: [128001] },
  };
  test('Youtu-LLM-2B: all layers are dense', () => {
    const { config } = parseHfConfig(YOUTU, 'config.json');
    expect(config).toMatchObject({ firstDense: 32, eos: 128001, tied: true, ropeTheta: 1.6e6 });
    // tied: the plan has the embedding twice
    expect(billions(config) - (128256 * 2048) / 1e9).toBeCloseTo(1.96, 2);
  });

  test('what is missing beside experts, and rotations of a part', () => {
    expect(refusal(() => parseHfConfig({ ...YOUTU, n_routed_experts: 4 }, ''))).toMatchObject({
      code: 'BAD_CONFIG',
      message: expect.stringContaining('moe_intermediate_size'),
    });
    expect(
      refusal(() => parseHfConfig({ ...YOUTU, partial_rotary_factor: 0.5 }, '')),
    ).toMatchObject({
      code: 'UNSUPPORTED_CONFIG',
      message: expect.stringContaining('partial_rotary_factor'),
    });
  });

  const billions = (config: ModelConfig): number =>
    planTensors(config).reduce((n, { shape }) => n + shape.reduce((a, b) => a * b, 1), 0) / 1e9;
});

describe('the angles of YaRN', () => {
  /** Frequencies by the formula, in doubles. */
  function frequencies(theta: number, d: number, y: typeof YARN): number[] {
    const D = (b: number) => (d * Math.log(y.original / (2 * Math.PI * b))) / (2 * Math.log(theta));
    const low = Math.max(Math.floor(D(y.betaFast)), 0);
    let high = Math.min(Math.ceil(D(y.betaSlow)), d - 1);
    if (low === high) high += 0.001;
    return Array.from({ length: d / 2 }, (_, i) => {
      const e = theta ** ((-2 * i) / d);
      const r = Math.min(Math.max((i - low) / (high - low), 0), 1);
      return e * (1 - r) + (e / y.factor) * r;
    });
  }

  test.each([
    ['a short first training', 10_000, 16, YARN],
    ['DeepSeek-V3', 10_000, 64, { ...YARN, original: 4096 }],
    ['a ramp that is a step', 50_000, 64, { ...YARN, original: 4096, betaFast: 1 }],
    ['cosines that are longer', 10_000, 16, { ...YARN, mscale: 2, mscaleAllDim: 0.5 }],
  ])('%s', (_, ropeTheta, d, yarn) => {
    const positions = 20;
    const { cos, sin } = ropeTables({ ropeTheta, yarn }, d, positions);
    const m = (k: number): number => 0.1 * k * Math.log(yarn.factor) + 1;
    const a = 65536 * (m(yarn.mscale) / m(yarn.mscaleAllDim));
    const f = frequencies(ropeTheta, d, yarn);
    for (let t = 0; t < positions; t++)
      f.forEach((frequency, j) => {
        const at = t * (d / 2) + j;
        expect(Math.abs(cos[at] - a * Math.cos(t * frequency))).toBeLessThan(0.5001);
        expect(Math.abs(sin[at] - a * Math.sin(t * frequency))).toBeLessThan(0.5001);
      });
  });
});
