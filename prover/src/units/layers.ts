/** The components of one transformer layer, wired by its tensors. */
import {
  INNER_NORM_EPS,
  routedScale,
  softmaxScale,
  type AttentionConfig,
  type ModelConfig,
} from '@attensor/inference';
import { Attention } from '../components/attention.js';
import { dim, fromTrace, type Builder, type Dim } from '../components/builder.js';
import { Gating, type GatingDims } from '../components/gating.js';
import { Gemm } from '../components/gemm.js';
import type { PairTable } from '../components/lookups.js';
import { CombinedExperts, ExpertGemms } from '../components/moe.js';
import { RmsNorm } from '../components/rms-norm.js';
import { Rope, type RotationTable } from '../components/rope.js';
import { Sigmoid, SwiGlu } from '../components/sigmoid.js';
import { Softmax } from '../components/softmax.js';
import type { Tensor } from '../protocol/tensor.js';
import type { Relations } from './relations.js';

/** What every part of a unit is wired with. */
export interface Context {
  builder: Builder;
  t: Dim;
  /** takes what is to be proved */
  relations: Relations;
}

export interface AttentionContext extends Context {
  config: AttentionConfig;
  tables: { exp: PairTable };
  rotation: RotationTable;
}

export interface LayerContext extends AttentionContext {
  config: ModelConfig;
  tables: { exp: PairTable; sigmoid: PairTable };
}

export function norm(
  context: Context,
  name: string,
  x: Tensor,
  input: string,
  size: number,
  eps: number,
): Tensor {
  const i = dim('i', size);
  const weights = `${name}.g`;
  const g = context.builder.parameter(weights, [i]);
  const result = new RmsNorm(
    context.builder,
    name,
    x,
    fromTrace(input),
    g,
    weights,
    context.t,
    size,
    eps,
  );
  context.relations.norms.push(result);
  return result.y;
}

/** @param y output over (t, o) when another component holds its cells */
export function gemm(
  context: Context,
  name: string,
  x: Tensor,
  inner: number,
  outer: number,
  y?: Tensor,
): Tensor {
  const o = dim('o', outer);
  const w = context.builder.parameter(name, [o, dim('i', inner)]);
  const product = new Gemm(context.builder, name, x, w, [context.t, o], y);
  context.relations.gemms.push(product);
  return product.y;
}

/** x + MLA(attn_norm(x)) */
export function attention(
  context: AttentionContext,
  prefix: string,
  x: Tensor,
  xName: string,
): Tensor {
  const { builder, config, t } = context;
  const { hiddenSize, heads, qLora, kvLora, nope, rope, vDim } = config;
  const name = (part: string): string => `${prefix}${part}`;
  const h = dim('h', heads);
  const i = (size: number): Dim => dim('i', size);
  const asInput = (y: Tensor): Tensor => y.rename({ o: 'i' });
  const perHead = (y: Tensor, size: number): Tensor => y.split('o', [h, i(size)]);

  const normed = norm(context, name('attn_norm'), x, xName, hiddenSize, config.eps);
  const qa = asInput(gemm(context, name('wq_a'), normed, hiddenSize, qLora));
  const q = norm(context, name('q_norm'), qa, name('wq_a.y'), qLora, INNER_NORM_EPS);
  const qNope = perHead(gemm(context, name('wq_b1'), q, qLora, heads * nope), nope);
  const qRaw = perHead(gemm(context, name('wq_b2'), q, qLora, heads * rope), rope);
  const kva = asInput(gemm(context, name('wkv_a1'), normed, hiddenSize, kvLora));
  const kRaw = asInput(gemm(context, name('wkv_a2'), normed, hiddenSize, rope));
  const kv = norm(context, name('kv_norm'), kva, name('wkv_a1.y'), kvLora, INNER_NORM_EPS);
  const kNope = perHead(gemm(context, name('wkv_b1'), kv, kvLora, heads * nope), nope);
  const v = gemm(context, name('wkv_b2'), kv, kvLora, heads * vDim).split('o', [h, dim('o', vDim)]);

  const qRope = new Rope(
    builder,
    name('rope_q'),
    qRaw,
    fromTrace(name('wq_b2.y')),
    [t, h, i(rope)],
    context.rotation,
  );
  const kRope = new Rope(
    builder,
    name('rope_k'),
    kRaw,
    fromTrace(name('wkv_a2.y')),
    [t, i(rope)],
    context.rotation,
  );
  context.relations.ropes.push(qRope, kRope);

  const s = { ...t, name: 's' };
  const softmax = new Softmax(
    builder,
    name('softmax'),
    name('mul1.acc'),
    [h, t, s],
    BigInt(softmaxScale(config)),
    context.tables.exp,
  );
  const toKeys = (y: Tensor): Tensor => y.rename({ t: 's' });
  const attended = new Attention(
    builder,
    name('mul2'),
    { qNope, qRope: qRope.y, kNope: toKeys(kNope), kRope: toKeys(kRope.y), v: toKeys(v) },
    softmax,
    [t, h, dim('o', vDim)],
  );
  context.relations.attentions.push(attended);
  const headOutputs = attended.context.join(['h', 'o'], 'i');
  const out = gemm(context, name('wo'), headOutputs, heads * vDim, hiddenSize);
  return x.plus(asInput(out));
}

