/**
 * @module component-proof/kinds
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
import { Builder, dim, fromTrace, type Dim, type Source } from '../components/builder.js';
import { Embedding } from '../components/embedding.js';
import { Gating } from '../components/gating.js';
import { Gemm } from '../components/gemm.js';
import { Lookups, PairTable } from '../components/lookups.js';
import { RmsNorm } from '../components/rms-norm.js';
import { Rope } from '../components/rope.js';
import { activationScript, Sigmoid } from '../components/sigmoid.js';
import { Softmax } from '../components/softmax.js';
import { ceilLog2 } from '../protocol/field.js';
import type { Tensor } from '../protocol/tensor.js';
import {
  bad,
  bigints,
  INT32,
  map,
  paddedRows,
  padRows,
  ranged,
  requireSizes,
  site,
  type Component,
} from './component.js';
import type { IntTensor } from './tensors.js';

export function rmsNorm(rows: number, width: number, epsilon = INNER_NORM_EPS): Component {
  requireSizes({ rows, dim: width }, []);
  const T = paddedRows(rows);
  return {
    config: { kind: 'rms-norm', rows: T, dim: width, epsilon },
    inputs: { input: ranged([rows, width], INT32) },
    weights: { weight: [width] },
    outputs: ['norm.y'],
    sample: (random) => ({
      inputs: { input: random.activations([rows, width]) },
      weights: { weight: random.gains([width]) },
    }),
    async run(engine, inputs, weights) {
      const x = padRows(inputs.input, T);
      const e = normEpsilon(epsilon, width);
      const r = await engine.rmsNorm(x.data, weights.weight.data, T, width, e, site('norm'));
      return map({
        input: x,
        'norm.S': { dims: [T], data: r.S },
        'norm.inv': { dims: [T], data: r.inv },
        'norm.y': { dims: [T, width], data: r.y },
      });
    },
    build(weights) {
      const b = new Builder();
      const [t, i] = [dim('t', T), dim('i', width)];
      const x = b.signed('input', [t, i], fromTrace('input'));
      const g = b.parameter(() => weights!.weight.data, [i], 'weight');
      const gains: Source = () => bigints(weights!.weight.data);
      const norm = new RmsNorm(b, 'norm', x, fromTrace('input'), g, gains, t, width, epsilon);
      const lookups = new Lookups(b, []);
      return {
        b,
        lookups,
        script(scope) {
          scope.zeroFrom(x, 'i', width, { t: scope.random('t', t.log) });
          return RmsNorm.script(scope, [norm]);
        },
      };
    },
  };
}

export function gemm(rows: number, inner: number, outer: number): Component {
  requireSizes({ rows, inner, outer }, []);
  const T = paddedRows(rows);
  return {
    config: { kind: 'gemm', rows: T, inner, outer },
    inputs: { input: ranged([rows, inner], INT32) },
    weights: { weight: [outer, inner] },
    outputs: ['gemm.y'],
    sample: (random) => ({
      inputs: { input: random.activations([rows, inner]) },
      weights: { weight: random.weights([outer, inner]) },
    }),
    async run(engine, inputs, weights) {
      const x = padRows(inputs.input, T);
      const shape = { rows: T, inner, outer };
      const { acc, y } = await engine.gemm(x.data, weights.weight.data, shape, site('gemm'));
      return map({
        input: x,
        'gemm.acc': { dims: [T, outer], data: acc },
        'gemm.y': { dims: [T, outer], data: y },
      });
    },
    build(weights) {
      const b = new Builder();
      const [t, i, o] = [dim('t', T), dim('i', inner), dim('o', outer)];
      const x = b.signed('input', [t, i], fromTrace('input'));
      const w = b.parameter(() => weights!.weight.data, [o, i], 'weight');
      const product = new Gemm(b, 'gemm', x, w, [t, o]);
      const lookups = new Lookups(b, []);
      return {
        b,
        lookups,
        script(scope) {
          scope.zeroFrom(x, 'i', inner, { t: scope.random('t', t.log) });
          return Gemm.script(scope, [product]);
        },
      };
    },
  };
}

export function rope(rows: number, heads: number, width: number, theta: number): Component {
  requireSizes({ rows, heads, dim: width }, ['heads', 'dim']);
  const T = paddedRows(rows);
  const tables = ropeTables(theta, width, T);
  return {
    config: { kind: 'rope', rows: T, heads, dim: width, theta },
    inputs: { input: ranged([rows, heads, width], INT32) },
    weights: {},
    outputs: ['rope.y'],
    sample: (random) => ({
      inputs: { input: random.activations([rows, heads, width]) },
      weights: {},
    }),
    async run(engine, inputs) {
      const x = padRows(inputs.input, T);
      const y = await engine.rope(x.data, tables, T, heads, width, site('rope'));
      return map({ input: x, 'rope.y': { dims: x.dims, data: y } });
    },
    build() {
      const b = new Builder();
      const dims = [dim('t', T), dim('h', heads), dim('i', width)];
      const x = b.signed('input', dims, fromTrace('input'));
      const angles = [dim('t', T), dim('pair', width / 2)];
      const table = (part: 'cos' | 'sin'): Tensor =>
        b.parameter(() => tables[part], angles, `table.${part}`);
      const rotation = {
        cos: table('cos'),
        sin: table('sin'),
        cosValues: tables.cos,
        sinValues: tables.sin,
      };
      const turned = new Rope(b, 'rope', x, fromTrace('input'), dims, rotation);
      const lookups = new Lookups(b, []);
      return { b, lookups, script: (scope) => Rope.script(scope, [turned]) };
    },
  };
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
  return {
    config: { kind: 'softmax', rows: T, heads, dim: width },
    inputs: { input: ranged([heads, rows, rows], [-limit, limit - 1n]) },
    weights: {},
    outputs: ['softmax.p'],
    sample: (random) => ({
      inputs: { input: random.scores([heads, rows, rows], width) },
      weights: {},
    }),
    async run(engine, inputs) {
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
    build() {
      const b = new Builder();
      const [h, t, s] = [dim('h', heads), dim('t', T), dim('s', T)];
      const acc = b.signed('input', [h, t, s], fromTrace('input'), 3);
      const table = new PairTable(b, 'exp', 1, expTable());
      const rows = new Softmax(b, 'softmax', 'input', [h, t, s], BigInt(scale), table);
      const lookups = new Lookups(b, [table]);
      return {
        b,
        lookups,
        async script(scope) {
          const scores = () => scope.table(acc, [h, t, s], {});
          const { at, values } = await Softmax.script(scope, [rows], scores);
          scope.claims.addTensor(scope.session, acc, at, values[0]);
        },
      };
    },
  };
}

export function sigmoid(rows: number, width: number): Component {
  requireSizes({ rows, dim: width }, ['dim']);
  const T = paddedRows(rows);
  return {
    config: { kind: 'sigmoid', rows: T, dim: width },
    inputs: { input: ranged([rows, width], INT32) },
    weights: {},
    outputs: ['sigmoid.sigma'],
    sample: (random) => ({ inputs: { input: random.activations([rows, width]) }, weights: {} }),
    async run(engine, inputs) {
      const x = padRows(inputs.input, T);
      const { c, sigma } = await engine.sigmoid(x.data);
      return map({
        input: x,
        'sigmoid.c': { dims: x.dims, data: c },
        'sigmoid.sigma': { dims: x.dims, data: sigma },
      });
    },
    build() {
      const b = new Builder();
      const table = new PairTable(b, 'sigmoid', 2, sigmoidTable());
      const dims = [dim('t', T), dim('e', width)];
      // in a model the input is a GeMM's output, which has this range
      const x = b.signed('input', dims, fromTrace('input'));
      const s = new Sigmoid(b, 'sigmoid', 'input', dims, table);
      const lookups = new Lookups(b, [table]);
      return {
        b,
        lookups,
        script(scope) {
          const at = Object.fromEntries(dims.map((d) => [d.name, scope.random(d.name, d.log)]));
          const { session, claims } = scope;
          claims.addTensor(session, x.plus(s.x.times(-1n)), at, session.tape.constant(0n));
          return activationScript(scope, [s], []);
        },
      };
    },
  };
}

export interface TopKSizes {
  experts: number;
  groups: number;
  keptGroups: number;
  selected: number;
}

/** The router's choice, from its sigmoid scores: group-limited top-k, and the selected experts' weights. */
export function topK(rows: number, sizes: TopKSizes, scale: number): Component {
  const { experts, groups, keptGroups, selected } = sizes;
  requireSizes({ rows, ...sizes }, ['experts', 'groups', 'selected']);
  if (keptGroups > groups || experts < 2 * groups || selected > (keptGroups * experts) / groups)
    throw bad(
      'top-k sizes do not fit together',
      'kept groups that hold the selected experts',
      sizes,
    );
  const T = paddedRows(rows);
  const e = dim('e', experts);
  const t = dim('t', T);
  return {
    config: { kind: 'top-k', rows: T, ...sizes, scale },
    inputs: { input: ranged([rows, experts], [0n, 65535n]) },
    weights: { bias: [experts] },
    outputs: ['experts.s', 'slots.weight'],
    sample: (random) => ({
      inputs: { input: random.probabilities([rows, experts]) },
      weights: { bias: random.biases([experts]) },
    }),
    async run(engine, inputs, weights) {
      const x = padRows(inputs.input, T);
      // A row of zeros has no weights to divide by: padding repeats the first row.
      for (let row = inputs.input.dims[0]; row < T; row++)
        x.data.copyWithin(row * experts, 0, experts);
      const shape = { experts, groups, topkGroup: keptGroups, topk: selected };
      const bias = weights.bias.data;
      const g = await engine.gating(x.data, bias, T, shape, scale, true, site('gate'));
      return map({
        'gate_sigmoid.sigma': x,
        'group_top2.s': { dims: [T, experts], data: g.groupTop2 },
        'group.value': { dims: [T, groups], data: g.groupValue },
        'group.s': { dims: [T, groups], data: g.groupSelected },
        'experts.s': { dims: [T, experts], data: g.expertSelected },
        'slots.expert': { dims: [T, selected], data: g.expert },
        'slots.weight': { dims: [T, selected], data: g.weight },
      });
    },
    build(weights) {
      const b = new Builder();
      const sigma = b.unsigned('input', [t, e], 1, fromTrace('gate_sigmoid.sigma'));
      const bias = b.parameter(() => weights!.bias.data, [e], 'bias');
      const dims = {
        t,
        g: dim('g', groups),
        x: dim('x', experts / groups),
        e,
        j: dim('j', selected),
      };
      const values = () => bigints(weights!.bias.data);
      const gate = new Gating(b, '', dims, { sigma }, bias, values, BigInt(scale), keptGroups);
      const lookups = new Lookups(b, []);
      return { b, lookups, script: (scope) => Gating.script(scope, [gate]) };
    },
  };
}

