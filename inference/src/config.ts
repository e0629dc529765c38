/** Architecture of a model and the integer constants derived from it (docs/integer-semantics.md). */
import { z } from 'zod';
import { AttensorError } from '@attensor/core';
import { yarnMagnitude } from './components/tables.js';
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

/** Schema of `Yarn`. */
const yarnSchema = z.strictObject({
  /** Frequencies that turn seldom are divided by it. */
  factor: z
    .number()
    .min(1)
    .max(2 ** 20),
  /** Positions that the model was trained on before. */
  original: size,
  /** Turns within these positions, from which frequencies stay, and up to which they are divided. */
  betaFast: z.number().positive(),
  betaSlow: z.number().positive(),
  /** m(k) = 1 + 0.1 k ln(factor): cosines and sines are multiplied by m(mscale) / m(mscaleAllDim), scores by m(mscaleAllDim)^2. */
  mscale: z.number().nonnegative().max(16),
  mscaleAllDim: z.number().nonnegative().max(16),
});

/** YaRN: rotations for more positions than a model was first trained on. */
export type Yarn = Readonly<z.infer<typeof yarnSchema>>;

/** Schema of `ModelConfig`. */
export const modelConfigSchema = z.strictObject({
  vocabSize: size,
  hiddenSize: size,
  layers: size,
  heads: size,
  /** null where queries are one projection of the layer's input. */
  qLora: size.nullable(),
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
  sharedExperts: count,
  /** Layers 0 .. firstDense - 1 are dense. */
  firstDense: count,
  eps: z.number().positive().max(1),
  ropeTheta: z.number(),
  normTopk: z.boolean(),
  routedScaling: z.number().positive(),
  /** What a prompt begins with; null where nothing does. */
  bos: count.nullable(),
  /** What ends a text: one token, or several. */
  eos: z.union([count, z.array(count).min(2).readonly()]),
  maxPositions: size,
  /** The angles of rotations are YaRN's; plain ones where it is absent. */
  yarn: yarnSchema.optional(),
  /** What makes scores of the router's logits; absent: the sigmoid. */
  scoring: z.literal('softmax').optional(),
  /**
   * How experts are selected, where it is not by score plus bias in groups that are ranked by their two best (`noaux_tc`): by score
   * (`greedy`), or by score in groups that are ranked by their best one (`group_limited_greedy`).
   */
  selection: z.enum(['greedy', 'group_limited_greedy']).optional(),
  /** Of the layers from firstDense on, those with a multiple of this as index have experts; absent: all. */
  moeEvery: size.optional(),
  /** The head's weights are those of the embedding. */
  tied: z.literal(true).optional(),
  /** Scores and probabilities have the digits that many positions need, `LONG_ATTENTION`; absent: `SHORT_ATTENTION`. */
  longAttention: z.literal(true).optional(),
});

/** Sizes and constants of a model, under our own names; `hf-config.ts` maps Hugging Face's. */
export type ModelConfig = Readonly<z.infer<typeof modelConfigSchema>>;

/** What one layer's attention depends on. */
export type AttentionConfig = Pick<
  ModelConfig,
  | 'hiddenSize'
  | 'heads'
  | 'qLora'
  | 'kvLora'
  | 'nope'
  | 'rope'
  | 'vDim'
  | 'eps'
  | 'ropeTheta'
  | 'yarn'
  | 'longAttention'
>;

/** What the angles of rotations depend on. */
export type Rotation = Pick<ModelConfig, 'ropeTheta' | 'yarn'>;

/** DeepSeek's code gives q_a_layernorm and kv_a_layernorm this epsilon whatever the config says. */
export const INNER_NORM_EPS = 1e-6;

/** E = max(1, round(eps d 2^32)) of an RMSNorm over d entries. */
export function normEpsilon(eps: number, d: number): bigint {
  const e = toFixed(eps, 32 + 53);
  const scaled = (e * BigInt(d) + (1n << 52n)) >> 53n;
  return scaled < 1n ? 1n : scaled;
}

