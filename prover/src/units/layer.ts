/**
 * @module units/layer
 * A whole layer of a model, and what follows the last one (norm and head), as units: the same classes as in a model, and the same run.
 */
import {
  expTable,
  INNER_NORM_EPS,
  normEpsilon,
  sigmoidTable,
  traceLayer,
  type LayerKind,
  type ModelConfig,
} from '@attensor/inference';
import { Builder, dim, fromTrace } from '../components/builder.js';
import { Lookups, PairTable } from '../components/lookups.js';
import { attentionWeights } from './attention-block.js';
import {
  component,
  INT32,
  paddedRows,
  padRows,
  ranged,
  requireSizes,
  site,
  type Component,
  type ComponentSpec,
} from './component.js';
import { requireRouter } from './kinds.js';
import { attention, feedForwardLayer, gemm, norm } from './layers.js';
import { Relations } from './relations.js';
import { rotationTable } from './rotation.js';
import { tensorMap } from './tensors.js';
import { dimensionsOf, sampleWeights, type WeightShapes } from './weight-shapes.js';

/** Of a model's configuration, what a layer depends on. */
export type LayerConfig = Omit<
  ModelConfig,
  'vocabSize' | 'layers' | 'firstDense' | 'bos' | 'eos' | 'maxPositions'
>;

