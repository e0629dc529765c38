/**
 * The Hugging Face config.json of a checkpoint of DeepSeek-V3's family: V3, R1 and V3.1, Kimi K2, Moonlight, V2 and V2-Lite, and others
 * that have its architecture under other names: GLM-4.7-Flash, and Youtu-LLM, whose layers are all dense.
 *
 * Whatever changes the arithmetic is computed or refused by name; an option that is not known is refused unless it is switched off.
 */
import { z } from 'zod';
import { checkConfig, SHORT_POSITIONS, type ModelConfig } from '../config.js';
import { AttensorError } from '@attensor/core';
import { readJson } from '@attensor/core/files';
import { HARMLESS, HARMLESS_OF_QUANTIZATION } from './harmless-options.js';
import { readRotation } from './hf-rotation.js';

const size = z.number().int().positive();
const count = z.number().int().nonnegative();

const hfConfigSchema = z.looseObject({
  architectures: z.array(z.string()),
  model_type: z.string().optional(),
  vocab_size: size,
  hidden_size: size,
  num_hidden_layers: size,
  num_attention_heads: size,
  num_key_value_heads: size.nullish(),
  q_lora_rank: size.nullish(),
  kv_lora_rank: size,
  qk_nope_head_dim: size,
  qk_rope_head_dim: size,
  qk_head_dim: size.nullish(),
  head_dim: size.nullish(),
  v_head_dim: size,
  intermediate_size: size,
  moe_intermediate_size: size.nullish(),
  n_routed_experts: size.nullish(),
  n_group: size.nullish(),
  topk_group: size.nullish(),
  num_experts_per_tok: size.nullish(),
  n_shared_experts: count.nullish(),
  first_k_dense_replace: count.nullish(),
  moe_layer_freq: z.number().default(1),
  hidden_act: z.string(),
  attention_bias: z.boolean().nullish(),
  mlp_bias: z.boolean().nullish(),
  rms_norm_eps: z.number().positive().max(1),
  rope_theta: z.number().nullish(),
  rope_scaling: z.unknown().optional(),
  rope_parameters: z.unknown().optional(),
  rope_interleave: z.boolean().default(true),
  partial_rotary_factor: z.number().nullish(),
  scoring_func: z.string().nullish(),
  topk_method: z.string().nullish(),
  norm_topk_prob: z.boolean().nullish(),
  routed_scaling_factor: z.number().positive().nullish(),
  num_nextn_predict_layers: count.nullish(),
  tie_word_embeddings: z.boolean().default(false),
  bos_token_id: count.nullish(),
  eos_token_id: z.union([count, z.array(count).min(1)]),
  max_position_embeddings: size,
  quantization_config: z
    .looseObject({
      quant_method: z.string(),
      fmt: z.string().default('e4m3'),
      activation_scheme: z.string().default('dynamic'),
      weight_block_size: z.unknown().optional(),
    })
    .nullish(),
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
  return architectureOf(hf, path);
}

/** What a config.json says. @param where for messages. @throws BAD_CONFIG, UNSUPPORTED_CONFIG */
export function parseHfConfig(json: unknown, where: string): Architecture {
  const parsed = hfConfigSchema.safeParse(json);
  if (!parsed.success)
    throw new AttensorError({
      code: 'BAD_CONFIG',
      what: 'this is no configuration of the family',
      where,
      got: z.prettifyError(parsed.error),
    });
  return architectureOf(parsed.data, where);
}

const MODEL_TYPES = [
  ...['deepseek_v3', 'kimi_k2', 'deepseek_v2'],
  ...['glm4_moe_lite', 'youtu', 'youtu_llm'],
];
const CLASSES = [
  ...['DeepseekV3ForCausalLM', 'DeepseekV2ForCausalLM'],
  ...['Glm4MoeLiteForCausalLM', 'YoutuForCausalLM'],
];

function architectureOf(hf: HfConfig, where: string): Architecture {
  checkSupported(hf, where);
  const experts = expertsOf(hf, where);
  const rotation = readRotation(hf, where);
  const config: ModelConfig = {
    vocabSize: hf.vocab_size,
    hiddenSize: hf.hidden_size,
    layers: hf.num_hidden_layers,
    heads: hf.num_attention_heads,
    qLora: hf.q_lora_rank ?? null,
    kvLora: hf.kv_lora_rank,
    nope: hf.qk_nope_head_dim,
    rope: hf.qk_rope_head_dim,
    vDim: hf.v_head_dim,
    denseInner: hf.intermediate_size,
    ...experts,
    eps: hf.rms_norm_eps,
    ropeTheta: rotation.ropeTheta,
    bos: hf.bos_token_id ?? null,
    eos: eosOf(hf.eos_token_id),
    maxPositions: hf.max_position_embeddings,
    ...(rotation.yarn && { yarn: rotation.yarn }),
    ...(hf.moe_layer_freq !== 1 && { moeEvery: hf.moe_layer_freq }),
    ...(hf.tie_word_embeddings && { tied: true as const }),
    ...(hf.max_position_embeddings > SHORT_POSITIONS && { longAttention: true as const }),
  };
  checkConfig(config, where);
  return {
    config,
    scaleBlock: hf.quantization_config
      ? (hf.quantization_config.weight_block_size as [number, number])
      : undefined,
    nextnLayers: hf.num_nextn_predict_layers ?? 0,
  };
}

/** One token is itself, as if it were no list. */
const eosOf = (given: HfConfig['eos_token_id']): ModelConfig['eos'] =>
  typeof given === 'number' ? given : given.length === 1 ? given[0] : given;

/** Of the layers with experts. */
type ExpertsConfig = Pick<
  ModelConfig,
  | 'expertInner'
  | 'experts'
  | 'groups'
  | 'topkGroup'
  | 'topk'
  | 'sharedExperts'
  | 'firstDense'
  | 'normTopk'
  | 'routedScaling'
  | 'scoring'
  | 'selection'
>;

/** Without experts all layers are dense, and the sizes of a router say nothing. */
function expertsOf(hf: HfConfig, where: string): ExpertsConfig {
  if (hf.n_routed_experts == null)
    return {
      ...{ expertInner: 1, experts: 1, groups: 1, topkGroup: 1, topk: 1, sharedExperts: 0 },
      ...{ firstDense: hf.num_hidden_layers, normTopk: true, routedScaling: 1 },
      selection: 'greedy',
    };
  const { selection, scoring } = routing(hf, where);
  const grouped = selection !== 'greedy';
  const given = <K extends keyof HfConfig>(key: K): NonNullable<HfConfig[K]> => {
    const value = hf[key];
    if (value !== undefined && value !== null) return value;
    throw new AttensorError({
      code: 'BAD_CONFIG',
      what: `option '${key}' is missing beside n_routed_experts`,
      where,
    });
  };
  return {
    expertInner: given('moe_intermediate_size'),
    experts: hf.n_routed_experts,
    // without a limit on groups, all experts are one group
    groups: grouped ? (hf.n_group ?? 1) : 1,
    topkGroup: grouped ? (hf.topk_group ?? 1) : 1,
    topk: given('num_experts_per_tok'),
    sharedExperts: hf.n_shared_experts ?? 0,
    firstDense: given('first_k_dense_replace'),
    normTopk: given('norm_topk_prob'),
    routedScaling: given('routed_scaling_factor'),
    ...(scoring && { scoring }),
    ...(selection && { selection }),
  };
}

/** How the router scores and selects. Without a word of it, each generation of the model does what its code knows only. */
function routing(hf: HfConfig, where: string): Pick<ModelConfig, 'scoring' | 'selection'> {
  const second = isSecond(hf);
  const scoring = hf.scoring_func ?? (second ? 'softmax' : 'sigmoid');
  const method = hf.topk_method ?? (second ? 'greedy' : 'noaux_tc');
  if (scoring !== 'softmax' && scoring !== 'sigmoid')
    throw unsupported('scoring_func', '"sigmoid" or "softmax"', hf.scoring_func, where);
  if (method !== 'noaux_tc' && method !== 'greedy' && method !== 'group_limited_greedy')
    throw unsupported(
      'topk_method',
      '"noaux_tc", "greedy" or "group_limited_greedy"',
      hf.topk_method,
      where,
    );
  if (scoring === 'softmax' && method === 'noaux_tc')
    throw unsupported('scoring_func', '"sigmoid" beside topk_method "noaux_tc"', scoring, where);
  return {
    scoring: scoring === 'softmax' ? scoring : undefined,
    selection: method === 'noaux_tc' ? undefined : method,
  };
}

const isSecond = ({ model_type: type, architectures: [name] }: HfConfig): boolean =>
  type === 'deepseek_v2' || (type === undefined && name === 'DeepseekV2ForCausalLM');

function checkSupported(hf: HfConfig, where: string): void {
  const { qk_nope_head_dim: nope, qk_rope_head_dim: rope, quantization_config: quantized } = hf;
  const block = quantized?.weight_block_size;
  const rules: [ok: boolean, field: string, expected: string, got: unknown][] = [
    [
      hf.model_type === undefined || MODEL_TYPES.includes(hf.model_type),
      'model_type',
      MODEL_TYPES.map((name) => `"${name}"`).join(', '),
      hf.model_type,
    ],
    [
      hf.architectures.length === 1 && CLASSES.includes(hf.architectures[0]),
      'architectures',
      CLASSES.map((name) => `["${name}"]`).join(' or '),
      hf.architectures,
    ],
    [hf.rope_interleave, 'rope_interleave', 'true', hf.rope_interleave],
    [hf.hidden_act === 'silu', 'hidden_act', '"silu"', hf.hidden_act],
    [!hf.attention_bias, 'attention_bias', 'false', hf.attention_bias],
    [!hf.mlp_bias, 'mlp_bias', 'false', hf.mlp_bias],
    [
      Number.isInteger(hf.moe_layer_freq) && hf.moe_layer_freq > 0,
      'moe_layer_freq',
      'a positive integer',
      hf.moe_layer_freq,
    ],
    [
      (hf.num_key_value_heads ?? hf.num_attention_heads) === hf.num_attention_heads,
      'num_key_value_heads',
      `${hf.num_attention_heads}, as num_attention_heads`,
      hf.num_key_value_heads,
    ],
    [
      (hf.qk_head_dim ?? nope + rope) === nope + rope,
      'qk_head_dim',
      `${nope + rope}, as qk_nope_head_dim and qk_rope_head_dim together`,
      hf.qk_head_dim,
    ],
    [
      (hf.head_dim ?? rope) === rope,
      'head_dim',
      `${rope}, as qk_rope_head_dim: the width that rotates`,
      hf.head_dim,
    ],
    [
      (hf.partial_rotary_factor ?? 1) === 1,
      'partial_rotary_factor',
      '1: all of qk_rope_head_dim rotates',
      hf.partial_rotary_factor,
    ],
    // The published code of the second generation leaves the factor out where it normalises.
    [
      !isSecond(hf) || !hf.norm_topk_prob || hf.routed_scaling_factor === 1,
      'norm_topk_prob',
      'false, or routed_scaling_factor 1, for model_type "deepseek_v2"',
      hf.norm_topk_prob,
    ],
    [
      !quantized || quantized.quant_method === 'fp8',
      'quantization_config.quant_method',
      '"fp8"',
      quantized?.quant_method,
    ],
    [!quantized || quantized.fmt === 'e4m3', 'quantization_config.fmt', '"e4m3"', quantized?.fmt],
    [
      !quantized || quantized.activation_scheme === 'dynamic',
      'quantization_config.activation_scheme',
      '"dynamic"',
      quantized?.activation_scheme,
    ],
    [
      !quantized ||
        (Array.isArray(block) &&
          block.length === 2 &&
          block.every((n) => Number.isInteger(n) && n > 0)),
      'quantization_config.weight_block_size',
      'two sizes',
      block,
    ],
  ];
  for (const [ok, field, expected, got] of rules)
    if (!ok) throw unsupported(field, expected, got, where);
  refuseUnknown(hf, [...Object.keys(hfConfigSchema.shape), ...HARMLESS], '', where);
  if (quantized)
    refuseUnknown(
      quantized,
      [
        'quant_method',
        'fmt',
        'activation_scheme',
        'weight_block_size',
        ...HARMLESS_OF_QUANTIZATION,
      ],
      'quantization_config.',
      where,
    );
}

/** An option that nobody here knows may change the arithmetic, unless it is switched off. */
export function refuseUnknown(
  options: Record<string, unknown>,
  known: readonly string[],
  prefix: string,
  where: string,
): void {
  for (const [key, value] of Object.entries(options))
    if (!known.includes(key) && !isOff(value))
      throw unsupported(prefix + key, 'no option that is not known here', value, where);
}

const isOff = (value: unknown): boolean =>
  value === null ||
  value === undefined ||
  value === false ||
  (typeof value === 'object' && Object.keys(value).length === 0);

export function unsupported(
  field: string,
  expected: string,
  got: unknown,
  where: string,
): AttensorError {
  const value = JSON.stringify(got) ?? 'nothing';
  return new AttensorError({
    code: 'UNSUPPORTED_CONFIG',
    what: `option '${field}' of the checkpoint is not supported with the value ${value}`,
    where,
    expected,
    got: value,
    hint: 'Use a checkpoint without this option',
  });
}
