/** What ties a component to its statement and to its tensors: one forger for each tie. */
import { describe, expect, it } from '@jest/globals';
import { present } from '@attensor/core';
import { SMALL_SIZES } from '../testing/scripts.js';
import { verdictOf, type Forgery } from '../testing/forgers.js';
import { Builder, dim, fromTrace } from '../components/builder.js';
import { componentByName } from './catalog.js';
import { component, type Component } from './component.js';

const small = (name: string): Component => componentByName(name, SMALL_SIZES[name]);
const bump =
  (index: number, by = 1n) =>
  (values: bigint[]): void => {
    values[index] += by;
  };

describe('an honest prover', () => {
  it.each(['attn_norm', 'softmax_qk', 'sigmoid_gate', 'RoPE1'])('of %s', async (name) => {
    expect(await verdictOf(() => small(name))).toBe('accepted');
  });
});

describe('a forger', () => {
  const cases: [what: string, name: string, forgery: Forgery][] = [
    [
      "whose sigmoid's input is not the one he commits",
      'sigmoid_gate',
      { committed: { name: 'input', change: bump(3) } },
    ],
    [
      'whose scores are not those he commits',
      'softmax_qk',
      {
        committed: { name: 'input', change: bump(3) },
        virtualInput: (traced) => [...present(traced.get('input')).data],
      },
    ],
    [
      'whose norm counts a value in the padding',
      'attn_norm',
      {
        // rows of 12 values in 16 places; a sum of squares that has the thirteenth
        committed: { name: 'input', dims: [4, 16], change: bump(12) },
        trace: (traced) => {
          const S = present(traced.get('norm.S'));
          traced.set('norm.S', { ...S, data: S.data.map((v, t) => (t === 0 ? v + 1n : v)) });
        },
      },
    ],
    ['who states another component', 'RoPE1', { statement: [0, 5n] }],
    ['who states tokens that are not read', 'RoPE1', { statement: [3, 5n] }],
    ['who states weights that there are not', 'wkv_none', { statement: [2, 5n] }],
  ];
  it.each(cases)('%s', async (_, name, forgery) => {
    // a norm's gains are weights, rotations are tables: without either there is a bare component
    const make = () => (name === 'wkv_none' ? withoutWeights() : small(name));
    const verdict = await verdictOf(make, forgery);
    expect(verdict).not.toBe('accepted');
  });
});

/** The input and nothing else. */
function withoutWeights(): Component {
  const { inputs, outputs, sample, trace } = small('sigmoid_gate');
  const builder = new Builder();
  builder.signed('input', [dim('t', 4), dim('e', 8)], fromTrace('input'));
  const config = { kind: 'nothing', rows: 4 };
  return component(
    { config, inputs, weights: {}, outputs, sample, trace },
    { builder, relations: async () => undefined },
  );
}
