/**
 * @module units/kinds
 * The components that can be proved by themselves. A kind knows its tensors, how to run exactly, what it puts into the vectors, and
 * which script proves it: the same classes that a whole model is made of.
 *
 * Rows are padded to a power of two (with zeros, or a copy where zeros mean nothing); padding is computed and proved like any other.
 */
import {
  INNER_NORM_EPS,
  normEpsilon,
  ropeTables,
  sigmoidTable,
  softmaxScale,
  expTable,
} from '@attensor/inference';
import { Builder, dim, fromTrace, type Dim } from '../components/builder.js';
import { Embedding } from '../components/embedding.js';
import { Gating } from '../components/gating.js';
import { Gemm } from '../components/gemm.js';
import { Lookups, PairTable } from '../components/lookups.js';
import { RmsNorm } from '../components/rms-norm.js';
import { Rope } from '../components/rope.js';
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
  site,
  type Component,
  type ComponentSpec,
} from './component.js';
import { rotationTable } from './rotation.js';
import { tensorMap, type IntTensor } from './tensors.js';

export function rmsNorm(rows: number, width: number, epsilon = INNER_NORM_EPS): Component {
  requireSizes({ rows, dim: width }, []);
  const T = paddedRows(rows);
  const spec: ComponentSpec = {
    config: { kind: 'rms-norm', rows: T, dim: width, epsilon },
    inputs: { input: ranged([rows, width], INT32) },
    weights: { weight: [width] },
    outputs: ['norm.y'],
    sample: (random) => ({
      inputs: { input: random.activations([rows, width]) },
      weights: { weight: random.gains([width]) },
    }),
    async trace(engine, inputs, weights) {
      const x = padRows(inputs.input, T);
      const e = normEpsilon(epsilon, width);
      const r = await engine.rmsNorm(x.data, weights.weight.data, T, width, e, site('norm'));
      return tensorMap({
        input: x,
        'norm.S': { dims: [T], data: r.S },
        'norm.inv': { dims: [T], data: r.inv },
        'norm.y': { dims: [T, width], data: r.y },
      });
    },
  };
  const builder = new Builder();
  const [t, i] = [dim('t', T), dim('i', width)];
  const x = builder.signed('input', [t, i], fromTrace('input'));
  const g = builder.parameter('weight', [i]);
  const norm = new RmsNorm(builder, 'norm', x, fromTrace('input'), g, 'weight', t, width, epsilon);
  const lookups = new Lookups(builder, []);
  return component(spec, {
    builder,
    lookups,
    relations(scope) {
      scope.zeroFrom(x, 'i', width, { t: scope.random('t', t.log) });
      return RmsNorm.script(scope, [norm]);
    },
  });
}

export function gemm(rows: number, inner: number, outer: number): Component {
  requireSizes({ rows, inner, outer }, []);
  const T = paddedRows(rows);
  const spec: ComponentSpec = {
    config: { kind: 'gemm', rows: T, inner, outer },
    inputs: { input: ranged([rows, inner], INT32) },
    weights: { weight: [outer, inner] },
    outputs: ['gemm.y'],
    sample: (random) => ({
      inputs: { input: random.activations([rows, inner]) },
      weights: { weight: random.weights([outer, inner]) },
    }),
    async trace(engine, inputs, weights) {
      const x = padRows(inputs.input, T);
      const shape = { rows: T, inner, outer };
      const { acc, y } = await engine.gemm(x.data, weights.weight.data, shape, site('gemm'));
      return tensorMap({
        input: x,
        'gemm.acc': { dims: [T, outer], data: acc },
        'gemm.y': { dims: [T, outer], data: y },
      });
    },
  };
  const builder = new Builder();
  const [t, i, o] = [dim('t', T), dim('i', inner), dim('o', outer)];
  const x = builder.signed('input', [t, i], fromTrace('input'));
  const w = builder.parameter('weight', [o, i]);
  const product = new Gemm(builder, 'gemm', x, w, [t, o]);
  const lookups = new Lookups(builder, []);
  return component(spec, {
    builder,
    lookups,
    relations(scope) {
      scope.zeroFrom(x, 'i', inner, { t: scope.random('t', t.log) });
      return Gemm.script(scope, [product]);
    },
  });
}

export function rope(rows: number, heads: number, width: number, theta: number): Component {
  requireSizes({ rows, heads, dim: width }, ['heads', 'dim']);
  const T = paddedRows(rows);
  const tables = ropeTables(theta, width, T);
  const spec: ComponentSpec = {
    config: { kind: 'rope', rows: T, heads, dim: width, theta },
    inputs: { input: ranged([rows, heads, width], INT32) },
    weights: {},
    outputs: ['rope.y'],
    sample: (random) => ({
      inputs: { input: random.activations([rows, heads, width]) },
      weights: {},
    }),
    async trace(engine, inputs) {
      const x = padRows(inputs.input, T);
      const y = await engine.rope(x.data, tables, T, heads, width, site('rope'));
      return tensorMap({ input: x, 'rope.y': { dims: x.dims, data: y } });
    },
  };
  const builder = new Builder();
  const dims = [dim('t', T), dim('h', heads), dim('i', width)];
  const x = builder.signed('input', dims, fromTrace('input'));
  const rotation = rotationTable(builder, dims[0], width, theta, T);
  const turned = new Rope(builder, 'rope', x, fromTrace('input'), dims, rotation);
  const lookups = new Lookups(builder, []);
  return component(spec, { builder, lookups, relations: (scope) => Rope.script(scope, [turned]) });
}

