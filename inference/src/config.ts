/** Architecture of a model and the integer constants derived from it (docs/integer-semantics.md). */
import { z } from 'zod';
import { AttensorError } from '@attensor/core';
import { isqrt, toFixed } from './ints.js';

const size = z
  .number()
  .int()
  .positive()
  .max(2 ** 31 - 1);
const count = z
  .number()
  .int()
  .nonnegative()
  .max(2 ** 31 - 1);

/** Schema of `ModelConfig`. */
export const modelConfigSchema = z.strictObject({
  vocabSize: size,
  hiddenSize: size,
  layers: size,
  heads: size,
  qLora: size,
  kvLora: size,
  /** Per-head width of queries and keys without and with position. */
  nope: size,
  rope: size,
  vDim: size,
  denseInner: size,
  expertInner: size,
  experts: size,
  groups: size,
  topkGroup: size,
  /** Experts per token. */
  topk: size,
  sharedExperts: size,
  /** Layers 0 .. firstDense - 1 are dense. */
  firstDense: count,
  eps: z.number().positive().max(1),
  ropeTheta: z.number(),
  normTopk: z.boolean(),
  routedScaling: z.number().positive(),
  bos: count,
  eos: count,
  maxPositions: size,
});

/** Sizes and constants of a model, under our own names; `hf-config.ts` maps Hugging Face's. */
export type ModelConfig = Readonly<z.infer<typeof modelConfigSchema>>;

/** What one layer's attention depends on. */
export type AttentionConfig = Pick<
  ModelConfig,
  'hiddenSize' | 'heads' | 'qLora' | 'kvLora' | 'nope' | 'rope' | 'vDim' | 'eps' | 'ropeTheta'
>;

/** DeepSeek's code gives q_a_layernorm and kv_a_layernorm this epsilon whatever the config says. */
export const INNER_NORM_EPS = 1e-6;

/** E = max(1, round(eps d 2^32)) of an RMSNorm over d entries. */
export function normEpsilon(eps: number, d: number): bigint {
  const e = toFixed(eps, 32 + 53);
  const scaled = (e * BigInt(d) + (1n << 52n)) >> 53n;
  return scaled < 1n ? 1n : scaled;
}

/** C = round(2^12 (nope + rope)^(-1/2)). */
export function softmaxScale(config: Pick<ModelConfig, 'nope' | 'rope'>): number {
  const n = BigInt(config.nope + config.rope);
  const c = isqrt((1n << 24n) / n);
  return Number((2n * c + 1n) ** 2n * n < 1n << 26n ? c + 1n : c);
}

/** R = round(routed_scaling_factor 2^16). */
export function routedScale(config: Pick<ModelConfig, 'routedScaling'>): number {
  return Number(toFixed(config.routedScaling, 16));
}

/** The relations between sizes that the model needs. @throws BAD_CONFIG naming the first that fails. */
export function checkConfig(config: ModelConfig, where: string): void {
  const c = config;
  const rules: [boolean, string, string][] = [
    [c.rope % 2 === 0, 'qk_rope_head_dim even', String(c.rope)],
    [
      c.firstDense <= c.layers,
      'first_k_dense_replace <= num_hidden_layers',
      `${c.firstDense} > ${c.layers}`,
    ],
    [
      c.experts % c.groups === 0,
      'n_routed_experts divisible by n_group',
      `${c.experts} / ${c.groups}`,
    ],
    [c.experts / c.groups >= 2, 'at least two experts per group', `${c.experts} / ${c.groups}`],
    [c.topkGroup <= c.groups, 'topk_group <= n_group', `${c.topkGroup} > ${c.groups}`],
    [
      c.topk <= (c.topkGroup * c.experts) / c.groups,
      'num_experts_per_tok within the experts of the kept groups',
      `${c.topk} > ${(c.topkGroup * c.experts) / c.groups}`,
    ],
    [c.ropeTheta > 1 && Number.isFinite(c.ropeTheta), 'rope_theta > 1', String(c.ropeTheta)],
    // inv < 2^32 even for a row of zeros
    [
      normEpsilon(c.eps, c.hiddenSize) > BigInt(c.hiddenSize),
      'rms_norm_eps above 2^-32',
      String(c.eps),
    ],
    [c.routedScaling < 2 ** 15, 'routed_scaling_factor < 2^15', String(c.routedScaling)],
    [routedScale(c) > 0, 'routed_scaling_factor >= 2^-16', String(c.routedScaling)],
    [c.bos < c.vocabSize, 'bos_token_id < vocab_size', `${c.bos} >= ${c.vocabSize}`],
    [c.eos < c.vocabSize, 'eos_token_id < vocab_size', `${c.eos} >= ${c.vocabSize}`],
  ];
  for (const [ok, expected, got] of rules) {
    if (!ok) {
      throw new AttensorError({
        code: 'BAD_CONFIG',
        what: 'the sizes of the model do not fit together',
        where,
        expected,
        got,
        hint: 'Correct the checkpoint configuration',
      });
    }
  }
}

/** Whether layer l has a mixture of experts. */
export function isMoeLayer(config: ModelConfig, layer: number): boolean {
  return layer >= config.firstDense;
}
