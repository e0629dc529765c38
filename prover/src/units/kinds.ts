/**
 * @module units/kinds
 * The components that can be proved by themselves. A kind knows its tensors, how to run exactly, what it puts into the vectors, and
 * which script proves it: the same classes that a whole model is made of.
 *
 * Rows are padded to a power of two (with zeros, or a copy where zeros mean nothing); padding is computed and proved like any other.
 */
import { INNER_NORM_EPS, nodes, softmaxScale, traceNodes } from '@attensor/inference';
import { Builder, dim, fromTrace } from '../components/builder.js';
import { Embedding } from '../components/embedding.js';
import { Gating } from '../components/gating.js';
import { hashesByGkr } from '../components/row-hashes.js';
import { Lookups } from '../components/lookups.js';
import { rowsOf } from '../components/rows.js';
import { activationScript, Sigmoid } from '../components/sigmoid.js';
import { Softmax } from '../components/softmax.js';
import { ceilLog2 } from '../protocol/field.js';
import {
  badArgument,
  component,
  INT32,
  paddedRows,
  padRows,
  ranged,
  requireSizes,
  type Component,
  type ComponentSpec,
} from './component.js';
import { INPUT, nodesComponent } from './nodes-component.js';
import { expPairs, sigmoidPairs } from './public-tables.js';
import type { IntTensor } from './tensors.js';

/** Nodes of public tables read no weights. */
const noWeights = (): Int32Array => new Int32Array();

export function rmsNorm(rows: number, width: number, epsilon = INNER_NORM_EPS): Component {
  requireSizes({ rows, dim: width }, []);
  return nodesComponent({
    config: { kind: 'rms-norm', rows: paddedRows(rows), dim: width, epsilon },
    nodes: [nodes.norm('norm', INPUT, width, epsilon, '', 'weight')],
    rows,
    row: [width],
    outputs: ['norm.y'],
  });
}

export function gemm(rows: number, inner: number, outer: number): Component {
  requireSizes({ rows, inner, outer }, []);
  return nodesComponent({
    config: { kind: 'gemm', rows: paddedRows(rows), inner, outer },
    nodes: [nodes.gemm('gemm', INPUT, [outer], [inner], { tensor: '' }, 'weight')],
    rows,
    row: [inner],
    outputs: ['gemm.y'],
  });
}

export function rope(rows: number, heads: number, width: number, theta: number): Component {
  requireSizes({ rows, heads, dim: width }, ['heads', 'dim']);
  return nodesComponent({
    config: { kind: 'rope', rows: paddedRows(rows), heads, dim: width, theta },
    nodes: [nodes.rope('rope', INPUT, [heads, width])],
    rows,
    row: [heads, width],
    outputs: ['rope.y'],
    rotation: { ropeTheta: theta },
  });
}

/** Scores as `mul1` leaves them, at 2^32; keys are the rows themselves, seen causally. */
export function softmax(rows: number, heads: number, width: number): Component {
  requireSizes({ rows, heads, dim: width }, ['heads']);
  const T = paddedRows(rows);
  const node = nodes.softmax('softmax', INPUT, heads, softmaxScale({ nope: width, rope: 0 }));
  const limit = 1n << 47n;
  const padScores = ({ data }: IntTensor): IntTensor => {
    const out = new BigInt64Array(heads * T * T);
    for (let row = 0; row < heads * rows; row++) {
      const to = (Math.floor(row / rows) * T + (row % rows)) * T;
      out.set(data.subarray(row * rows, (row + 1) * rows), to);
    }
    return { dims: [heads, T, T], data: out };
  };
  const spec: ComponentSpec = {
    config: { kind: 'softmax', rows: T, heads, dim: width },
    inputs: { input: ranged([heads, rows, rows], [-limit, limit - 1n]) },
    weights: {},
    outputs: ['softmax.p'],
    sample: (random) => ({
      inputs: { input: random.scores([heads, rows, rows], width) },
      weights: {},
    }),
    trace: (engine, inputs) =>
      traceNodes(engine, [node], noWeights, {
        name: INPUT,
        ...padScores(inputs.input),
        count: T,
      }),
  };
  const builder = new Builder();
  const [h, t, s] = [dim('h', heads), dim('t', T), dim('s', T)];
  const acc = builder.signed(INPUT, [h, t, s], fromTrace(INPUT), 3);
  const table = expPairs(builder);
  const instance = new Softmax(builder, node, rowsOf(T), table);
  const lookups = new Lookups(builder, [table]);
  return component(spec, {
    builder,
    lookups,
    async relations(scope) {
      const scores = () => scope.table(acc, [h, t, s], {});
      const { at, values } = await Softmax.script(scope, [instance], scores);
      scope.claims.addTensor(scope.session, acc, at, values[0]);
    },
  });
}