/** Scores as `mul1` leaves them, at 2^32; keys are the rows themselves, seen causally. */
export function softmax(rows: number, heads: number, width: number): Component {
  requireSizes({ rows, heads, dim: width }, ['heads']);
  const T = paddedRows(rows);
  const scale = softmaxScale({ nope: width, rope: 0 });
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
    async trace(engine, inputs) {
      const acc = padScores(inputs.input);
      const shape = { start: 0, queries: T, keys: T, heads };
      const s = await engine.softmax(acc.data, scale, shape, site('softmax'));
      const of = (names: ('z' | 'c' | 'o' | 'e' | 'p' | 'max' | 'sum' | 'inv')[], dims: number[]) =>
        names.map((n): [string, IntTensor] => [`softmax.${n}`, { dims, data: s[n] }]);
      return new Map([
        ['input', acc],
        ...of(['z', 'c', 'o', 'e', 'p'], [heads, T, T]),
        ...of(['max', 'sum', 'inv'], [heads, T]),
      ]);
    },
  };
  const builder = new Builder();
  const [h, t, s] = [dim('h', heads), dim('t', T), dim('s', T)];
  const acc = builder.signed('input', [h, t, s], fromTrace('input'), 3);
  const table = new PairTable(builder, 'exp', 1, expTable());
  const instance = new Softmax(builder, 'softmax', 'input', [h, t, s], BigInt(scale), table);
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
  const spec: ComponentSpec = {
    config: { kind: 'sigmoid', rows: T, dim: width },
    inputs: { input: ranged([rows, width], INT32) },
    weights: {},
    outputs: ['sigmoid.sigma'],
    sample: (random) => ({ inputs: { input: random.activations([rows, width]) }, weights: {} }),
    async trace(engine, inputs) {
      const x = padRows(inputs.input, T);
      const { c, sigma } = await engine.sigmoid(x.data);
      return tensorMap({
        input: x,
        'sigmoid.c': { dims: x.dims, data: c },
        'sigmoid.sigma': { dims: x.dims, data: sigma },
      });
    },
  };
  const builder = new Builder();
  const table = new PairTable(builder, 'sigmoid', 2, sigmoidTable());
  const dims = [dim('t', T), dim('e', width)];
  // in a model the input is a GeMM's output, which has this range
  const x = builder.signed('input', dims, fromTrace('input'));
  const s = new Sigmoid(builder, 'sigmoid', 'input', dims, table);
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
export function requireRouter(sizes: TopKSizes): void {
  const { experts, groups, keptGroups, selected } = sizes;
  if (keptGroups > groups || experts < 2 * groups || selected > (keptGroups * experts) / groups)
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
      const shape = { experts, groups, topkGroup: keptGroups, topk: selected };
      const bias = weights.bias.data;
      const g = await engine.gating(x.data, bias, T, shape, scale, true, site('gate'));
      return tensorMap({
        'gate_sigmoid.sigma': x,
        'group_top2.s': { dims: [T, experts], data: g.groupTop2 },
        'group.value': { dims: [T, groups], data: g.groupValue },
        'group.s': { dims: [T, groups], data: g.groupSelected },
        'experts.s': { dims: [T, experts], data: g.expertSelected },
        'slots.expert': { dims: [T, selected], data: g.expert },
        'slots.weight': { dims: [T, selected], data: g.weight },
      });
    },
  };
  const builder = new Builder();
  const sigma = builder.unsigned('input', [t, e], 1, fromTrace('gate_sigmoid.sigma'));
  const bias = builder.parameter('bias', [e]);
  const dims = {
    t,
    g: dim('g', groups),
    x: dim('x', experts / groups),
    e,
    j: dim('j', selected),
  };
  const gate = new Gating(builder, '', dims, { sigma }, bias, 'bias', BigInt(scale), keptGroups);
  const lookups = new Lookups(builder, []);
  return component(spec, { builder, lookups, relations: (scope) => Gating.script(scope, [gate]) });
}

/** Rows of a vocabulary by token: input are the tokens, weights the embedding rows. */
export function embedding(rows: number, width: number, vocabulary: number): Component {
  requireSizes({ rows, dim: width, vocabulary }, []);
  // a leaf of two elements hashes like a node
  if (width < 3) throw badArgument('dim is too small', 'at least 3', width);
  const T = paddedRows(rows);
  const dims: [Dim, Dim] = [dim('t', T), dim('i', width)];
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
      return tensorMap({ 'embedding.x': { dims: [T, width], data: out } });
    },
  };
  const builder = new Builder();
  return component(spec, {
    builder,
    embedding: new Embedding(builder, dims, vocabulary, true),
    relations: async () => {},
  });
}