/** x to x_out: attention and feed-forward, residuals included. */
export function layer(rows: number, kind: LayerKind, sizes: LayerConfig): Component {
  const config = wholeConfig(sizes);
  const { hiddenSize, heads, nope, rope, vDim, ropeTheta } = config;
  requireSizes({ rows, dim: hiddenSize, heads, nope, rope, values: vDim }, [
    'heads',
    'nope',
    'rope',
    'values',
  ]);
  requireFeedForward(config, kind);
  const T = paddedRows(rows);
  const weights = layerWeights(config, kind);
  const spec: ComponentSpec = {
    config: { kind: `${kind}-layer`, rows: T, ...namedSizes(config, kind) },
    inputs: { input: ranged([rows, hiddenSize], INT32) },
    weights: dimensionsOf(weights),
    outputs: ['x_out'],
    sample: (random) => ({
      inputs: { input: random.activations([rows, hiddenSize]) },
      weights: sampleWeights(weights, random),
    }),
    async trace(engine, inputs, given) {
      const x = padRows(inputs.input, T);
      const trace = await traceLayer(engine, config, kind, (name) => given[name].data, x.data);
      return trace.set('input', x);
    },
  };
  const builder = new Builder();
  const t = dim('t', T);
  const x = builder.signed('input', [t, dim('i', hiddenSize)], fromTrace('input'));
  const rotation = rotationTable(builder, t, rope, ropeTheta, T);
  const tables = {
    exp: new PairTable(builder, 'exp', 1, expTable()),
    sigmoid: new PairTable(builder, 'sigmoid', 2, sigmoidTable()),
  };
  const relations = new Relations();
  const context = { builder, config, t, tables, rotation, relations };
  feedForwardLayer(context, '', attention(context, '', x, 'input'), kind === 'moe');
  return component(spec, {
    builder,
    lookups: new Lookups(builder, [tables.exp, tables.sigmoid]),
    relations(scope, values) {
      scope.zeroFrom(x, 'i', hiddenSize, { t: scope.random('t', t.log) });
      return relations.script(scope, values);
    },
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
  const T = paddedRows(rows);
  const weights: WeightShapes = {
    gains: { 'final_norm.g': [width] },
    matrices: { head: [vocabulary, width] },
    biases: {},
  };
  const spec: ComponentSpec = {
    config: { kind: 'head', rows: T, dim: width, vocabulary, epsilon },
    inputs: { input: ranged([rows, width], INT32) },
    weights: dimensionsOf(weights),
    outputs: ['head.y'],
    sample: (random) => ({
      inputs: { input: random.activations([rows, width]) },
      weights: sampleWeights(weights, random),
    }),
    async trace(engine, inputs, given) {
      const x = padRows(inputs.input, T);
      const g = given['final_norm.g'].data;
      const e = normEpsilon(epsilon, width);
      const n = await engine.rmsNorm(x.data, g, T, width, e, site('final_norm'));
      const shape = { rows: T, inner: width, outer: vocabulary };
      const { acc, y } = await engine.gemm(n.y, given.head.data, shape, site('head'));
      return tensorMap({
        input: x,
        'final_norm.S': { dims: [T], data: n.S },
        'final_norm.inv': { dims: [T], data: n.inv },
        'final_norm.y': { dims: [T, width], data: n.y },
        'head.acc': { dims: [T, vocabulary], data: acc },
        'head.y': { dims: [T, vocabulary], data: y },
      });
    },
  };
  const builder = new Builder();
  const t = dim('t', T);
  const x = builder.signed('input', [t, dim('i', width)], fromTrace('input'));
  const relations = new Relations();
  const context = { builder, t, relations };
  const normed = norm(context, 'final_norm', x, 'input', width, epsilon);
  gemm(context, 'head', normed, width, vocabulary);
  return component(spec, {
    builder,
    lookups: new Lookups(builder, []),
    relations(scope, values) {
      scope.zeroFrom(x, 'i', width, { t: scope.random('t', t.log) });
      return relations.script(scope, values);
    },
  });
}

/** Weights of a layer, by the names of docs/integer-semantics.md without the layer. */
export function layerWeights(config: ModelConfig, kind: LayerKind): WeightShapes {
  const { hiddenSize, denseInner, expertInner, experts, sharedExperts } = config;
  const { gains, matrices } = attentionWeights(config);
  const feedForward = (prefix: string, inner: number): Record<string, number[]> => ({
    [`${prefix}w1`]: [inner, hiddenSize],
    [`${prefix}w3`]: [inner, hiddenSize],
    [`${prefix}w2`]: [hiddenSize, inner],
  });
  const routed = {
    gate: [experts, hiddenSize],
    'routed.w1': [experts, expertInner, hiddenSize],
    'routed.w3': [experts, expertInner, hiddenSize],
    'routed.w2': [experts, hiddenSize, expertInner],
    ...feedForward('shared.', expertInner * sharedExperts),
  };
  return {
    gains: { ...gains, 'ffn_norm.g': [hiddenSize] },
    matrices: { ...matrices, ...(kind === 'moe' ? routed : feedForward('', denseInner)) },
    biases: kind === 'moe' ? { 'gate.bias': [experts] } : {},
  };
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

/** What the circuits of a layer depend on, by name. */
function namedSizes(config: ModelConfig, kind: LayerKind): Record<string, number> {
  const { hiddenSize, heads, qLora, kvLora, nope, rope, vDim, eps, ropeTheta } = config;
  const { denseInner, expertInner, experts, groups, topkGroup, topk } = config;
  const { sharedExperts, routedScaling } = config;
  const routed = { expertInner, experts, groups, topkGroup, topk, sharedExperts, routedScaling };
  return {
    ...{ hiddenSize, heads, qLora, kvLora, nope, rope, vDim, eps, theta: ropeTheta },
    ...(kind === 'moe' ? routed : { denseInner }),
  };
}

function requireFeedForward(config: ModelConfig, kind: LayerKind): void {
  const { denseInner, expertInner, experts, groups, topkGroup, topk, sharedExperts } = config;
  if (kind === 'dense') {
    requireSizes({ inner: denseInner }, ['inner']);
    return;
  }
  requireSizes(
    { inner: expertInner, shared: expertInner * sharedExperts, experts, groups, selected: topk },
    ['inner', 'shared', 'experts', 'groups', 'selected'],
  );
  requireRouter({ experts, groups, keptGroups: topkGroup, selected: topk });
}
