/** A random model of a few layers on disk, for tests of models that are cut into units. */
import {
  generate,
  importCheckpoint,
  Model,
  parseHfConfig,
  type ModelConfig,
} from '@attensor/inference';
import { mkdtemp, rm } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import type { TokenInput } from '../components/tokens.js';
import { writeRandomCheckpoint } from './random-checkpoint.js';

/** No size is a power of two where it need not be. */
const CONFIG = {
  ...{ architectures: ['DeepseekV3ForCausalLM'], model_type: 'deepseek_v3' },
  ...{ vocab_size: 19, hidden_size: 12, num_hidden_layers: 4, num_attention_heads: 2 },
  ...{ q_lora_rank: 6, kv_lora_rank: 5, qk_nope_head_dim: 4, qk_rope_head_dim: 2, v_head_dim: 3 },
  ...{ intermediate_size: 9, moe_intermediate_size: 5, n_routed_experts: 4, n_shared_experts: 1 },
  ...{ n_group: 2, topk_group: 1, num_experts_per_tok: 2, first_k_dense_replace: 0 },
  ...{ hidden_act: 'silu', rms_norm_eps: 1e-6, rope_theta: 10_000, rope_scaling: null },
  ...{ scoring_func: 'sigmoid', topk_method: 'noaux_tc', norm_topk_prob: true },
  ...{ routed_scaling_factor: 2.5, max_position_embeddings: 64 },
  ...{ bos_token_id: 17, eos_token_id: 18 },
};

/** @param changes to a config.json of four layers with experts */
export const smallConfig = (changes: Record<string, unknown> = {}): ModelConfig =>
  parseHfConfig({ ...CONFIG, ...changes }, 'config.json').config;

export interface SmallModel {
  model: Model;
  /** What it answers to a prompt of two tokens. */
  answer(prompt: number[]): Promise<TokenInput>;
  dispose(): Promise<void>;
}

/** @param changes to a config.json of four layers with experts */
export async function smallModel(
  seed: number,
  changes: Record<string, unknown> = {},
): Promise<SmallModel> {
  const dir = await mkdtemp(join(tmpdir(), 'attensor-small-'));
  await writeRandomCheckpoint(join(dir, 'hf'), { ...CONFIG, ...changes }, seed);
  await importCheckpoint(join(dir, 'hf'), join(dir, 'model'));
  const model = await Model.open(join(dir, 'model'));
  return {
    model,
    answer: async (promptIds) => ({ promptIds, outputIds: await generate(model, promptIds, 2) }),
    dispose: () => rm(dir, { recursive: true, force: true }),
  };
}
