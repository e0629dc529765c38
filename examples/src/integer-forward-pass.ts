/**
 * The whole model in one file: a DeepSeek-V3 forward pass in exact integers, for readers who know transformers.
 *
 * Every number is a bigint. An activation `v` at 2^16 stands for the real number v / 2^16; a product of two such numbers
 * is at 2^32, and `>> 16n` (a floor) brings it back. Functions such as exp are tables. That is all there is to it: the
 * rest is an ordinary transformer. docs/integer-semantics.md specifies the same arithmetic, with the widths that values
 * must keep, which this file does not check. `inference` runs it fast; the test beside this file compares their logits.
 *
 * `node examples/dist/run-model.js forward-pass` prints what the model says next.
 */
import {
  attentionDigits,
  expTable,
  groupRank,
  INNER_NORM_EPS,
  isMoeLayer,
  normEpsilon,
  routedScale,
  sigmoidTable,
  softmaxScale,
  type Model,
} from '@attensor/inference';

export type Vector = bigint[];
type Weights = (name: string) => Int32Array;

/** @returns the logits of every position at 2^32: (tokens, vocabulary). The next token is the largest one's index. */
export async function forwardPass(model: Model, tokens: number[]): Promise<Vector[]> {
  const { config } = model;
  const loaded = new Map<string, Int32Array>();
  for (const name of model.tensorNames) loaded.set(name, await model.tensor(name));
  const weights: Weights = (name) => loaded.get(name) as Int32Array;

  // the residual stream: one vector of hiddenSize entries per token
  let stream = tokens.map((token) => row(weights('embedding'), token, config.hiddenSize));
  for (let layer = 0; layer < config.layers; layer++) {
    const own: Weights = (name) => weights(`layers.${layer}.${name}`);
    stream = attention(model, own, stream);
    stream = stream.map((x) => feedForward(model, own, x, isMoeLayer(config, layer)));
  }
  const epsilon = normEpsilon(config.eps, config.hiddenSize);
  return stream.map((x) =>
    matrixTimes(weights('head'), rmsNorm(x, weights('final_norm.g'), epsilon)),
  );
}

/** Multi-head latent attention: queries, keys and values come from two low-rank vectors. Returns x + attention(x). */
function attention(model: Model, w: Weights, stream: Vector[]): Vector[] {
  const { heads, vDim, hiddenSize, qLora, kvLora, eps } = model.config;
  const norm = (x: Vector, name: string) =>
    rmsNorm(x, w(`${name}.g`), normEpsilon(eps, hiddenSize));
  const inner = (x: Vector, name: string, width: number) =>
    rmsNorm(x, w(`${name}.g`), normEpsilon(INNER_NORM_EPS, width));

  const positions = stream.map((x, t) => {
    const n = norm(x, 'attn_norm');
    // smaller models have queries of one matrix
    const q = qLora === null ? n : inner(linear(w('wq_a'), n), 'q_norm', qLora);
    const kv = inner(linear(w('wkv_a1'), n), 'kv_norm', kvLora);
    return {
      // of each head: a part without position, and a part rotated by the position
      queries: split(linear(w('wq_b1'), q), heads).map((plain, h) => [
        ...plain,
        ...rotate(model, split(linear(w('wq_b2'), q), heads)[h], t),
      ]),
      keys: split(linear(w('wkv_b1'), kv), heads),
      // the rotated part of the key is the same for all heads
      sharedKey: rotate(model, linear(w('wkv_a2'), n), t),
      values: split(linear(w('wkv_b2'), kv), heads),
    };
  });

  // 2^12 / sqrt(nope + rope), times YaRN's m^2; models of many positions have more digits
  const scale = BigInt(softmaxScale(model.config));
  const digits = attentionDigits(model.config);
  const [scaleBits, probabilityBits] = [BigInt(digits.scale), BigInt(digits.probability)];
  return stream.map((x, t) => {
    const before = positions.slice(0, t + 1); // causal: this position and all before it
    const context = range(heads).flatMap((h) => {
      const scores = before.map(({ keys, sharedKey }) => {
        const key = [...keys[h], ...sharedKey];
        return (dot(positions[t].queries[h], key) * scale) >> (20n + scaleBits);
      });
      const p = softmax(scores, probabilityBits);
      const weighted = (i: number) => sum(before.map(({ values }, s) => p[s] * values[h][i]));
      return range(vDim).map((i) => weighted(i) >> probabilityBits);
    });
    return add(x, linear(w('wo'), context));
  });
}

/** A dense SwiGLU, or the experts that the router selects and a shared one. Returns x + feedForward(x). */
function feedForward(model: Model, w: Weights, x: Vector, mixture: boolean): Vector {
  const { hiddenSize, expertInner, sharedExperts, eps } = model.config;
  const n = rmsNorm(x, w('ffn_norm.g'), normEpsilon(eps, hiddenSize));
  if (!mixture) return add(x, swiGlu(w('w1'), w('w3'), w('w2'), n));

  let out = x;
  if (sharedExperts > 0) out = add(x, swiGlu(w('shared.w1'), w('shared.w3'), w('shared.w2'), n));
  const size = expertInner * hiddenSize;
  for (const { expert, weight } of route(model, w, n)) {
    const of = (name: string) => w(`routed.${name}`).subarray(expert * size, (expert + 1) * size);
    const y = swiGlu(of('w1'), of('w3'), of('w2'), n);
    out = add(
      out,
      y.map((v) => (weight * v) >> 16n),
    );
  }
  return out;
}

