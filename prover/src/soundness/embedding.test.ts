/** Rows of a vocabulary by a prover who opens others: what the plain verifier says of each. */
import { describe, expect, it } from '@jest/globals';
import { mod } from '../protocol/field.js';
import { componentByName } from '../units/catalog.js';
import type { Component } from '../units/component.js';
import { verdictOf, type Forgery } from '../testing/forgers.js';

const VOCABULARY = 70;
const CASES: [string, () => Component][] = [
  // five positions of eight: the rest are zeros
  [
    'rows as leaves',
    () => componentByName('embedding', { rows: 5, dim: 11, vocabulary: VOCABULARY }),
  ],
  [
    'hashes of long rows',
    () => componentByName('embedding', { rows: 9, dim: 600, vocabulary: VOCABULARY }),
  ],
];
const other = (token: number): number => (token + 1) % VOCABULARY;

/** Changes a traced input and what is committed of it. */
const traced = (change: (data: BigInt64Array) => void): Forgery => ({
  trace(tensors) {
    const x = tensors.get('embedding.x');
    if (x) change((x.data = x.data.slice()));
  },
});

describe.each(CASES)('%s', (_, make) => {
  it('are accepted as they are', async () => {
    for (const opening of ['ideal', 'real'] as const)
      expect(await verdictOf(make, {}, opening)).toBe('accepted');
  });
  it('are refused by the second level too', async () => {
    const elsewhere: Forgery = {
      vocabulary: ({ row, path }) => ({ row, path: (k) => path(other(k)) }),
    };
    expect(await verdictOf(make, elsewhere, 'real')).toMatch(/^(claims|opening)/);
  });

  const forgeries: [string, Forgery][] = [
    [
      'the leaf of another token',
      {
        vocabulary: ({ row, path }) => ({ row: (k) => row(other(k)), path: (k) => path(other(k)) }),
      },
    ],
    [
      'a leaf on the path of another',
      { vocabulary: ({ row, path }) => ({ row, path: (k) => path(other(k)) }) },
    ],
    [
      'a row that is in no leaf',
      { vocabulary: ({ row, path }) => ({ row: (k) => row(k).map((v) => mod(v + 1n)), path }) },
    ],
    ['an input that is not the row', traced((data) => data[0]++)],
    ['an input behind the last token', traced((data) => data[data.length - 1]++)],
  ];
  it.each(forgeries)('are refused: %s', async (__, forgery) => {
    expect(await verdictOf(make, forgery)).not.toBe('accepted');
  });
});
