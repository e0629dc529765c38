/** Multi-head latent attention of one layer. */
import { softmaxScale } from '../config.js';
import type { AttentionParameters, Pass } from './pass.js';

/** @param x residual stream (T,D). @returns x + attention, emitted as `x_mid`. */
export async function attention(
  pass: Pass<AttentionParameters>,
  layer: number,
  x: BigInt64Array,
): Promise<BigInt64Array> {
  const { engine, count: T, start, cache } = pass;
  const c = pass.model.config;
  const L = pass.prefix(layer);
  const keys = start + T;
  const shape = { start, queries: T, keys, heads: c.heads };
  const angles = pass.model.ropeAngles(start, T);

  const n = await pass.norm(`${L}attn_norm`, x);
  const q = await pass.norm(`${L}q_norm`, await pass.gemm(`${L}wq_a`, n, [c.qLora]), true);
  const qn = await pass.gemm(`${L}wq_b1`, q, [c.heads, c.nope]);
  const qPlain = await pass.gemm(`${L}wq_b2`, q, [c.heads, c.rope]);
  const latent = await pass.gemm(`${L}wkv_a1`, n, [c.kvLora]);
  const kPlain = await pass.gemm(`${L}wkv_a2`, n, [c.rope]);
  const kv = await pass.norm(`${L}kv_norm`, latent, true);
  const kn = await pass.gemm(`${L}wkv_b1`, kv, [c.heads, c.nope]);
  const v = await pass.gemm(`${L}wkv_b2`, kv, [c.heads, c.vDim]);

  const qr = await engine.rope(qPlain, angles, T, c.heads, c.rope, pass.site(`${L}rope_q`));
  pass.emit(`${L}rope_q.y`, [T, c.heads, c.rope], qr);
  const kr = await engine.rope(kPlain, angles, T, 1, c.rope, pass.site(`${L}rope_k`));
  pass.emit(`${L}rope_k.y`, [T, c.rope], kr);
  const all = cache.append(layer, { kn, kr, v });

  const scores = { qn, kn: all.kn, qr, kr: all.kr, nope: c.nope, rope: c.rope };
  const traced = pass.trace !== undefined;
  const acc = await engine.mul1(scores, shape, traced, pass.site(`${L}mul1`));
  pass.emit(`${L}mul1.acc`, [c.heads, T, keys], acc);
  const s = await engine.softmax(acc, softmaxScale(c), shape, pass.site(`${L}softmax`));
  for (const name of ['z', 'c', 'o', 'e', 'p'] as const) {
    pass.emit(`${L}softmax.${name}`, [c.heads, T, keys], s[name]);
  }
  for (const name of ['max', 'sum', 'inv'] as const) {
    pass.emit(`${L}softmax.${name}`, [c.heads, T], s[name]);
  }
  const context = await engine.mul2(s.p, all.v, c.vDim, shape, pass.site(`${L}mul2`));
  pass.emitGemm(`${L}mul2`, [T, c.heads, c.vDim], context);

  const out = await pass.gemm(`${L}wo`, context.y, [c.hiddenSize]);
  const mid = await engine.add([x, out], T, c.hiddenSize, pass.site(`${L}x_mid`));
  pass.emit(`${L}x_mid`, [T, c.hiddenSize], mid);
  return mid;
}
