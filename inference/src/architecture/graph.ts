/**
 * @module architecture/graph
 * What a model of DeepSeek-V3's architecture consists of, once: names, order, dimensions, weights and where a checkpoint has them.
 * The checkpoint plan, the integer run, the names of the trace, the prover's relations and its order of weights follow from it.
 */
import {
  attentionDigits,
  groupRank,
  INNER_NORM_EPS,
  isMoeLayer,
  routedScale,
  softmaxScale,
  type AttentionConfig,
  type ModelConfig,
} from '../config.js';
import {
  add,
  argmax,
  context,
  embedding,
  experts,
  exponentials,
  gated,
  gating,
  gemm,
  logits,
  norm,
  rope,
  scores,
  sigmoid,
  softmax,
  weighted,
  type Divisor,
  type LayerNode,
  type Node,
  type Router,
  type TracedBy,
  type Weight,
} from './nodes.js';

/** What attention reads, until `placed` gives it the layer's input. */
const INPUT = 'x';

/** x_mid = x + MLA(attn_norm(x)), by names without the layer. */
export function attentionNodes(c: AttentionConfig) {
  const { hiddenSize: D, heads: H, qLora, kvLora, nope, rope: ropeWidth, vDim } = c;
  const q = `self_attn.${qLora === null ? 'q_proj' : 'q_b_proj'}.weight`;
  const queries = qLora === null ? 'attn_norm.y' : 'q_norm.y';
  const kvA = 'self_attn.kv_a_proj_with_mqa.weight';
  const kvB = 'self_attn.kv_b_proj.weight';
  const digits = attentionDigits(c);
  return [
    norm('attn_norm', INPUT, D, c.eps, 'input_layernorm.weight'),
    ...(qLora === null
      ? []
      : [
          gemm('wq_a', 'attn_norm.y', [qLora], [D], { tensor: 'self_attn.q_a_proj.weight' }),
          norm('q_norm', 'wq_a.y', qLora, INNER_NORM_EPS, 'self_attn.q_a_layernorm.weight'),
        ]),
    gemm('wq_b1', queries, [H, nope], [qLora ?? D], { tensor: q, after: ropeWidth }),
    gemm('wq_b2', queries, [H, ropeWidth], [qLora ?? D], { tensor: q, before: nope }),
    gemm('wkv_a1', 'attn_norm.y', [kvLora], [D], { tensor: kvA, after: ropeWidth }),
    gemm('wkv_a2', 'attn_norm.y', [ropeWidth], [D], { tensor: kvA, before: kvLora }),
    norm('kv_norm', 'wkv_a1.y', kvLora, INNER_NORM_EPS, 'self_attn.kv_a_layernorm.weight'),
    gemm('wkv_b1', 'kv_norm.y', [H, nope], [kvLora], { tensor: kvB, after: vDim }),
    gemm('wkv_b2', 'kv_norm.y', [H, vDim], [kvLora], { tensor: kvB, before: nope }),
    rope('rope_q', 'wq_b2.y', [H, ropeWidth]),
    rope('rope_k', 'wkv_a2.y', [ropeWidth]),
    scores('mul1', ['wq_b1.y', 'wkv_b1.y', 'rope_q.y', 'rope_k.y'], H, nope, ropeWidth),
    softmax('softmax', 'mul1.acc', H, softmaxScale(c), digits),
    context('mul2', ['softmax.p', 'wkv_b2.y'], H, vDim, digits),
    gemm('wo', 'mul2.y', [D], [H, vDim], { tensor: 'self_attn.o_proj.weight' }),
    add('x_mid', [INPUT, 'wo.y'], D),
  ];
}

const ffnNorm = ({ hiddenSize, eps }: ModelConfig) =>
  norm('ffn_norm', 'x_mid', hiddenSize, eps, 'post_attention_layernorm.weight');

/** w2(SiLU(w1 x) * (w3 x)) */
const swiGlu = <const P extends string>(prefix: P, D: number, inner: number, module: string) => [
  gemm(`${prefix}w1`, 'ffn_norm.y', [inner], [D], { tensor: `${module}.gate_proj.weight` }),
  gemm(`${prefix}w3`, 'ffn_norm.y', [inner], [D], { tensor: `${module}.up_proj.weight` }),
  sigmoid(`${prefix}sigmoid`, `${prefix}w1.y`, [inner]),
  gated(prefix, [`${prefix}w1.y`, `${prefix}sigmoid.sigma`, `${prefix}w3.y`], [inner]),
  gemm(`${prefix}w2`, `${prefix}act.y`, [D], [inner], { tensor: `${module}.down_proj.weight` }),
];

/** x_out = x_mid + feed-forward(ffn_norm(x_mid)) of a dense layer, by names without the layer. */
export function denseNodes(c: ModelConfig) {
  const D = c.hiddenSize;
  return [ffnNorm(c), ...swiGlu('', D, c.denseInner, 'mlp'), add('x_out', ['x_mid', 'w2.y'], D)];
}

