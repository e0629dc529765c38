/** Circuits change knowingly: `fixtures/README.md` says what a failure means. */
import { beforeAll, describe, expect, it } from '@jest/globals';
import {
  componentFixture,
  fixtures,
  modelFixture,
  type TapeFixture,
} from './testing/tape-fixtures.js';

let expected: Record<string, TapeFixture>;
beforeAll(async () => {
  expected = await fixtures('tapes.json');
});

const MODELS: [name: string, capacity: number][] = [
  ['nano', 4],
  ['nano', 32],
  ['tiny', 32],
];

describe('tape and plan of a model', () => {
  it.each(MODELS)('%s, %i positions', async (name, capacity) => {
    expect(await modelFixture(name, capacity)).toEqual(expected[`${name}, ${capacity} positions`]);
  });
});

/** As in the component's own suite, and with DeepSeek-V3's dimensions. */
const SMALL = {
  embedding: { rows: 3, dim: 11, vocabulary: 5 },
  attn_norm: { rows: 3, dim: 12 },
  q_norm: { rows: 3, dim: 6 },
  RoPE1: { rows: 3, heads: 2, dim: 4 },
  softmax_qk: { rows: 3, heads: 2, dim: 16 },
  sigmoid_gate: { rows: 3, dim: 8 },
  experts_selector: { rows: 3, experts: 8, groups: 4, kept: 2, selected: 2 },
  wkv_a1: { rows: 3, inner: 12, outer: 5 },
  attention: { rows: 3, dim: 12, heads: 2, queries: 6, latent: 5, nope: 8, rope: 4, values: 2 },
};

describe('tape and plan of a component', () => {
  it.each(Object.entries(SMALL))('%s, small', async (name, sizes) => {
    expect(await componentFixture(name, sizes)).toEqual(expected[`${name}, small`]);
  });
  const table = Object.keys(SMALL).filter((name) => name !== 'attention');
  it.each(table)("%s of the paper's table", async (name) => {
    expect(await componentFixture(name)).toEqual(expected[name]);
  });
});