/** Bits of a softmax after the point. */
export interface AttentionDigits {
  /** of C, which scales scores */
  readonly scale: number;
  /** of probabilities; their sums of values are rescaled by as many */
  readonly probability: number;
}

/** A probability of 2^-16 is the least: uniform attention sums to 1 within 0.1 % over 64 positions, within 0.4 % over 256. */
export const SHORT_ATTENTION: AttentionDigits = { scale: 12, probability: 16 };

/** One cell more for each pair of positions and in each score: uniform attention sums to 1 within 2^-14 over 65,536 positions. */
export const LONG_ATTENTION: AttentionDigits = { scale: 28, probability: 31 };

/** Models of more positions are imported with long attention. */
export const SHORT_POSITIONS = 256;

export const attentionDigits = (config: Pick<ModelConfig, 'longAttention'>): AttentionDigits =>
  config.longAttention ? LONG_ATTENTION : SHORT_ATTENTION;

/** C = round(2^b m^2 (nope + rope)^(-1/2)), b the digits of scores, m = 1 without YaRN. */
export function softmaxScale(
  config: Pick<ModelConfig, 'nope' | 'rope' | 'yarn' | 'longAttention'>,
): number {
  const n = BigInt(config.nope + config.rope);
  const square = BigInt(2 * attentionDigits(config).scale);
  if (!config.yarn) {
    const c = isqrt((1n << square) / n);
    return Number((2n * c + 1n) ** 2n * n < 1n << (square + 2n) ? c + 1n : c);
  }
  // C = round(sqrt(2^2b m^4 / n)), with m at 2^160
  const { factor, mscaleAllDim } = config.yarn;
  const bits = 160n;
  const m = yarnMagnitude(factor, mscaleAllDim);
  const twice = isqrt(((m ** 4n) << (square + 2n)) / (n << (4n * bits)));
  return Number((twice + 1n) >> 1n);
}

/** The tokens that end a text. */
export const eosTokens = ({ eos }: Pick<ModelConfig, 'eos'>): readonly number[] =>
  typeof eos === 'number' ? [eos] : eos;

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
      `n_group ${c.groups}, n_routed_experts ${c.experts}`,
    ],
    [
      c.experts / c.groups >= groupRank(c),
      `at least ${groupRank(c)} experts per group`,
      `n_group ${c.groups}, n_routed_experts ${c.experts}`,
    ],
    [
      c.topkGroup <= c.groups,
      'topk_group <= n_group',
      `topk_group ${c.topkGroup}, n_group ${c.groups}`,
    ],
    [
      c.topk <= (c.topkGroup * c.experts) / c.groups,
      'num_experts_per_tok within the experts of the kept groups',
      `num_experts_per_tok ${c.topk}, ${(c.topkGroup * c.experts) / c.groups} experts in topk_group ${c.topkGroup}`,
    ],
    [
      c.scoring === undefined || c.selection !== undefined,
      'scoring_func "sigmoid" with topk_method "noaux_tc"',
      'scoring_func "softmax"',
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
    [(c.bos ?? 0) < c.vocabSize, 'bos_token_id < vocab_size', `${c.bos} >= ${c.vocabSize}`],
    [
      eosTokens(c).every((token) => token < c.vocabSize),
      'eos_token_id < vocab_size',
      `${eosTokens(c).join(', ')} >= ${c.vocabSize}`,
    ],
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

/** How many of a group's best experts give the group its value. */
export function groupRank({ selection }: Pick<ModelConfig, 'selection'>): 1 | 2 {
  return selection === undefined ? 2 : 1;
}

/** Whether layer l has a mixture of experts. */
export function isMoeLayer(
  { firstDense, moeEvery = 1 }: Pick<ModelConfig, 'firstDense' | 'moeEvery'>,
  layer: number,
): boolean {
  return layer >= firstDense && layer % moeEvery === 0;
}
