/** Trees as plain integers: every leaf opens, at its own index and under its own root only. */
import { describe, expect, it } from '@jest/globals';
import { P } from '../protocol/field.js';
import { elements } from '../testing/hashing.js';
import { permute, poseidon2 } from './poseidon2.js';
import { PlainTree, TreeHash, type OpenedLeaf } from './tree-hash.js';

const SHAPES: [4 | 8 | 16, number, number][] = [
  [4, 1, 0],
  [4, 6, 3],
  [8, 16, 4],
  [8, 9, 3],
  [8, 70, 1],
  [16, 16, 5],
];

const grown = (hash: TreeHash, entries: number, depth: number): PlainTree => {
  const next = elements(entries);
  return new PlainTree(
    hash,
    Array.from({ length: 2 ** depth }, () => Array.from({ length: entries }, next)),
  );
};

describe('compression', () => {
  it('is the permutation with the first child added', () => {
    const hash = new TreeHash(8);
    const children = [P - 1n, 0n, 1n, 2n, 3n, 4n, 5n, P - 2n];
    const [first] = permute(poseidon2(8), children);
    expect(hash.node(children)).toBe((first + P - 1n) % P);
    expect(hash.compression(children).out).toBe(hash.node(children));
  });
  it('hashes a leaf of 16 entries by two blocks and one node', () => {
    const hash = new TreeHash(8);
    const next = elements(1);
    const leaf = Array.from({ length: 16 }, next);
    const blocks = [hash.node(leaf.slice(0, 8)), hash.node(leaf.slice(8))];
    expect(hash.leaf(leaf)).toBe(hash.node([...blocks, 0n, 0n, 0n, 0n, 0n, 0n]));
    expect(hash.leaf(leaf.slice(0, 3))).toBe(hash.node([...leaf.slice(0, 3), 0n, 0n, 0n, 0n, 0n]));
  });
  it('takes as many steps as counted', () => {
    const steps = (width: 4 | 8 | 16, entries: number, depth: number): number =>
      new TreeHash(width).steps({ entries, depth });
    expect(steps(8, 16, 19)).toBe(3 + 7);
    expect(steps(8, 8, 18)).toBe(1 + 6);
    expect(steps(8, 64, 18)).toBe(9 + 6);
    expect(steps(4, 16, 19)).toBe(5 + 10);
    expect(steps(16, 16, 19)).toBe(1 + 5);
  });
});

describe.each(SHAPES)('a tree of width %i, leaves of %i, depth %i', (width, entries, depth) => {
  const hash = new TreeHash(width);
  const tree = grown(hash, entries, depth);
  const { shape, root } = tree;

  it('opens every leaf at its index alone', () => {
    for (let i = 0; i < 2 ** depth; i++)
      for (const at of [i, (i + 1) % 2 ** depth, i - 1, 2 ** depth])
        expect(hash.verify(shape, root, at, tree.open(i))).toBe(at === i);
  });

  it('opens nothing that was changed', () => {
    const index = 2 ** depth - 1;
    const opened = tree.open(index);
    const changed: [string, OpenedLeaf][] = opened.leaf.map((_, k) => [
      `entry ${k}`,
      { ...opened, leaf: opened.leaf.map((v, e) => (e === k ? (v + 1n) % P : v)) },
    ]);
    opened.path.forEach((siblings, s) => {
      siblings.forEach((_, k) =>
        changed.push([
          `sibling ${k} of step ${s}`,
          {
            ...opened,
            path: opened.path.map((row, r) =>
              row.map((v, c) => (r === s && c === k ? (v + 1n) % P : v)),
            ),
          },
        ]),
      );
    });
    changed.push(
      ['an entry more', { ...opened, leaf: [...opened.leaf, 0n] }],
      ['a step more', { ...opened, path: [...opened.path, new Array<bigint>(width - 1).fill(0n)] }],
    );
    for (const [what, other] of changed)
      expect([what, hash.verify(shape, root, index, other)]).toEqual([what, false]);
    expect(hash.verify(shape, (root + 1n) % P, index, opened)).toBe(false);
    expect(hash.verify(shape, root, index, opened)).toBe(true);
  });
});

it('a tree has a power of two of leaves of one width', () => {
  const hash = new TreeHash(8);
  expect(() => new PlainTree(hash, [[1n], [2n], [3n]])).toThrow('3 leaves');
  expect(() => new PlainTree(hash, [])).toThrow('0 leaves');
  expect(() => new PlainTree(hash, [[1n], [2n, 3n]])).toThrow('different widths');
});
