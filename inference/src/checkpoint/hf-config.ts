/** The Hugging Face config.json of a DeepSeek-V3 checkpoint. */
import { z } from 'zod';
import { checkConfig, type ModelConfig } from '../config.js';
import { AttensorError } from '@attensor/core';
import { readJson } from '@attensor/core/files';

const size = z.number().int().positive();
const count = z.number().int().nonnegative();

const hfConfigSchema = z.looseObject({
  architectures: z.array(z.string()),
  vocab_size: size,
  hidden_size: size,
  num_hidden_layers: size,
  num_attention_heads: size,
  num_key_value_heads: size.optional(),
  q_lora_rank: size.nullable(),
  kv_lora_rank: size,
  qk_nope_head_dim: size,
  qk_rope_head_dim: size,
  v_head_dim: size,
  intermediate_size: size,
  moe_intermediate_size: size,
  n_routed_experts: size.nullable(),
  n_group: size,
  topk_group: size,
  num_experts_per_tok: size,
  n_shared_experts: count.nullable(),
  first_k_dense_replace: count,
  moe_layer_freq: z.number().default(1),
  hidden_act: z.string(),
  attention_bias: z.boolean().default(false),
  rms_norm_eps: z.number().positive().max(1),
  rope_theta: z.number(),
  rope_scaling: z.unknown().optional(),
  rope_interleave: z.boolean().default(true),
  scoring_func: z.string(),
  topk_method: z.string(),
  norm_topk_prob: z.boolean(),
  routed_scaling_factor: z.number().positive(),
  num_nextn_predict_layers: count.default(0),
  tie_word_embeddings: z.boolean().default(false),
  bos_token_id: count,
  eos_token_id: count,
  max_position_embeddings: size,
  quantization_config: z
    .looseObject({
      quant_method: z.string(),
      fmt: z.string().default('e4m3'),
      weight_block_size: z.tuple([size, size]),
    })
    .nullable()
    .optional(),
});

type HfConfig = z.infer<typeof hfConfigSchema>;

export interface Architecture {
  config: ModelConfig;
  /** Rows and columns of a block of `_scale_inv`, if any weight is F8. */
  scaleBlock: [number, number] | undefined;
  /** Multi-token prediction layers after the last; inference does not use them. */
  nextnLayers: number;
}

/** @throws NOT_FOUND, BAD_CONFIG, UNSUPPORTED_CONFIG */
export async function readHfConfig(path: string): Promise<Architecture> {
  const hint = 'A checkpoint folder holds the config.json of a DeepSeek-V3 model';
  const hf = await readJson({ path, schema: hfConfigSchema, code: 'BAD_CONFIG', hint });
  checkSupported(hf, path);
  const config: ModelConfig = {
    vocabSize: hf.vocab_size,
    hiddenSize: hf.hidden_size,
    layers: hf.num_hidden_layers,
    heads: hf.num_attention_heads,
    qLora: hf.q_lora_rank as number,
    kvLora: hf.kv_lora_rank,
    nope: hf.qk_nope_head_dim,
    rope: hf.qk_rope_head_dim,
    vDim: hf.v_head_dim,
    denseInner: hf.intermediate_size,
    expertInner: hf.moe_intermediate_size,
    experts: hf.n_routed_experts as number,
    groups: hf.n_group,
    topkGroup: hf.topk_group,
    topk: hf.num_experts_per_tok,
    sharedExperts: hf.n_shared_experts as number,
    firstDense: hf.first_k_dense_replace,
    eps: hf.rms_norm_eps,
    ropeTheta: hf.rope_theta,
    normTopk: hf.norm_topk_prob,
    routedScaling: hf.routed_scaling_factor,
    bos: hf.bos_token_id,
    eos: hf.eos_token_id,
    maxPositions: hf.max_position_embeddings,
  };
  checkConfig(config, path);
  return {
    config,
    scaleBlock: hf.quantization_config?.weight_block_size,
    nextnLayers: hf.num_nextn_predict_layers,
  };
}

function checkSupported(hf: HfConfig, where: string): void {
  const rules: [boolean, string, string, unknown][] = [
    [
      hf.architectures.length === 1 && hf.architectures[0] === 'DeepseekV3ForCausalLM',
      'architectures',
      '["DeepseekV3ForCausalLM"]',
      hf.architectures,
    ],
    [
      hf.rope_scaling === null || hf.rope_scaling === undefined,
      'rope_scaling',
      'null',
      hf.rope_scaling,
    ],
    [hf.rope_interleave, 'rope_interleave', 'true', hf.rope_interleave],
    [hf.hidden_act === 'silu', 'hidden_act', '"silu"', hf.hidden_act],
    [!hf.attention_bias, 'attention_bias', 'false', hf.attention_bias],
    [hf.scoring_func === 'sigmoid', 'scoring_func', '"sigmoid"', hf.scoring_func],
    [hf.topk_method === 'noaux_tc', 'topk_method', '"noaux_tc"', hf.topk_method],
    [hf.moe_layer_freq === 1, 'moe_layer_freq', '1', hf.moe_layer_freq],
    [!hf.tie_word_embeddings, 'tie_word_embeddings', 'false', hf.tie_word_embeddings],
    [hf.q_lora_rank !== null, 'q_lora_rank', 'a size', hf.q_lora_rank],
    [hf.n_routed_experts !== null, 'n_routed_experts', 'a size', hf.n_routed_experts],
    [!!hf.n_shared_experts, 'n_shared_experts', 'at least 1', hf.n_shared_experts],
    [
      (hf.num_key_value_heads ?? hf.num_attention_heads) === hf.num_attention_heads,
      'num_key_value_heads',
      `${hf.num_attention_heads}, as num_attention_heads`,
      hf.num_key_value_heads,
    ],
    [
      !hf.quantization_config ||
        (hf.quantization_config.quant_method === 'fp8' && hf.quantization_config.fmt === 'e4m3'),
      'quantization_config',
      'quant_method "fp8" with fmt "e4m3"',
      hf.quantization_config,
    ],
  ];
  for (const [ok, field, expected, got] of rules) {
    if (!ok) {
      throw new AttensorError({
        code: 'UNSUPPORTED_CONFIG',
        what: `option '${field}' of the checkpoint is not supported`,
        where,
        expected,
        got: JSON.stringify(got),
        hint: 'Use a checkpoint without this option',
      });
    }
  }
}
