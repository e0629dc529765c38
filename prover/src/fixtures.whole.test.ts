/** Circuits change knowingly: `fixtures/README.md` says what a failure means. */
import { beforeAll, describe, expect, it } from '@jest/globals';
import { SMALL_SIZES } from './testing/scripts.js';
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

describe('tape and plan of a component', () => {
  it.each(Object.entries(SMALL_SIZES))('%s, small', async (name, sizes) => {
    expect(await componentFixture(name, sizes)).toEqual(expected[`${name}, small`]);
  });
  const table = Object.keys(SMALL_SIZES).filter((name) => name !== 'attention');
  it.each(table)("%s of the paper's table", async (name) => {
    expect(await componentFixture(name)).toEqual(expected[name]);
  });
});
