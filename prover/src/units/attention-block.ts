/**
 * @module units/attention-block
 * A block of multi-head latent attention: x + MLA(attn_norm(x)), the part of a model's layer before its feed-forward half. The same
 * classes as in a model, and the same run.
 */
import { expTable, traceAttention, type AttentionConfig } from '@attensor/inference';
import { Builder, dim, fromTrace } from '../components/builder.js';
import { Lookups, PairTable } from '../components/lookups.js';
import {
  component,
  INT32,
  paddedRows,
  padRows,
  ranged,
  requireSizes,
  type Component,
  type ComponentSpec,
} from './component.js';
import { attention } from './layers.js';
import { Relations } from './relations.js';
import { rotationTable } from './rotation.js';
import { dimensionsOf, sampleWeights, type WeightShapes } from './weight-shapes.js';

export function attentionBlock(rows: number, config: AttentionConfig): Component {
  const { hiddenSize, heads, qLora, kvLora, nope, rope, vDim, eps, ropeTheta } = config;
  requireSizes(
    { rows, dim: hiddenSize, heads, queries: qLora, latent: kvLora, nope, rope, values: vDim },
    ['heads', 'nope', 'rope', 'values'],
  );
  const T = paddedRows(rows);
  const sizes = { hiddenSize, heads, qLora, kvLora, nope, rope, vDim };
  const weights = attentionWeights(config);
  const spec: ComponentSpec = {
    config: { kind: 'attention', rows: T, ...sizes, eps, theta: ropeTheta },
    inputs: { input: ranged([rows, hiddenSize], INT32) },
    weights: dimensionsOf(weights),
    outputs: ['x_mid'],
    sample: (random) => ({
      inputs: { input: random.activations([rows, hiddenSize]) },
      weights: sampleWeights(weights, random),
    }),
    async trace(engine, inputs, weights) {
      const x = padRows(inputs.input, T);
      const trace = await traceAttention(engine, config, (name) => weights[name].data, x.data);
      return trace.set('input', x);
    },
  };
  const builder = new Builder();
  const t = dim('t', T);
  const x = builder.signed('input', [t, dim('i', hiddenSize)], fromTrace('input'));
  const rotation = rotationTable(builder, t, rope, ropeTheta, T);
  const tables = { exp: new PairTable(builder, 'exp', 1, expTable()) };
  const relations = new Relations();
  attention({ builder, config, t, tables, rotation, relations }, '', x, 'input');
  return component(spec, {
    builder,
    lookups: new Lookups(builder, [tables.exp]),
    relations(scope, values) {
      scope.zeroFrom(x, 'i', hiddenSize, { t: scope.random('t', t.log) });
      return relations.script(scope, values);
    },
  });
}

/** Weights of a layer's attention, by the names of docs/integer-semantics.md without the layer. */
export function attentionWeights({
  hiddenSize,
  heads,
  qLora,
  kvLora,
  nope,
  rope,
  vDim,
}: AttentionConfig): WeightShapes {
  return {
    gains: {
      'attn_norm.g': [hiddenSize],
      'q_norm.g': [qLora],
      'kv_norm.g': [kvLora],
    },
    matrices: {
      wq_a: [qLora, hiddenSize],
      wq_b1: [heads * nope, qLora],
      wq_b2: [heads * rope, qLora],
      wkv_a1: [kvLora, hiddenSize],
      wkv_a2: [rope, hiddenSize],
      wkv_b1: [heads * nope, kvLora],
      wkv_b2: [heads * vDim, kvLora],
      wo: [hiddenSize, heads * vDim],
    },
    biases: {},
  };
}