export function sigmoid(rows: number, width: number): Component {
  requireSizes({ rows, dim: width }, ['dim']);
  const T = paddedRows(rows);
  const node = nodes.sigmoid('sigmoid', INPUT, [width]);
  const spec: ComponentSpec = {
    config: { kind: 'sigmoid', rows: T, dim: width },
    inputs: { input: ranged([rows, width], INT32) },
    weights: {},
    outputs: ['sigmoid.sigma'],
    sample: (random) => ({ inputs: { input: random.activations([rows, width]) }, weights: {} }),
    trace: (engine, inputs) =>
      traceNodes(engine, [node], noWeights, { name: INPUT, ...padRows(inputs.input, T) }),
  };
  const builder = new Builder();
  const table = sigmoidPairs(builder);
  const dims = [dim('t', T), dim('e', width)];
  // in a model the input is a GeMM's output, which has this range
  const x = builder.signed(INPUT, dims, fromTrace(INPUT));
  const s = new Sigmoid(builder, node, dims, table);
  const lookups = new Lookups(builder, [table]);
  return component(spec, {
    builder,
    lookups,
    relations(scope) {
      const at = Object.fromEntries(dims.map((d) => [d.name, scope.random(d.name, d.log)]));
      const { session, claims } = scope;
      claims.addTensor(session, x.plus(s.x.times(-1n)), at, session.tape.constant(0n));
      return activationScript(scope, [s], []);
    },
  });
}

export interface TopKSizes {
  experts: number;
  groups: number;
  keptGroups: number;
  selected: number;
}

/** @throws BAD_ARGUMENT */
export function requireRouter(sizes: TopKSizes, rank: 1 | 2 = 2): void {
  const { experts, groups, keptGroups, selected } = sizes;
  if (
    experts % groups !== 0 ||
    keptGroups > groups ||
    experts < rank * groups ||
    selected > (keptGroups * experts) / groups
  )
    throw badArgument(
      'top-k sizes do not fit together',
      'kept groups that hold the selected experts',
      sizes,
    );
}

/** The router's choice, from its sigmoid scores: group-limited top-k, and the selected experts' weights. */
export function topK(rows: number, sizes: TopKSizes, scale: number): Component {
  const { experts, groups, keptGroups, selected } = sizes;
  requireSizes({ rows, ...sizes }, ['experts', 'groups', 'selected']);
  requireRouter(sizes);
  const T = paddedRows(rows);
  const e = dim('e', experts);
  const t = dim('t', T);
  const sigmaName = 'gate_sigmoid.sigma';
  const router: nodes.Router = {
    ...{ experts, groups, topkGroup: keptGroups, topk: selected, scale },
    ...{ groupRank: 2, divisor: 'selected' },
  };
  const node = nodes.gating('', [sigmaName], router, '', 'bias');
  const spec: ComponentSpec = {
    config: { kind: 'top-k', rows: T, ...sizes, scale },
    inputs: { input: ranged([rows, experts], [0n, 65535n]) },
    weights: { bias: [experts] },
    outputs: ['experts.s', 'slots.weight'],
    sample: (random) => ({
      inputs: { input: random.probabilities([rows, experts]) },
      weights: { bias: random.biases([experts]) },
    }),
    async trace(engine, inputs, weights) {
      const x = padRows(inputs.input, T);
      // A row of zeros has no weights to divide by: padding repeats the first row.
      for (let row = inputs.input.dims[0]; row < T; row++)
        x.data.copyWithin(row * experts, 0, experts);
      const bias = (): Int32Array => weights.bias.data;
      return traceNodes(engine, [node], bias, { name: sigmaName, ...x });
    },
  };
  const builder = new Builder();
  const sigma = builder.unsigned(INPUT, [t, e], 1, fromTrace(sigmaName));
  const gate = new Gating(builder, node, sigma, sigma, t);
  const lookups = new Lookups(builder, []);
  return component(spec, { builder, lookups, relations: (scope) => Gating.script(scope, [gate]) });
}

/** Rows of a vocabulary by token: input are the tokens, weights the embedding rows. */
export function embedding(rows: number, width: number, vocabulary: number): Component {
  requireSizes({ rows, dim: width, vocabulary }, []);
  // a leaf of two elements hashes like a node
  if (width < 3) throw badArgument('dim is too small', 'at least 3', width);
  const T = paddedRows(rows);
  const node = nodes.embedding('embedding', vocabulary, width, '');
  const spec: ComponentSpec = {
    config: { kind: 'embedding', rows, dim: width, vocabularyLog: ceilLog2(vocabulary) },
    inputs: { input: ranged([rows], [0n, BigInt(vocabulary - 1)]) },
    weights: { vocabulary: [vocabulary, width] },
    outputs: ['embedding.x'],
    sample: (random) => ({
      inputs: { input: random.tokens([rows], vocabulary) },
      weights: { vocabulary: random.weights([vocabulary, width]) },
    }),
    async trace(_, inputs, weights) {
      const out = new BigInt64Array(T * width);
      inputs.input.data.forEach((token, row) => {
        const at = Number(token) * width;
        const values = weights.vocabulary.data.subarray(at, at + width);
        out.set(BigInt64Array.from(values, BigInt), row * width);
      });
      return new Map([[node.results.x.name, { dims: [T, width], data: out }]]);
    },
  };
  const builder = new Builder();
  return component(spec, {
    builder,
    embedding: new Embedding(builder, node, dim('t', T), rows, hashesByGkr(rows, width)),
    relations: async () => {},
  });
}