/** w2(SiLU(w1 x) * w3 x) for all tokens: dense layers and the shared expert */
function feedForward(context: LayerContext, prefix: string, x: Tensor, inner: number): Tensor {
  const { builder, t, config } = context;
  const name = (part: string): string => `${prefix}${part}`;
  const dims = [t, dim('o', inner)];
  const sigmoid = new Sigmoid(builder, name('sigmoid'), name('w1.y'), dims, context.tables.sigmoid);
  gemm(context, name('w1'), x, config.hiddenSize, inner, sigmoid.x);
  const up = gemm(context, name('w3'), x, config.hiddenSize, inner);
  const glu = new SwiGlu(builder, prefix, sigmoid, up, name('w1.y'), name('w3.y'), dims);
  context.relations.sigmoids.push(sigmoid);
  context.relations.swiglus.push(glu);
  return gemm(context, name('w2'), glu.act.rename({ o: 'i' }), inner, config.hiddenSize).rename({
    o: 'i',
  });
}

function mixture(context: LayerContext, prefix: string, x: Tensor): Tensor {
  const { builder, t, config } = context;
  const { hiddenSize, expertInner, experts, groups } = config;
  const name = (part: string): string => `${prefix}${part}`;
  const d: GatingDims = {
    t,
    g: dim('g', groups),
    x: dim('x', experts / groups),
    e: dim('e', experts),
    j: dim('j', config.topk),
  };
  // Router
  const router = new Sigmoid(
    builder,
    name('gate_sigmoid'),
    name('gate.y'),
    [t, d.e],
    context.tables.sigmoid,
  );
  gemm(context, name('gate'), x, hiddenSize, experts, router.x.rename({ e: 'o' }));
  context.relations.sigmoids.push(router);
  const bias = builder.parameter(name('gate.bias'), [d.e]);
  const gating = new Gating(
    builder,
    prefix,
    d,
    router,
    bias,
    name('gate.bias'),
    BigInt(routedScale(config)),
    config.topkGroup,
  );
  context.relations.gatings.push(gating);

  // Routed experts
  const inner = dim('o', expertInner);
  const outer = dim('o', hiddenSize);
  const slots: [Dim, Dim, Dim] = [t, d.j, inner];
  const weights = (part: string, o: Dim, i: Dim): Tensor =>
    builder.parameter(name(part), [d.e, o, { ...i, name: 'i' }]);
  const sigmoid = new Sigmoid(
    builder,
    name('routed.sigmoid'),
    name('routed.w1.y'),
    slots,
    context.tables.sigmoid,
  );
  const first = new ExpertGemms(x, gating.selection);
  first.add(builder, name('routed.w1'), weights('routed.w1', inner, outer), slots, sigmoid.x);
  const up = first.add(builder, name('routed.w3'), weights('routed.w3', inner, outer), slots);
  const glu = new SwiGlu(
    builder,
    name('routed.'),
    sigmoid,
    up,
    name('routed.w1.y'),
    name('routed.w3.y'),
    slots,
  );
  const second = new ExpertGemms(glu.act.rename({ o: 'i' }), gating.selection);
  const y = second.add(builder, name('routed.w2'), weights('routed.w2', outer, inner), [
    t,
    d.j,
    outer,
  ]);
  context.relations.sigmoids.push(sigmoid);
  context.relations.swiglus.push(glu);
  context.relations.experts.push(first, second);
  const weighted = new CombinedExperts(
    builder,
    name('routed.weighted'),
    y,
    gating.weight,
    { values: name('routed.w2.y'), weights: name('slots.weight') },
    [t, d.j, outer],
  );
  context.relations.combinations.push(weighted);
  const shared = feedForward(context, name('shared.'), x, expertInner * config.sharedExperts);
  return weighted.y.sum('j').rename({ o: 'i' }).plus(shared);
}

/** x + feed-forward(ffn_norm(x)) */
export function feedForwardLayer(
  context: LayerContext,
  prefix: string,
  x: Tensor,
  moe: boolean,
): Tensor {
  const { config } = context;
  const normed = norm(
    context,
    `${prefix}ffn_norm`,
    x,
    `${prefix}x_mid`,
    config.hiddenSize,
    config.eps,
  );
  return x.plus(
    moe
      ? mixture(context, prefix, normed)
      : feedForward(context, prefix, normed, config.denseInner),
  );
}
