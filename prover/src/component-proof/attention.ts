/**
 * @module component-proof/attention
 * A block of multi-head latent attention: x + MLA(attn_norm(x)), the part of a model's layer before its feed-forward half. The same
 * classes as in a model, and the same run.
 */
import { expTable, ropeTables, traceAttention, type AttentionConfig } from '@attensor/inference';
import { Attention } from '../components/attention.js';
import { Builder, dim, fromTrace } from '../components/builder.js';
import { Gemm } from '../components/gemm.js';
import { Lookups, PairTable } from '../components/lookups.js';
import { RmsNorm } from '../components/rms-norm.js';
import { Rope } from '../components/rope.js';
import { attention, noComponents } from '../model/layers.js';
import type { Tensor } from '../protocol/tensor.js';
import { INT32, paddedRows, padRows, ranged, requireSizes, type Component } from './component.js';

export function attentionBlock(rows: number, config: AttentionConfig): Component {
  const { hiddenSize, heads, qLora, kvLora, nope, rope, vDim, eps, ropeTheta } = config;
  requireSizes(
    { rows, dim: hiddenSize, heads, queries: qLora, latent: kvLora, nope, rope, values: vDim },
    ['heads', 'nope', 'rope', 'values'],
  );
  const T = paddedRows(rows);
  const sizes = { hiddenSize, heads, qLora, kvLora, nope, rope, vDim };
  const gains: Record<string, number[]> = {
    'attn_norm.g': [hiddenSize],
    'q_norm.g': [qLora],
    'kv_norm.g': [kvLora],
  };
  const matrices: Record<string, number[]> = {
    wq_a: [qLora, hiddenSize],
    wq_b1: [heads * nope, qLora],
    wq_b2: [heads * rope, qLora],
    wkv_a1: [kvLora, hiddenSize],
    wkv_a2: [rope, hiddenSize],
    wkv_b1: [heads * nope, kvLora],
    wkv_b2: [heads * vDim, kvLora],
    wo: [hiddenSize, heads * vDim],
  };
  const map = <A, B>(of: Record<string, A>, f: (value: A) => B): Record<string, B> =>
    Object.fromEntries(Object.entries(of).map(([name, value]) => [name, f(value)]));
  return {
    config: { kind: 'attention', rows: T, ...sizes, eps, theta: ropeTheta },
    inputs: { input: ranged([rows, hiddenSize], INT32) },
    weights: { ...gains, ...matrices },
    outputs: ['x_mid'],
    sample: (random) => ({
      inputs: { input: random.activations([rows, hiddenSize]) },
      weights: { ...map(gains, random.gains), ...map(matrices, random.weights) },
    }),
    async run(engine, inputs, weights) {
      const x = padRows(inputs.input, T);
      const trace = await traceAttention(engine, config, (name) => weights[name].data, x.data);
      return trace.set('input', x);
    },
    build(weights) {
      const b = new Builder();
      const t = dim('t', T);
      const x = b.signed('input', [t, dim('i', hiddenSize)], fromTrace('input'));
      const angles = [t, dim('pair', rope / 2)];
      const turns = ropeTables(ropeTheta, rope, T);
      const table = (part: 'cos' | 'sin'): Tensor =>
        b.parameter(() => turns[part], angles, `table.${part}`);
      const rotation = {
        cos: table('cos'),
        sin: table('sin'),
        cosValues: turns.cos,
        sinValues: turns.sin,
      };
      const exp = new PairTable(b, 'exp', 1, expTable());
      const parts = noComponents();
      const parameters = (name: string): Int32Array => weights![name].data;
      attention(
        { b, config, t, parameters, tables: { exp }, rotation, out: parts },
        '',
        x,
        'input',
      );
      return {
        b,
        weights: parameters,
        lookups: new Lookups(b, [exp]),
        async script(scope, trace) {
          scope.zeroFrom(x, 'i', hiddenSize, { t: scope.random('t', t.log) });
          await Attention.script(scope, parts.attentions, (a) =>
            scope.session.engine.fromInts(trace!.get(a.softmax.scoresName).data),
          );
          await Gemm.script(scope, parts.gemms);
          await RmsNorm.script(scope, parts.norms);
          await Rope.script(scope, parts.ropes);
        },
      };
    },
  };
}
