import { expect, it } from '@jest/globals';
import { engine } from '@attensor/native';
import { power, rootOfUnity } from '../protocol/field.js';
import { elements } from '../testing/hashing.js';
import { columnBits, columnOf, hashLeaves, TREE_HASH } from './trees.js';

const LOG_DOMAINS = Array.from({ length: 9 }, (_, k) => k);

it.each(LOG_DOMAINS)('leaves of a tree of 2^%i are all columns, by number and by bits', (log) => {
  const columns = Array.from({ length: 2 ** log }, (_, index) => columnOf(log, index));
  expect([...columns].sort((a, b) => a - b)).toEqual(columns.map((_, index) => index));
  const byBits = columns.map((_, index) => {
    const bits = Array.from({ length: log }, (__, k) => (index >> k) & 1);
    return columnBits(bits).reduce((sum, bit, k) => sum + bit * 2 ** k, 0);
  });
  expect(byBits).toEqual(columns);
});

it('leaves under one node share the eighth power of their points', () => {
  const omega = rootOfUnity(6);
  for (let node = 0; node < 8; node++) {
    const powers = Array.from({ length: 8 }, (_, child) =>
      power(power(omega, BigInt(columnOf(6, 8 * node + child))), 8n),
    );
    expect(new Set(powers).size).toBe(1);
  }
});

it.each([1, 7, 8, 9, 16, 65])('leaves of %i entries hash as integers do', async (width) => {
  const next = elements(width);
  const leaves = Array.from({ length: 5 }, () => Array.from({ length: width }, next));
  expect(await hashLeaves(engine, leaves)).toEqual(leaves.map((leaf) => TREE_HASH.leaf(leaf)));
});
