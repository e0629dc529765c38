/** Components by themselves: every kind, native messages against the plain verifier. Proved is one in component-proof.proof.test.ts. */
import { afterAll, beforeAll, describe, expect, it } from '@jest/globals';
import { present } from '@attensor/core';
import { referenceEngine } from '@attensor/inference';
import { engine } from '@attensor/native';
import { mkdtemp, rm, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { CommittedVector, samplePoint } from '../commitment/committed-vector.js';
import type { LongVector } from '../commitment/long-vector.js';
import type { CommittedWeights } from '../commitment/weights.js';
import { planComponent, tablesRoot, type ComponentProver } from '../component-prover.js';
import { estimate } from '../estimate.js';
import { P } from '../protocol/field.js';
import { VerificationError } from '../protocol/tape.js';
import { unplanned } from '../testing/forgers.js';
import { CATALOG, componentByName } from './catalog.js';
import type { Component } from './component.js';
import { Sample } from './sample.js';
import { readTensors, tensorFile } from './tensor-file.js';
import { weightsOf, type IntTensor, type Weights } from './tensors.js';

const ATTENTION = [
  ...['attn_norm.y', 'wq_a.y', 'q_norm.inv', 'wq_b1.y', 'rope_q.y', 'wkv_a2.acc', 'rope_k.y'],
  ...['kv_norm.y', 'wkv_b1.y', 'mul1.acc', 'softmax.p', 'mul2.y', 'wkv_b2.y', 'wo.y'],
];

/** One tensor of each of a layer's products, and what joins them. */
const DENSE = ['x_mid', 'ffn_norm.y', 'w1.y', 'sigmoid.sigma', 'silu.y', 'act.y', 'w3.y', 'w2.y'];
const MOE = [
  ...['gate.y', 'gate_sigmoid.sigma', 'experts.s', 'slots.weight', 'routed.w1.y', 'routed.act.y'],
  ...['routed.w2.y', 'routed.weighted.y', 'shared.w1.y', 'shared.w2.y'],
];
const SOME: Record<string, string[]> = {
  attention: ATTENTION,
  'dense-layer': DENSE.filter((name) => name !== 'x_mid'),
  'moe-layer': MOE,
};

const BLOCK = { rows: 3, dim: 12, heads: 2, queries: 6, latent: 5, nope: 8, rope: 4, values: 2 };

/** Sizes that are no powers of two where they may be. */
const SMALL: Record<string, () => Component> = {
  embedding: () => componentByName('embedding', { rows: 3, dim: 11, vocabulary: 5 }),
  attn_norm: () => componentByName('attn_norm', { rows: 3, dim: 12 }),
  RoPE1: () => componentByName('RoPE1', { rows: 3, heads: 2, dim: 4 }),
  softmax_qk: () => componentByName('softmax_qk', { rows: 3, heads: 2, dim: 16 }),
  sigmoid_gate: () => componentByName('sigmoid_gate', { rows: 3, dim: 8 }),
  experts_selector: () =>
    componentByName('experts_selector', { rows: 3, experts: 8, groups: 4, kept: 2, selected: 2 }),
  wkv_a1: () => componentByName('wkv_a1', { rows: 3, inner: 12, outer: 5 }),
  attention: () => componentByName('attention', BLOCK),
  dense_layer: () => componentByName('dense_layer', { ...BLOCK, inner: 8 }),
  moe_layer: () =>
    componentByName('moe_layer', {
      ...BLOCK,
      ...{ inner: 4, experts: 8, groups: 2, kept: 1, selected: 2, shared: 1 },
    }),
  head: () => componentByName('head', { rows: 3, dim: 12, vocabulary: 5 }),
};

async function messagesOf(component: Component, seed = 1, planned?: ComponentProver) {
  const prover = planned ?? (await planComponent(component));
  const { inputs, weights } = component.sample(new Sample(seed));
  const committed = await prover.commitWeights(weights);
  const { statement, session, outputs } = await prover.messages(inputs, committed);
  return { prover, inputs, weights, statement, messages: session.messages, outputs };
}

/** The component with one value of one traced tensor changed: a prover who does not compute what he states. */
const bent = (component: Component, name: string, index: number): Component => ({
  ...component,
  async run(...args) {
    const { tensors, tokens } = await component.run(...args);
    const { dims, data } = present(tensors.get(name), name);
    const changed = data.slice();
    changed[index] += changed[index] > 0n ? -1n : 1n;
    return { tensors: new Map(tensors).set(name, { dims, data: changed }), tokens };
  },
});

describe.each(Object.entries(SMALL))('%s', (_, make) => {
  it('is proved and verified, with the outputs of the reference engine', async () => {
    const component = make();
    const { prover, inputs, weights, statement, messages, outputs } = await messagesOf(component);
    await prover.replay(statement, messages);
    const reference = await component.trace(referenceEngine, inputs, weights);
    for (const name of component.outputs) expect(outputs[name]).toEqual(reference.get(name));
    // each field of the statement
    for (let k = 0; k < 4; k++) {
      const other = statement.map((v, i) => (i === k ? (v + 1n) % P : v));
      await expect(prover.replay(other, messages)).rejects.toThrow(VerificationError);
    }
  });

  it('refuses a false value of any tensor it computes', async () => {
    const component = make();
    const { inputs, weights } = component.sample(new Sample(2));
    const traced = await component.trace(referenceEngine, inputs, weights);
    // not committed: the input itself, and what other tensors determine
    const free = new Set(['input', 'gate_sigmoid.sigma', 'softmax.z', 'gemm.acc']);
    const names = [...traced.keys()].filter((n) => !free.has(n));
    // blocks and layers are made of the other kinds
    const some = SOME[component.config.kind] ?? names;
    for (const name of some) {
      const index = name.startsWith('softmax') ? 4 : 1;
      expect([
        name,
        await messagesOf(component, 2, unplanned(bent(component, name, index))).then(
          () => 'accepted',
          () => 'refused',
        ),
      ]).toEqual([name, 'refused']);
    }
  });
});

describe('weights in parts', () => {
  const PART_LOG = 18;
  // the last matrix fills four parts, and six are not a power of two
  const component = componentByName('attention', {
    rows: 3,
    dim: 2048,
    heads: 4,
    queries: 64,
    latent: 24,
    nope: 16,
    rope: 8,
    values: 128,
  });
  const { inputs, weights } = component.sample(new Sample(5));
  let prover: ComponentProver;
  let committed: CommittedWeights<Weights>;
  beforeAll(async () => {
    prover = await planComponent(component, { partLog: PART_LOG });
    committed = await prover.commitWeights(weights);
  });

  /** Whether the plain verifier takes what the prover makes of it. */
  const verdict = async (by: ComponentProver, own: CommittedWeights<Weights>): Promise<string> => {
    try {
      const { statement, session } = await by.messages(inputs, own);
      statement[2] = committed.root;
      await prover.replay(statement, session.messages);
      return 'accepted';
    } catch {
      return 'refused';
    }
  };

  it('are proved and verified', async () => {
    expect(prover.script.parameters.widths).toHaveLength(6);
    const { statement, session } = await prover.messages(inputs, committed);
    await prover.replay(statement, session.messages);
    // a leaf, a sibling, or a product: every message counts
    const { messages } = session;
    for (let k = 7; k < messages.length; k += Math.ceil(messages.length / 60)) {
      const edited = messages.map((m, i) => (i === k ? (m + 1n) % P : m));
      await expect(prover.replay(statement, edited)).rejects.toThrow(VerificationError);
    }
  });

  it('are the ones that were used, whichever part they are in', async () => {
    for (const [name, index] of [
      ['wo', 1],
      ['wo', 700_000],
      ['wo', 2048 * 512 - 1],
      ['wq_a', 64 * 2048 - 1],
      ['kv_norm.g', 3],
    ] as const) {
      const data = weights[name].data.slice();
      data[index] += 1 << 20;
      const others = { ...weights, [name]: { ...weights[name], data } };
      const run: Component['run'] = (by, given) => component.run(by, given, others);
      const other = unplanned({ ...component, run }, prover.script);
      expect([name, index, await verdict(other, committed)]).toEqual([name, index, 'refused']);
    }
  });

  it('keep their order, and their sample is that of all', async () => {
    const { vector, parts, sample, caps } = present(committed.parameters);
    const swapped = [1, 0, 2, 3, 4, 5].map((k) => parts[k]);
    const alone = (vector as LongVector).part(0);
    const ofFirst = await engine.evalPow(alone, samplePoint(engine, caps));
    const under = (own: typeof parts, value = sample): CommittedWeights<Weights> => ({
      ...committed,
      parameters: new CommittedVector(engine, vector, own, value),
    });
    const cheats: CommittedWeights<Weights>[] = [
      under(swapped),
      under([parts[1], ...parts.slice(1)]),
      under(parts, ofFirst),
      { ...committed, salt: committed.salt + 1n },
    ];
    expect(await verdict(prover, committed)).toBe('accepted');
    for (const cheat of cheats) expect(await verdict(prover, cheat)).toBe('refused');
  });
});

describe('padding', () => {
  it('of an input is zero, also where weights of zero hide it', async () => {
    const component = SMALL.wkv_a1();
    // 12 columns are padded to 16: the input is committed with a value in the padding
    await expect(messagesOf(component)).resolves.toBeDefined();
    await expect(messagesOf(withPadding(component))).rejects.toThrow();
  });

  const withPadding = (component: Component): Component => {
    for (const fill of component.builder.witnessFills)
      if (fill.name === 'input') {
        const { source } = fill;
        const [t, i] = fill.dims;
        fill.dims = [t, { ...i, size: 16 }];
        fill.source = (given) => {
          const values = source(given);
          return Array.from({ length: t.size * 16 }, (_, k) =>
            k % 16 < 12 ? values[Math.floor(k / 16) * 12 + (k % 16)] : k === 13 ? 1n : 0n,
          );
        };
      }
    return component;
  };
});

describe('what a proof must not say', () => {
  it('an input beyond its range', async () => {
    const component = SMALL.sigmoid_gate();
    const unchecked: Component = {
      ...component,
      run: async (_, given, weights) => ({
        tensors: await component.trace(referenceEngine, given, weights),
        tokens: { promptIds: [], outputIds: [] },
      }),
    };
    const { inputs, weights } = component.sample(new Sample(1));
    inputs.input.data[3] = 1n << 33n;
    const prover = await planComponent(unchecked);
    await expect(prover.messages(inputs, await prover.commitWeights(weights))).rejects.toThrow();
  });

  it('rows with an element more than the vocabulary', async () => {
    // a vocabulary of rows of 12; the component's rows have 11, and the twelfth element would be an input of whatever follows
    const component = SMALL.embedding();
    const wider = componentByName('embedding', { rows: 3, dim: 12, vocabulary: 5 });
    const { inputs, weights } = wider.sample(new Sample(4));
    const prover = await planComponent(component);
    const other = await planComponent(wider);
    const vocabulary = await other.commitWeights(weights);
    const bentFill: Component = {
      ...SMALL.embedding(),
      run: (...args) => wider.run(...args),
    };
    const fill = present(bentFill.builder.witnessFills.find((f) => f.name === 'embedding.x'));
    fill.dims = [fill.dims[0], { ...fill.dims[1], size: 12, block: { size: 12, log: 4 } }];
    const cheat = await planComponent(bentFill);
    const bending = cheat.messages(inputs, vocabulary);
    await expect(
      bending.then((m) => prover.replay(m.statement, m.session.messages)),
    ).rejects.toThrow();
  });

  it('tables of its own', async () => {
    const prover = await planComponent(SMALL.sigmoid_gate());
    const committed = await prover.commitWeights({});
    const root = await tablesRoot({
      ...SMALL.sigmoid_gate().config,
      ...prover.script.numbers,
    });
    expect(root).toBe(committed.root.toString());
    const gemm = { ...SMALL.wkv_a1().config, ...prover.script.numbers };
    expect(await tablesRoot(gemm)).toBeUndefined();
  });
});

describe('plans', () => {
  it('hold every component of the table in at most two circuits', async () => {
    for (const name of Object.keys(CATALOG).filter((n) => CATALOG[n].table3)) {
      const prover = await planComponent(componentByName(name));
      expect([name, prover.rows.length <= 2]).toEqual([name, true]);
      const predicted = await estimate(prover);
      expect(predicted.rows).toEqual(prover.rows);
      expect(predicted.peakBytes).toBeLessThan(10 * 2 ** 30);
    }
  });
  it("hold DeepSeek-V3's attention with its weights in seven parts", async () => {
    const prover = await planComponent(componentByName('attention'));
    expect(prover.script.witness.widths).toEqual([6]);
    expect(prover.script.parameters.widths).toEqual([16, 16, 16, 16, 16, 16, 11]);
    expect(prover.rows).toHaveLength(2);
    expect((await estimate(prover)).peakBytes).toBeLessThan(18 * 2 ** 30);
  });
  it('refuse what does not fit', async () => {
    await expect(
      planComponent(componentByName('attn_norm', { rows: 2 ** 18 })),
    ).rejects.toMatchObject({ code: 'UNSUPPORTED_CONFIG' });
    expect(() => componentByName('nothing')).toThrow('BAD_ARGUMENT');
    expect(() => componentByName('q_norm', { heads: 2 })).toThrow("no size 'heads'");
    expect(() => componentByName('RoPE1', { heads: 3 })).toThrow('power of two');
    expect(() => componentByName('q_norm', { rows: 0 })).toThrow('rows is no size');
  });
  it('refuse tensors of another shape or range', async () => {
    const prover = await planComponent(SMALL.wkv_a1());
    const { inputs, weights } = SMALL.wkv_a1().sample(new Sample(1));
    const committed = await prover.commitWeights(weights);
    const short: IntTensor = { dims: [2, 12], data: new BigInt64Array(24) };
    await expect(prover.prove({ input: short }, committed)).rejects.toMatchObject({
      code: 'BAD_SHAPE',
    });
    await expect(prover.messages({}, committed)).rejects.toMatchObject({ code: 'MISSING_TENSOR' });
    const wide = inputs.input.data.slice();
    wide[5] = 1n << 31n;
    await expect(
      prover.messages({ input: { dims: [3, 12], data: wide } }, committed),
    ).rejects.toMatchObject({ code: 'OVERFLOW' });
    await expect(prover.commitWeights({})).rejects.toMatchObject({ code: 'MISSING_TENSOR' });
  });
});

describe('tensor files', () => {
  let folder: string;
  beforeAll(async () => void (folder = await mkdtemp(join(tmpdir(), 'attensor-tensors-'))));
  afterAll(() => rm(folder, { recursive: true, force: true }));

  it('are read as written, and refused when damaged', async () => {
    const path = join(folder, 'a.safetensors');
    const tensors = {
      input: { dims: [2, 2], data: BigInt64Array.from([1n, -2n, 3n, -(1n << 40n)]) },
      weight: { dims: [1], data: BigInt64Array.from([7n]) },
    };
    const bytes = tensorFile(tensors);
    await writeFile(path, bytes);
    expect(await readTensors(path)).toEqual(tensors);
    expect(weightsOf({ weight: tensors.weight }).weight.data).toEqual(Int32Array.from([7]));
    expect(() => weightsOf(tensors)).toThrow("weight 'input', entry 3");
    await writeFile(path, bytes.slice(0, -1));
    await expect(readTensors(path)).rejects.toMatchObject({ code: 'BAD_SAFETENSORS' });
    await writeFile(path, bytes.slice(0, 4));
    await expect(readTensors(path)).rejects.toMatchObject({ code: 'BAD_SAFETENSORS' });
    await writeFile(
      path,
      Buffer.from(Buffer.from(bytes).toString('latin1').replace('I64', 'F64'), 'latin1'),
    );
    await expect(readTensors(path)).rejects.toMatchObject({ code: 'BAD_DTYPE' });
    await expect(readTensors(join(folder, 'none'))).rejects.toMatchObject({ code: 'NOT_FOUND' });
  });
});