/** Rows of a vocabulary by token: input are the tokens, weights the embedding rows. */
export function embedding(rows: number, width: number, vocabulary: number): Component {
  requireSizes({ rows, dim: width, vocabulary }, []);
  // a leaf of two elements hashes like a node
  if (width < 3) throw bad('dim is too small', 'at least 3', width);
  const T = paddedRows(rows);
  const dims: [Dim, Dim] = [dim('t', T), dim('i', width)];
  return {
    config: { kind: 'embedding', rows, dim: width, vocabularyLog: ceilLog2(vocabulary) },
    inputs: { input: ranged([rows], [0n, BigInt(vocabulary - 1)]) },
    weights: { vocabulary: [vocabulary, width] },
    outputs: ['embedding.x'],
    sample: (random) => ({
      inputs: { input: random.tokens([rows], vocabulary) },
      weights: { vocabulary: random.weights([vocabulary, width]) },
    }),
    async run(_, inputs, weights) {
      const out = new BigInt64Array(T * width);
      inputs.input.data.forEach((token, row) => {
        const at = Number(token) * width;
        const values = weights.vocabulary.data.subarray(at, at + width);
        out.set(BigInt64Array.from(values, BigInt), row * width);
      });
      return map({ 'embedding.x': { dims: [T, width], data: out } });
    },
    build() {
      const b = new Builder();
      return { b, embedding: new Embedding(b, dims, true), script: async () => {} };
    },
  };
}
