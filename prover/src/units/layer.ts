/**
 * @module units/layer
 * Parts of a model as units: a block of latent attention, a whole layer, and what follows the last layer (norm and head). The nodes,
 * and so the run and the relations, are those of the model.
 */
import {
  attentionNodes,
  groupRank,
  INNER_NORM_EPS,
  layerGraph,
  nodes,
  placed,
  type AttentionConfig,
  type LayerKind,
  type LayerNode,
  type ModelConfig,
} from '@attensor/inference';
import {
  badArgument,
  paddedRows,
  requireSizes,
  type Component,
  type ComponentConfig,
} from './component.js';
import { requireRouter } from './kinds.js';
import { INPUT, nodesComponent } from './nodes-component.js';

/** Of a model's configuration, what a layer depends on. */
export type LayerConfig = Omit<
  ModelConfig,
  'vocabSize' | 'layers' | 'firstDense' | 'bos' | 'eos' | 'maxPositions'
>;

/** x + MLA(attn_norm(x)): the part of a layer before its feed-forward half. */
export function attentionBlock(rows: number, config: AttentionConfig): Component {
  requireAttention(rows, config);
  return nodesComponent({
    config: { kind: 'attention', rows: paddedRows(rows), ...attentionSizes(config) },
    nodes: placed<LayerNode>(attentionNodes(config), '', INPUT),
    rows,
    row: [config.hiddenSize],
    outputs: ['x_mid'],
    rotation: config,
  });
}

/** x to x_out: attention and feed-forward, residuals included. */
export function layer(rows: number, kind: LayerKind, sizes: LayerConfig): Component {
  const config = wholeConfig(sizes);
  requireAttention(rows, config);
  requireFeedForward(config, kind);
  const { attention, feedForward } = layerGraph(config, kind, '', INPUT);
  return nodesComponent({
    config: { kind: `${kind}-layer`, rows: paddedRows(rows), ...layerSizes(config, kind) },
    nodes: [...attention, ...feedForward],
    rows,
    row: [config.hiddenSize],
    outputs: ['x_out'],
    rotation: config,
  });
}

/** Last norm and head: the residual stream to logits, rescaled like any product. */
export function head(
  rows: number,
  width: number,
  vocabulary: number,
  epsilon = INNER_NORM_EPS,
): Component {
  requireSizes({ rows, dim: width, vocabulary }, []);
  return nodesComponent({
    config: { kind: 'head', rows: paddedRows(rows), dim: width, vocabulary, epsilon },
    nodes: [
      nodes.norm('final_norm', INPUT, width, epsilon, ''),
      nodes.gemm('head', 'final_norm.y', [vocabulary], [width], { tensor: '' }),
    ],
    rows,
    row: [width],
    outputs: ['head.y'],
  });
}

function requireAttention(rows: number, config: AttentionConfig): void {
  const { hiddenSize, heads, qLora, kvLora, nope, rope, vDim } = config;
  const sizes = { rows, dim: hiddenSize, heads, latent: kvLora, nope, rope, values: vDim };
  requireSizes({ ...sizes, queries: qLora ?? 1 }, []);
  if (rope % 2 !== 0) throw badArgument('rope is no size of pairs', 'an even number', rope);
}

/** A layer does not read the rest of a model's configuration. */
const wholeConfig = (sizes: LayerConfig): ModelConfig => ({
  ...sizes,
  vocabSize: 1,
  layers: 1,
  firstDense: 1,
  bos: 0,
  eos: 0,
  maxPositions: 1,
});

/** What the circuits of a layer's attention depend on, by name. */
function attentionSizes(config: AttentionConfig): ComponentConfig {
  const { hiddenSize, heads, qLora, kvLora, nope, rope, vDim, eps, ropeTheta } = config;
  const { yarn, longAttention } = config;
  return {
    ...{ hiddenSize, heads, qLora: qLora ?? 'none', kvLora, nope, rope, vDim, eps },
    theta: ropeTheta,
    ...(longAttention && { longAttention: 'yes' }),
    ...(yarn && {
      yarn: JSON.stringify(Object.entries(yarn).sort(([a], [b]) => (a < b ? -1 : 1))),
    }),
  };
}

/** The same of a layer. */
export function layerSizes(config: ModelConfig, kind: LayerKind): ComponentConfig {
  const attention = attentionSizes(config);
  const { denseInner, expertInner, experts, groups, topkGroup, topk } = config;
  if (kind === 'dense') return { ...attention, denseInner };
  const { sharedExperts, routedScaling, normTopk, scoring, selection } = config;
  return {
    ...attention,
    ...{ expertInner, experts, groups, topkGroup, topk, sharedExperts, routedScaling },
    ...(!normTopk && { normTopk: 'no' }),
    ...(scoring && { scoring }),
    ...(selection && { selection }),
  };
}

function requireFeedForward(config: ModelConfig, kind: LayerKind): void {
  const { denseInner, expertInner, experts, groups, topkGroup, topk, sharedExperts } = config;
  if (kind === 'dense') {
    requireSizes({ inner: denseInner }, []);
    return;
  }
  requireSizes(
    {
      inner: expertInner,
      shared: expertInner * sharedExperts || 1,
      experts,
      groups,
      selected: topk,
    },
    [],
  );
  requireRouter({ experts, groups, keptGroups: topkGroup, selected: topk }, groupRank(config));
}
