/**
 * The components by name, with DeepSeek-V3's dimensions as defaults: the rows of the paper's Table 3, and what a model's layers are made
 * of as a whole.
 */
import {
  AttensorError,
  INNER_NORM_EPS,
  routedScale,
  type AttentionConfig,
} from '@attensor/inference';
import type { Component, ComponentConfig } from './component.js';
import { embedding, gemm, rmsNorm, rope, sigmoid, softmax, topK } from './kinds.js';
import { attentionBlock, head, layer, type LayerConfig } from './layer.js';

/** Sizes a caller may set. */
export type Sizes = Record<string, number>;

interface Entry {
  readonly description: string;
  /** a row of the paper's Table 3 */
  readonly table3: boolean;
  readonly defaults: Sizes;
  make(sizes: Sizes): Component;
}

const THETA = 10_000;
const ROUTED_SCALING = 2.5;
const SCALE = routedScale({ routedScaling: ROUTED_SCALING });

const ATTENTION_SIZES = {
  rows: 24,
  dim: 7168,
  heads: 128,
  queries: 1536,
  latent: 512,
  nope: 128,
  rope: 64,
  values: 128,
};

const attentionConfig = (s: Sizes): AttentionConfig => ({
  hiddenSize: s.dim,
  heads: s.heads,
  qLora: s.queries,
  kvLora: s.latent,
  nope: s.nope,
  rope: s.rope,
  vDim: s.values,
  eps: INNER_NORM_EPS,
  ropeTheta: THETA,
});

const layerConfig = (s: Sizes, routed: Partial<LayerConfig>): LayerConfig => ({
  ...attentionConfig(s),
  denseInner: 1,
  expertInner: 1,
  experts: 1,
  groups: 1,
  topkGroup: 1,
  topk: 1,
  sharedExperts: 1,
  normTopk: true,
  routedScaling: ROUTED_SCALING,
  ...routed,
});

export const CATALOG: Readonly<Record<string, Entry>> = {
  embedding: {
    description: 'embedding rows, hashed against the vocabulary',
    table3: true,
    defaults: { rows: 24, dim: 7168, vocabulary: 1024 },
    make: (s) => embedding(s.rows, s.dim, s.vocabulary),
  },
  attn_norm: {
    description: 'RMSNorm before attention',
    table3: true,
    defaults: { rows: 24, dim: 7168 },
    make: (s) => rmsNorm(s.rows, s.dim),
  },
  q_norm: {
    description: 'RMSNorm of the compressed queries',
    table3: true,
    defaults: { rows: 24, dim: 1536 },
    make: (s) => rmsNorm(s.rows, s.dim),
  },
  RoPE1: {
    description: 'rotation of the queries',
    table3: true,
    defaults: { rows: 24, heads: 128, dim: 64 },
    make: (s) => rope(s.rows, s.heads, s.dim, THETA),
  },
  softmax_qk: {
    description: 'causal softmax of the scores; dim is the width of a query',
    table3: true,
    defaults: { rows: 24, heads: 128, dim: 192 },
    make: (s) => softmax(s.rows, s.heads, s.dim),
  },
  sigmoid_gate: {
    description: 'sigmoid of the router',
    table3: true,
    defaults: { rows: 24, dim: 256 },
    make: (s) => sigmoid(s.rows, s.dim),
  },
  experts_selector: {
    description: 'group-limited top-k of the router',
    table3: true,
    defaults: { rows: 24, experts: 256, groups: 8, kept: 4, selected: 8 },
    make: ({ rows, experts, groups, kept, selected }) =>
      topK(rows, { experts, groups, keptGroups: kept, selected }, SCALE),
  },
  wkv_a1: {
    description: 'matrix product of the latent keys and values',
    table3: true,
    defaults: { rows: 24, inner: 7168, outer: 512 },
    make: (s) => gemm(s.rows, s.inner, s.outer),
  },
  attention: {
    description: 'a whole block of latent attention, its norm and residual included',
    table3: false,
    defaults: ATTENTION_SIZES,
    make: (s) => attentionBlock(s.rows, attentionConfig(s)),
  },
  dense_layer: {
    description: 'a whole layer with a dense feed-forward half',
    table3: false,
    defaults: { ...ATTENTION_SIZES, inner: 2 ** 15 },
    make: (s) => layer(s.rows, 'dense', layerConfig(s, { denseInner: s.inner })),
  },
  moe_layer: {
    description: 'a whole layer with a mixture of experts',
    table3: false,
    defaults: {
      ...ATTENTION_SIZES,
      ...{ inner: 2048, experts: 256, groups: 8, kept: 4, selected: 8, shared: 1 },
    },
    make: (s) =>
      layer(
        s.rows,
        'moe',
        layerConfig(s, {
          expertInner: s.inner,
          experts: s.experts,
          groups: s.groups,
          topkGroup: s.kept,
          topk: s.selected,
          sharedExperts: s.shared,
        }),
      ),
  },
  head: {
    description: 'the last norm, and the matrix product to logits',
    table3: false,
    defaults: { rows: 24, dim: 7168, vocabulary: 129_280 },
    make: (s) => head(s.rows, s.dim, s.vocabulary),
  },
};

/** Components whose parameters are public tables, by the `config` of one. */
export function tableComponent(config: ComponentConfig): Component | undefined {
  const { kind, ...sizes } = config;
  const { rows, heads, dim, theta } = sizes as Sizes;
  switch (kind) {
    case 'rope':
      return rope(rows, heads, dim, theta);
    case 'softmax':
      return softmax(rows, heads, dim);
    case 'sigmoid':
      return sigmoid(rows, dim);
    default:
      return undefined;
  }
}

/** @throws BAD_ARGUMENT for a name or size that does not exist */
export function componentByName(name: string, sizes: Sizes = {}): Component {
  const entry = Object.hasOwn(CATALOG, name) ? CATALOG[name] : undefined;
  if (!entry)
    throw new AttensorError({
      code: 'BAD_ARGUMENT',
      what: 'there is no such component',
      expected: Object.keys(CATALOG).join(', '),
      got: name,
    });
  for (const size of Object.keys(sizes))
    if (!(size in entry.defaults))
      throw new AttensorError({
        code: 'BAD_ARGUMENT',
        what: `${name} has no size '${size}'`,
        expected: Object.keys(entry.defaults).join(', '),
        got: size,
      });
  return entry.make({ ...entry.defaults, ...sizes });
}