/** w2(SiLU(w1 x) * (w3 x)) */
function swiGlu(w1: Int32Array, w3: Int32Array, w2: Int32Array, x: Vector): Vector {
  const up = linear(w3, x);
  const gated = linear(w1, x).map((v, i) => {
    const silu = (v * sigmoid(v)) >> 16n;
    return (silu * up[i]) >> 16n;
  });
  return linear(w2, gated);
}

/** The best experts of the best groups, with their weights at 2^16. The bias takes part in the choice, not in the weight. */
function route(model: Model, w: Weights, n: Vector): { expert: number; weight: bigint }[] {
  const { experts, groups, topkGroup, topk, normTopk, scoring, selection } = model.config;
  const logits = linear(w('gate'), n);
  const softmaxed = scoring === 'softmax';
  // of a softmax: before it is divided by its sum, which changes no order; the choice is by logits, which have more digits
  const scores = softmaxed
    ? logits.map((z) => exp((largest(logits) - z) >> 4n))
    : logits.map(sigmoid);
  const biased = selection === undefined;
  const choice = (softmaxed ? logits : scores).map((value, e) =>
    biased ? value + BigInt(w('gate.bias')[e]) : value,
  );
  const members = range(groups).map((g) =>
    range(experts / groups).map((i) => (g * experts) / groups + i),
  );
  const groupValue = members.map((group) =>
    sum(best(choice, groupRank(model.config), group).map((e) => choice[e])),
  );
  const kept = best(groupValue, topkGroup, range(groups));
  const selected = best(
    choice,
    topk,
    kept.flatMap((g) => members[g]),
  );
  const R = BigInt(routedScale(model.config));
  const one = softmaxed ? sum(scores) : 1n << 16n;
  const divisor = normTopk ? sum(selected.map((e) => scores[e])) : one;
  return selected.map((expert) => ({ expert, weight: (scores[expert] * R) / divisor }));
}

// --- the arithmetic ---

/** x / rms(x) * g. The inverse root is the largest integer with inv^2 (S + epsilon) <= 2^64 d. */
function rmsNorm(x: Vector, g: Int32Array, epsilon: bigint): Vector {
  const S = dot(x, x);
  const inv = squareRoot((BigInt(x.length) << 64n) / (S + epsilon));
  return x.map((v, i) => (v * inv * BigInt(g[i])) >> 32n);
}

/** Scores at 2^12 to probabilities at 2^bits. */
function softmax(scores: Vector, bits: bigint): Vector {
  const max = largest(scores);
  const e = scores.map((z) => exp(max - z));
  const inv = (2n ** (16n + bits) - 1n) / sum(e);
  return e.map((v) => (v * inv) >> 16n);
}

/** exp(-c / 2^12) at 2^16: what lies beyond the table counts as its last entry. */
function exp(c: bigint): bigint {
  return BigInt(expTable()[Number(clamp(c, 0n, 65535n))]);
}

function sigmoid(x: bigint): bigint {
  return BigInt(sigmoidTable()[Number(clamp((x >> 5n) + 32768n, 0n, 65535n))]);
}

/** RoPE on interleaved pairs. */
function rotate(model: Model, x: Vector, position: number): Vector {
  const { cos, sin } = model.ropeAngles(position, 1);
  return range(x.length / 2).flatMap((j) => {
    const [a, b, c, s] = [x[2 * j], x[2 * j + 1], BigInt(cos[j]), BigInt(sin[j])];
    return [(a * c - b * s) >> 16n, (a * s + b * c) >> 16n];
  });
}

/** A matrix product, brought back to 2^16. */
function linear(w: Int32Array, x: Vector): Vector {
  return matrixTimes(w, x).map((acc) => acc >> 16n);
}

/** The exact sums, at 2^32. */
function matrixTimes(w: Int32Array, x: Vector): Vector {
  return range(w.length / x.length).map((o) => dot(row(w, o, x.length), x));
}

function squareRoot(n: bigint): bigint {
  if (n < 2n) return n;
  let root = BigInt(Math.floor(Math.sqrt(Number(n))));
  for (;;) {
    const next = (root + n / root) >> 1n;
    if (next === root || next === root + 1n) break;
    root = next;
  }
  while (root * root > n) root--;
  while ((root + 1n) * (root + 1n) <= n) root++;
  return root;
}

/** Indices of the k largest values among the candidates, the largest first; of equal ones the lower index. */
function best(values: Vector, k: number, candidates: number[]): number[] {
  const order = (a: number, b: number) =>
    values[a] === values[b] ? a - b : values[a] > values[b] ? -1 : 1;
  return [...candidates].sort(order).slice(0, k);
}

const row = (w: Int32Array, index: number, width: number): Vector =>
  Array.from(w.subarray(index * width, (index + 1) * width), BigInt);
const dot = (a: Vector, b: Vector): bigint => a.reduce((total, v, i) => total + v * b[i], 0n);
const add = (a: Vector, b: Vector): Vector => a.map((v, i) => v + b[i]);
const largest = (values: Vector): bigint => values.reduce((a, b) => (a > b ? a : b));
const sum = (values: Vector): bigint => values.reduce((a, b) => a + b, 0n);
const clamp = (v: bigint, low: bigint, high: bigint): bigint =>
  v < low ? low : v > high ? high : v;
const range = (n: number): number[] => Array.from({ length: n }, (_, i) => i);
const split = (x: Vector, parts: number): Vector[] =>
  range(parts).map((p) => x.slice((p * x.length) / parts, ((p + 1) * x.length) / parts));
