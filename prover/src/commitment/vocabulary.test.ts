import { describe, expect, it } from '@jest/globals';
import { engine } from '@attensor/native';
import { P } from '../protocol/field.js';
import { hash } from '../protocol/poseidon.js';
import { hashLeaves, TREE_HASH } from '../hashing/trees.js';
import type { VocabularyRows } from '../units/unit.js';
import { Vocabulary } from './vocabulary.js';

const WIDTH = 5;
const COUNT = 19;
const rows = Int32Array.from({ length: WIDTH * COUNT }, (_, i) => ((i * 7919) % 101) - 50);
const leafOf = (token: number): bigint[] =>
  Array.from(rows.subarray(token * WIDTH, (token + 1) * WIDTH), (v) => (BigInt(v) + P) % P);

interface Counted extends VocabularyRows {
  /** lengths of what was read */
  read: number[];
}

function source(long: boolean): Counted {
  const read: number[] = [];
  return {
    rows: {
      length: rows.length,
      read(from, into) {
        read.push(into.length);
        into.set(rows.subarray(from, from + into.length));
      },
    },
    width: WIDTH,
    long,
    read,
  };
}

describe('a vocabulary', () => {
  it.each([false, true])(
    'has one root, however many rows are read at a time (long: %p)',
    async (long) => {
      const whole = await Vocabulary.build(engine, source(long));
      for (const piece of [1, 2 * WIDTH, 7 * WIDTH - 1]) {
        const some = source(long);
        expect((await Vocabulary.build(engine, some, { piece })).root).toBe(whole.root);
        expect(Math.max(...some.read)).toBe(Math.max(WIDTH, piece - (piece % WIDTH)));
      }
    },
  );

  it.each([false, true])(
    'opens the rows of tokens, and reads no others (long: %p)',
    async (long) => {
      const some = source(long);
      const vocabulary = await Vocabulary.build(engine, some);
      some.read.length = 0;
      const { row, path } = await vocabulary.open([0, 18, 7, 7]);
      expect(some.read).toEqual([WIDTH, WIDTH, WIDTH]);
      expect(() => row(1)).toThrow('token 1');
      for (const token of [0, 7, 18]) {
        expect(row(token)).toEqual(leafOf(token));
        const leaf = long ? [hash(leafOf(token))] : leafOf(token);
        let [node] = await hashLeaves(engine, [leaf]);
        let at = token;
        for (const siblings of path(token)) {
          const own = at % TREE_HASH.width;
          const children = [...siblings.slice(0, own), node, ...siblings.slice(own)];
          node = (await engine.compress(engine.fromBigints(children))).get(0);
          at = Math.floor(at / TREE_HASH.width);
        }
        expect(node).toBe(vocabulary.root);
      }
    },
  );
});