/** The same of a mixture of experts. */
export function moeNodes(c: ModelConfig) {
  const { hiddenSize: D, expertInner: M, topk } = c;
  const { router, ...scoring } = routerNodes(c);
  const shared = c.sharedExperts > 0;
  const expert = (matrix: string): string => `mlp.experts.*.${matrix}.weight`;
  return [
    ffnNorm(c),
    gemm('gate', 'ffn_norm.y', [c.experts], [D], { tensor: 'mlp.gate.weight' }, 'gate', c.groups),
    ...scoring.nodes,
    experts('routed.w1', ['ffn_norm.y', 'slots.expert'], router, M, D, expert('gate_proj')),
    experts('routed.w3', ['ffn_norm.y', 'slots.expert'], router, M, D, expert('up_proj')),
    sigmoid('routed.sigmoid', 'routed.w1.y', [topk, M]),
    gated('routed.', ['routed.w1.y', 'routed.sigmoid.sigma', 'routed.w3.y'], [topk, M]),
    experts('routed.w2', ['routed.act.y', 'slots.expert'], router, D, M, expert('down_proj')),
    weighted('routed.weighted', ['routed.w2.y', 'slots.weight'], topk, D),
    ...(shared ? swiGlu('shared.', D, M * c.sharedExperts, 'mlp.shared_experts') : []),
    add('x_out', ['x_mid', 'routed.weighted.y', ...(shared ? ['shared.w2.y'] : [])], D),
  ];
}

/**
 * From the router's logits to the selected experts and their weights. With a softmax, experts are selected by their logits: they have
 * the order of the scores, and more digits.
 */
function routerNodes(c: ModelConfig) {
  const rank = groupRank(c);
  const router = (divisor: Divisor): Router => ({
    experts: c.experts,
    groups: c.groups,
    topkGroup: c.topkGroup,
    topk: c.topk,
    groupRank: rank,
    scale: routedScale(c),
    divisor: c.normTopk ? 'selected' : divisor,
  });
  const bias = c.selection === undefined ? 'mlp.gate.e_score_correction_bias' : undefined;
  if (c.scoring === 'softmax') {
    const all = router('all');
    return {
      router: all,
      nodes: [
        exponentials('gate_exp', 'gate.y', c.experts, c.groups),
        gating('', ['gate_exp.e', 'gate.y'], all, bias),
      ],
    };
  }
  const one = router('one');
  return {
    router: one,
    nodes: [
      sigmoid('gate_sigmoid', 'gate.y', [c.experts], c.groups),
      gating('', ['gate_sigmoid.sigma'], one, bias),
    ],
  };
}

const EMBEDDING = 'model.embed_tokens.weight';

/** What comes before the layers. */
export const embeddingNode = (c: ModelConfig) =>
  embedding('embedding', c.vocabSize, c.hiddenSize, EMBEDDING);

/** What follows the layers. @param input the residual stream */
export const headNodes = (c: ModelConfig, input: string) =>
  [
    norm('final_norm', input, c.hiddenSize, c.eps, 'model.norm.weight'),
    logits(
      'head',
      'final_norm.y',
      c.vocabSize,
      c.hiddenSize,
      c.tied ? EMBEDDING : 'lm_head.weight',
    ),
    argmax('next', 'head.acc', c.vocabSize),
  ] as const;

/** Which feed-forward half a layer has. */
export type LayerKind = 'dense' | 'moe';

/** Names of a layer's traced tensors, without the layer. */
export type LayerTraceName = TracedBy<
  ReturnType<typeof attentionNodes | typeof denseNodes | typeof moeNodes>[number]
>;

/** Names of a model's traced tensors. */
export type TraceName =
  | TracedBy<ReturnType<typeof embeddingNode> | ReturnType<typeof headNodes>[number]>
  | `layers.${number}.${LayerTraceName}`;

export interface LayerGraph {
  kind: LayerKind;
  /** Its first node reads the layer's input; its last result is `x_mid`. */
  attention: LayerNode[];
  /** Its first node reads `x_mid`; its last result is `x_out`. */
  feedForward: LayerNode[];
}

export interface ModelGraph {
  embedding: ReturnType<typeof embeddingNode>;
  layers: LayerGraph[];
  /** The last norm, head and argmax. */
  head: ReturnType<typeof headNodes>;
}

export function modelGraph(config: ModelConfig): ModelGraph {
  const first = embeddingNode(config);
  let input: string = first.results.x.name;
  const layers = Array.from({ length: config.layers }, (_, l): LayerGraph => {
    const prefix = `layers.${l}.`;
    const graph = layerGraph(config, isMoeLayer(config, l) ? 'moe' : 'dense', prefix, input);
    input = resultOf(graph.feedForward);
    return graph;
  });
  return { embedding: first, layers, head: headNodes(config, input) };
}

/**
 * @param prefix of all names; nothing where a layer is by itself
 * @param input name of what the layer reads
 */
export function layerGraph(
  config: ModelConfig,
  kind: LayerKind,
  prefix: string,
  input: string,
): LayerGraph {
  const nodes: LayerNode[] = kind === 'moe' ? moeNodes(config) : denseNodes(config);
  return {
    kind,
    attention: placed<LayerNode>(attentionNodes(config), prefix, input),
    feedForward: placed(nodes, prefix, input),
  };
}

/** Name of the last result of nodes. */
export function resultOf(nodes: readonly Node[]): string {
  const results = Object.values(nodes[nodes.length - 1].results);
  return results[results.length - 1].name;
}

/** Nodes under their names in a model. A checkpoint's names have the same prefix, after `model.`. */
export function placed<N extends Node>(nodes: readonly N[], prefix: string, input: string): N[] {
  return nodes.map((node) => ({
    ...node,
    name: prefix + node.name,
    inputs: node.inputs.map((name) => (name === INPUT ? input : prefix + name)),
    results: Object.fromEntries(
      Object.entries(node.results).map(([key, { name, dims }]) => [
        key,
        { name: prefix + name, dims },
      ]),
    ),
    ...('weight' in node && node.weight && { weight: placedWeight(node.weight, prefix) }),
  }));
}

const placedWeight = (weight: Weight, prefix: string): Weight => ({
  ...weight,
  name: prefix + weight.name,
  source: { ...weight.source, tensor: `model.${prefix}${weight.source.tensor}` },
});
