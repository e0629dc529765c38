/** The feed-forward half of a layer: dense, or mixture of experts. */
import { dispatch } from '../components/moe.js';
import type { GemmResult } from '../components/gemm.js';
import { isMoeLayer, routedScale } from '../config.js';
import type { ExpertWeight } from '../model.js';
import type { LayerParameters, Pass } from './pass.js';

/** @param mid residual stream (T,D). @returns mid + feed-forward, emitted as `x_out`. */
export async function feedForward(
  pass: Pass<LayerParameters>,
  layer: number,
  mid: BigInt64Array,
): Promise<BigInt64Array> {
  const { engine, count: T } = pass;
  const c = pass.model.config;
  const L = pass.prefix(layer);
  const D = c.hiddenSize;
  const n = await pass.norm(`${L}ffn_norm`, mid);
  const terms = isMoeLayer(c, layer)
    ? [
        mid,
        ...(await routed(pass, layer, n)),
        await swiGlu(pass, `${L}shared.`, n, c.expertInner * c.sharedExperts),
      ]
    : [mid, await swiGlu(pass, L, n, c.denseInner)];
  const out = await engine.add(terms, T, D, pass.site(`${L}x_out`));
  pass.emit(`${L}x_out`, [T, D], out);
  return out;
}

/** w2(SiLU(w1 x) * (w3 x)) over all positions. */
async function swiGlu(
  pass: Pass<LayerParameters>,
  prefix: string,
  x: BigInt64Array,
  inner: number,
): Promise<BigInt64Array> {
  const gate = await pass.gemm(`${prefix}w1`, x, [inner]);
  const up = await pass.gemm(`${prefix}w3`, x, [inner]);
  const act = await activation(pass, prefix, gate, up, [pass.count, inner]);
  return pass.gemm(`${prefix}w2`, act, [pass.model.config.hiddenSize]);
}

/** floor(SiLU(gate) up / 2^16); dims end with the inner width. */
async function activation(
  pass: Pass<LayerParameters>,
  prefix: string,
  gate: BigInt64Array,
  up: BigInt64Array,
  dims: number[],
): Promise<BigInt64Array> {
  const { engine } = pass;
  const width = dims[dims.length - 1];
  const rows = gate.length / width;
  const perPosition = rows / pass.count;
  const { c, sigma } = await engine.sigmoid(gate);
  const silu = await engine.multiply(
    gate,
    sigma,
    rows,
    width,
    pass.site(`${prefix}silu`, perPosition),
  );
  const act = await engine.multiply(silu, up, rows, width, pass.site(`${prefix}act`, perPosition));
  pass.emit(`${prefix}sigmoid.c`, dims, c);
  pass.emit(`${prefix}sigmoid.sigma`, dims, sigma);
  pass.emit(`${prefix}silu.y`, dims, silu);
  pass.emit(`${prefix}act.y`, dims, act);
  return act;
}

/** The weighted outputs of the selected experts: for every rank j an array (T,D). */
async function routed(
  pass: Pass<LayerParameters>,
  layer: number,
  n: BigInt64Array,
): Promise<BigInt64Array[]> {
  const { engine, model, count: T } = pass;
  const c = model.config;
  const L = pass.prefix(layer);
  const R = `${L}routed.`;
  const K = c.topk;
  const D = c.hiddenSize;
  const M = c.expertInner;

  const { expert, weight } = await route(pass, layer, n);
  const slots = dispatch(expert);
  const everySlot = T * K;
  /** A GeMM of every slot by its expert. `from` maps a slot to its input row. */
  const slotGemm = async (
    name: ExpertWeight,
    x: BigInt64Array,
    from: (slot: number) => number,
    inner: number,
    outer: number,
  ): Promise<BigInt64Array> => {
    const out: GemmResult = {
      acc: new BigInt64Array(everySlot * outer),
      y: new BigInt64Array(everySlot * outer),
    };
    const at = pass.site(`${R}${name}`, K);
    for (const [e, own] of slots) {
      const w = await model.expert(layer, name, e);
      await engine.gemmRows(x, own.map(from), w, { rows: own.length, inner, outer }, own, out, at);
    }
    pass.emitGemm(`${R}${name}`, [T, K, outer], out);
    return out.y;
  };

  const token = (slot: number): number => Math.floor(slot / K);
  const gate = await slotGemm('w1', n, token, D, M);
  const up = await slotGemm('w3', n, token, D, M);
  const act = await activation(pass, R, gate, up, [T, K, M]);
  const y = await slotGemm('w2', act, (slot) => slot, M, D);
  const at = pass.site(`${R}weighted`, K);
  const weighted = await engine.scaleRows(y, weight, everySlot, D, at);
  pass.emit(`${R}weighted.y`, [T, K, D], weighted);
  return Array.from({ length: K }, (_, j) => {
    const term = new BigInt64Array(T * D);
    for (let t = 0; t < T; t++) {
      term.set(weighted.subarray((t * K + j) * D, (t * K + j + 1) * D), t * D);
    }
    return term;
  });
}

async function route(
  pass: Pass<LayerParameters>,
  layer: number,
  n: BigInt64Array,
): Promise<{ expert: BigInt64Array; weight: BigInt64Array }> {
  const { engine, model, count: T } = pass;
  const c = model.config;
  const L = pass.prefix(layer);
  const logits = await pass.gemm(`${L}gate`, n, [c.experts]);
  const { c: index, sigma } = await engine.sigmoid(logits);
  pass.emit(`${L}gate_sigmoid.c`, [T, c.experts], index);
  pass.emit(`${L}gate_sigmoid.sigma`, [T, c.experts], sigma);
  const bias = await model.tensor(`${L}gate.bias`);
  const at = pass.site(`${L}gate`);
  const g = await engine.gating(sigma, bias, T, c, routedScale(c), c.normTopk, at);
  pass.emit(`${L}group_top2.s`, [T, c.experts], g.groupTop2);
  pass.emit(`${L}group.value`, [T, c.groups], g.groupValue);
  pass.emit(`${L}group.s`, [T, c.groups], g.groupSelected);
  pass.emit(`${L}experts.s`, [T, c.experts], g.expertSelected);
  pass.emit(`${L}slots.expert`, [T, c.topk], g.expert);
  pass.emit(`${L}slots.weight`, [T, c.topk], g.weight);
  return g;
}
