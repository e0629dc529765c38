/** Which checkpoint rows make which tensor of the model, and in which file it goes. */
import { isMoeLayer, type ModelConfig } from '../config.js';

/** Rows first .. first + count - 1 of a checkpoint tensor. */
export interface RowRange {
  first: number;
  count: number;
}

/** One contiguous piece of a model tensor: a whole tensor, or one expert of it. */
export interface PlannedPart {
  source: string;
  sourceShape: number[];
  ranges: RowRange[];
  file: string;
}

export interface PlannedTensor {
  name: string;
  shape: number[];
  parts: PlannedPart[];
}

/** All tensors of docs/integer-semantics.md, in file order. */
export function planTensors(config: ModelConfig): PlannedTensor[] {
  const c = config;
  const plan: PlannedTensor[] = [];
  const whole = (
    name: string,
    shape: number[],
    source: string,
    sourceShape: number[],
    file: string,
  ): void => {
    const ranges = [{ first: 0, count: sourceShape[0] }];
    plan.push({ name, shape, parts: [{ source, sourceShape, ranges, file }] });
  };

  whole(
    'embedding',
    [c.vocabSize, c.hiddenSize],
    'model.embed_tokens.weight',
    [c.vocabSize, c.hiddenSize],
    'embedding.bin',
  );
  for (let l = 0; l < c.layers; l++) planLayer(c, l, plan, whole);
  whole('final_norm.g', [c.hiddenSize], 'model.norm.weight', [c.hiddenSize], 'head.bin');
  whole(
    'head',
    [c.vocabSize, c.hiddenSize],
    'lm_head.weight',
    [c.vocabSize, c.hiddenSize],
    'head.bin',
  );
  return plan;
}

type Whole = (
  name: string,
  shape: number[],
  source: string,
  sourceShape: number[],
  file: string,
) => void;

function planLayer(c: ModelConfig, l: number, plan: PlannedTensor[], whole: Whole): void {
  const to = `layers.${l}.`;
  const from = `model.layers.${l}.`;
  const file = `layer-${l}.bin`;
  const D = c.hiddenSize;
  const H = c.heads;
  const rows = (
    name: string,
    shape: number[],
    source: string,
    sourceShape: number[],
    ranges: RowRange[],
  ): void => {
    plan.push({
      name: to + name,
      shape,
      parts: [{ source: from + source, sourceShape, ranges, file }],
    });
  };
  const all = (name: string, shape: number[], source: string, sourceShape = shape): void =>
    whole(to + name, shape, from + source, sourceShape, file);
  /** Of every head, `count` rows from `offset` of its `width`. */
  const heads = (offset: number, count: number, width: number): RowRange[] =>
    Array.from({ length: H }, (_, h) => ({ first: h * width + offset, count }));

  all('attn_norm.g', [D], 'input_layernorm.weight');
  all('wq_a', [c.qLora, D], 'self_attn.q_a_proj.weight');
  all('q_norm.g', [c.qLora], 'self_attn.q_a_layernorm.weight');
  const qWidth = c.nope + c.rope;
  const qB: [string, number[]] = ['self_attn.q_b_proj.weight', [H * qWidth, c.qLora]];
  rows('wq_b1', [H, c.nope, c.qLora], ...qB, heads(0, c.nope, qWidth));
  rows('wq_b2', [H, c.rope, c.qLora], ...qB, heads(c.nope, c.rope, qWidth));
  const kvA: [string, number[]] = ['self_attn.kv_a_proj_with_mqa.weight', [c.kvLora + c.rope, D]];
  rows('wkv_a1', [c.kvLora, D], ...kvA, [{ first: 0, count: c.kvLora }]);
  rows('wkv_a2', [c.rope, D], ...kvA, [{ first: c.kvLora, count: c.rope }]);
  all('kv_norm.g', [c.kvLora], 'self_attn.kv_a_layernorm.weight');
  const kvWidth = c.nope + c.vDim;
  const kvB: [string, number[]] = ['self_attn.kv_b_proj.weight', [H * kvWidth, c.kvLora]];
  rows('wkv_b1', [H, c.nope, c.kvLora], ...kvB, heads(0, c.nope, kvWidth));
  rows('wkv_b2', [H, c.vDim, c.kvLora], ...kvB, heads(c.nope, c.vDim, kvWidth));
  all('wo', [D, H, c.vDim], 'self_attn.o_proj.weight', [D, H * c.vDim]);
  all('ffn_norm.g', [D], 'post_attention_layernorm.weight');

  if (!isMoeLayer(c, l)) {
    all('w1', [c.denseInner, D], 'mlp.gate_proj.weight');
    all('w3', [c.denseInner, D], 'mlp.up_proj.weight');
    all('w2', [D, c.denseInner], 'mlp.down_proj.weight');
    return;
  }
  const M = c.expertInner;
  const shared = M * c.sharedExperts;
  all('gate', [c.experts, D], 'mlp.gate.weight');
  all('gate.bias', [c.experts], 'mlp.gate.e_score_correction_bias');
  all('shared.w1', [shared, D], 'mlp.shared_experts.gate_proj.weight');
  all('shared.w3', [shared, D], 'mlp.shared_experts.up_proj.weight');
  all('shared.w2', [D, shared], 'mlp.shared_experts.down_proj.weight');
  const experts: [string, string, number[]][] = [
    ['routed.w1', 'gate_proj', [M, D]],
    ['routed.w3', 'up_proj', [M, D]],
    ['routed.w2', 'down_proj', [D, M]],
  ];
  for (const [name, source, shape] of experts) {
    plan.push({
      name: to + name,
      shape: [c.experts, ...shape],
      parts: Array.from({ length: c.experts }, (_, e) => ({
        source: `${from}mlp.experts.${e}.${source}.weight`,
        sourceShape: shape,
        ranges: [{ first: 0, count: shape[0] }],
        file: `layer-${l}.expert-${e}.bin`,
      })),
    });
  }
}
