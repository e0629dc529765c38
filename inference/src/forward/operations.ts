/** How every operation of the architecture is carried out: by the engine, in exact integers. */
import { product, type Node, type NodeOf, type Op } from '../architecture/nodes.js';
import type { GemmShape } from '../components/gemm.js';
import { dispatch } from '../components/moe.js';
import type { Site } from '../components/site.js';
import { normEpsilon } from '../config.js';
import type { Pass } from './pass.js';

/** @param inputs values of `node.inputs`, row-major */
export type Operation<N extends Node> = (
  pass: Pass,
  node: N,
  ...inputs: BigInt64Array[]
) => Promise<Record<keyof N['results'], BigInt64Array>>;

/** The embedding reads tokens; everything else reads results. */
export type ComputedOp = Exclude<Op, 'embedding'>;

export const OPERATIONS: { readonly [O in ComputedOp]: Operation<NodeOf<O>> } = {
  async norm(pass, { name, width, epsilon, weight }, x) {
    const g = await pass.model.tensor(weight.name);
    const E = normEpsilon(epsilon, width);
    return pass.engine.rmsNorm(x, g, pass.count, width, E, pass.site(name));
  },

  async gemm(pass, { name, weight, inner, outer }, x) {
    const shape = { rows: pass.count, inner, outer };
    return byRows(pass, weight.name, shape, name, ['acc', 'y'], (w, piece, at) =>
      pass.engine.gemm(x, w, piece, at),
    );
  },

  async rope(pass, { name, dims }, x) {
    const { engine, count } = pass;
    const width = dims[dims.length - 1];
    const heads = product(dims) / width;
    return { y: await engine.rope(x, pass.angles(), count, heads, width, pass.site(name)) };
  },

  async scores(pass, { name, inputs, heads, nope, rope }, qn, kn, qr, kr) {
    const all = [qn, pass.withPast(inputs[1], kn), qr, pass.withPast(inputs[3], kr)];
    const traced = pass.trace !== undefined;
    return pass.bySequence(name, all, async (site, qn, kn, qr, kr) => {
      const given = { qn, kn, qr, kr, nope, rope };
      return { acc: await pass.engine.mul1(given, pass.shape(heads), traced, site) };
    });
  },

  async softmax(pass, { name, heads, scale, digits }, acc) {
    return pass.bySequence(name, [acc], (site, acc) =>
      pass.engine.softmax(acc, scale, pass.shape(heads), site, digits),
    );
  },

  async context(pass, { name, inputs, heads, width, digits }, p, v) {
    return pass.bySequence(name, [p, pass.withPast(inputs[1], v)], (site, p, v) =>
      pass.engine.mul2(p, v, width, pass.shape(heads), site, digits),
    );
  },

  async add(pass, { name, width }, ...inputs) {
    const terms = inputs.flatMap((x) => ranksOf(x, pass.count, width));
    return { y: await pass.engine.add(terms, pass.count, width, pass.site(name)) };
  },

  async sigmoid(pass, _, x) {
    return pass.engine.sigmoid(x);
  },

  async gated(pass, { name, dims }, gate, sigma, up) {
    const { engine } = pass;
    const width = dims[dims.length - 1];
    const perPosition = product(dims) / width;
    const rows = pass.count * perPosition;
    const at = (part: string) => pass.site(name + part, perPosition);
    const silu = await engine.multiply(gate, sigma, rows, width, at('silu'));
    return { silu, act: await engine.multiply(silu, up, rows, width, at('act')) };
  },

  async exponentials(pass, { name, width }, x) {
    return pass.engine.exponentials(x, pass.count, width, pass.site(name));
  },

  async gating(pass, { name, router, weight }, score, choice = score) {
    const bias = weight ? await pass.model.tensor(weight.name) : new Int32Array(router.experts);
    return pass.engine.gating(score, choice, bias, pass.count, router, pass.site(`${name}gate`));
  },

  async experts(pass, { name, weight, topk, inner, outer }, x, expert) {
    const slots = pass.count * topk;
    const acc = new BigInt64Array(slots * outer);
    const y = new BigInt64Array(slots * outer);
    /** Slots that share an input row. */
    const sharing = slots / (x.length / inner);
    for (const [e, own] of dispatch(expert)) {
      const w = await pass.model.expert(weight.name, e);
      const from = own.map((slot) => Math.floor(slot / sharing));
      const shape = { rows: own.length, inner, outer };
      await pass.engine.gemmRows(x, from, w, shape, own, { acc, y }, pass.site(name, topk));
    }
    return { acc, y };
  },

  async weighted(pass, { name, topk, width }, y, weight) {
    const slots = pass.count * topk;
    return { y: await pass.engine.scaleRows(y, weight, slots, width, pass.site(name, topk)) };
  },

  async logits(pass, { name, weight, inner, outer }, x) {
    const shape = { rows: pass.count, inner, outer };
    return byRows(pass, weight.name, shape, name, ['acc'], async (w, piece, at) => ({
      acc: await pass.engine.gemmAcc(x, w, piece, at),
    }));
  },

  async argmax(pass, { name, width }, acc) {
    return { y: await pass.engine.argmax(acc, pass.count, width, pass.site(name)) };
  },
};

/**
 * A product with a matrix of weights, over as many of its rows at a time as may be read.
 *
 * @param parts of the product, each over (rows, outer)
 * @param multiply by rows of the matrix; what a site's rows and columns are, is those of the whole product
 */
async function byRows<Part extends string>(
  pass: Pass,
  weight: string,
  shape: GemmShape,
  component: string,
  parts: Part[],
  multiply: (
    w: Int32Array,
    piece: GemmShape,
    at: Site,
  ) => Promise<Record<Part, BigInt64Array>> | Record<Part, BigInt64Array>,
): Promise<Record<Part, BigInt64Array>> {
  const { model } = pass;
  const { rows, inner, outer } = shape;
  const most = Math.max(1, Math.floor(model.pieceSize / inner));
  const at = pass.site(component);
  if (outer <= most) return multiply(await model.tensor(weight), shape, at);
  const whole = Object.fromEntries(
    parts.map((part) => [part, new BigInt64Array(rows * outer)]),
  ) as Record<Part, BigInt64Array>;
  for (let first = 0; first < outer; first += most) {
    const count = Math.min(most, outer - first);
    const range = { from: first * inner, to: (first + count) * inner };
    const w = await model.tensor(weight, range);
    const piece = { rows, inner, outer: count };
    const product = await multiply(w, piece, { ...at, firstColumn: first });
    for (const part of parts)
      for (let row = 0; row < rows; row++)
        whole[part].set(
          product[part].subarray(row * count, (row + 1) * count),
          row * outer + first,
        );
  }
  return whole;
}

/** Rows over (T, rank, width) as an array over (T, width) for every rank. */
function ranksOf(x: BigInt64Array, count: number, width: number): BigInt64Array[] {
  const ranks = x.length / (count * width);
  if (ranks === 1) return [x];
  return Array.from({ length: ranks }, (_, j) => {
    const term = new BigInt64Array(count * width);
    for (let t = 0; t < count; t++) {
      const at = (t * ranks + j) * width;
      term.set(x.subarray(at, at + width), t * width);
    }
    return term;
  });
}
