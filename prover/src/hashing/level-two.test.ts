/** Level 2 on small trees: honest openings of several shapes pass in all roles, and each way to cheat is noticed by the check for it. */
import { describe, expect, it } from '@jest/globals';
import { mod } from '../protocol/field.js';
import { VerificationError } from '../protocol/tape.js';
import {
  elements,
  hashingMessages,
  hashingObjections,
  hashingScript,
  hashingShape,
  layoutOf,
  lonePath,
  verifyHashing,
  type HashingForgery,
  type TestCase,
  type TestGroup,
} from '../testing/hashing.js';
import { transcriptOf } from '../testing/transcript.js';
import { hashingLayout, type HashingLayout } from './layout.js';
import { externalLayer, fifthPower, internalLayer, isFull } from './poseidon2.js';
import type { InstanceTrace, Step } from './trace.js';
import { PlainTree, TreeHash, type Compression } from './tree-hash.js';

const eight = new TreeHash(8);
const four = new TreeHash(4);

function grown(
  hash: TreeHash,
  trees: number,
  entries: number,
  depth: number,
  indexes: number[],
): TestGroup {
  const grow = (t: number): PlainTree => {
    const next = elements(100 * entries + 10 * depth + t);
    return new PlainTree(
      hash,
      Array.from({ length: 2 ** depth }, () => Array.from({ length: entries }, next)),
    );
  };
  const all = Array.from({ length: trees }, (_, t) => grow(t));
  return {
    shape: { trees, queries: indexes.length, entries, depth },
    roots: all.map((tree) => tree.root),
    indexes,
    opened: all.map((tree) => indexes.map((i) => tree.open(i))),
  };
}

const lone = (depth: number, index: number): TestCase => ({
  hash: eight,
  groups: [lonePath(eight, { entries: 16, depth }, index, depth)],
  foldings: [{ groups: [0], tree: 0, entry: 4 }],
  values: [],
});

const CASES: [string, TestCase][] = [
  ['one leaf at the left edge of a tree of one step', lone(3, 0)],
  ['one leaf at the right edge of a deep tree', lone(19, 2 ** 19 - 1)],
  [
    'rounds of different depth, width and number of queries',
    {
      hash: eight,
      groups: [
        grown(eight, 1, 16, 4, [0, 7, 15]),
        grown(eight, 1, 5, 4, [0, 7, 15]),
        grown(eight, 1, 16, 2, [3, 0, 3, 1, 2]),
      ],
      foldings: [
        { groups: [0, 1], tree: 0, entry: 4 },
        { groups: [2], tree: 0, entry: 4 },
      ],
      values: [],
    },
  ],
  [
    'parts beside one tree, and leaves whose last rows are empty',
    {
      hash: four,
      groups: [grown(four, 3, 11, 3, [5, 2]), grown(four, 1, 16, 3, [5, 2])],
      foldings: [{ groups: [0, 1], tree: 2, entry: 4 }],
      values: [],
    },
  ],
  [
    'rows of a vocabulary, of which a value is claimed',
    {
      hash: four,
      groups: [grown(four, 1, 37, 3, [6, 0, 1, 6]), grown(four, 1, 4, 1, [1])],
      foldings: [{ groups: [1], tree: 0, entry: 2 }],
      values: [{ groups: [0], tree: 0, entry: 6 }],
    },
  ],
];

describe('honest openings', () => {
  it.each(CASES)('%s: every relation holds', async (_, test) => {
    expect(await hashingObjections(test)).toEqual([]);
  });
  it.each(CASES)('%s: the plain verifier accepts, by the tape of a circuit', async (_, test) => {
    const messages = await hashingMessages(test);
    const tape = await verifyHashing(test, messages);
    expect((await hashingShape(test)).ops).toEqual(tape.ops);
  });
  it('every message reaches the next challenge, but what the root of S binds', async () => {
    const [, , [, test]] = CASES;
    const { supplied, challenges } = await transcriptOf(hashingScript(test), 0);
    const late = supplied.filter(({ before, reaches }) =>
      reaches.some((first) => first !== before),
    );
    const names = new Set(late.map((s) => s.what));
    expect(names).toEqual(new Set(['opening: leaf', 'opening: path']));
    const order = ['roots', 'answers', 'witness: commitment', 'witness sample'];
    const drawn = order.map((name) => supplied.find((s) => s.what === name)?.before);
    expect(drawn).toEqual([...drawn].sort((a = 0, b = 0) => a - b));
    const columns = supplied.find((s) => s.what === 'hashing: compressions: column values');
    expect(columns?.reaches).toHaveLength(126);
    expect(challenges).toBeGreaterThan(40);
  });
  it('the plain verifier refuses any other message', async () => {
    const [, test] = CASES[0];
    const messages = await hashingMessages(test);
    for (const at of [0, Math.floor(messages.length / 3), messages.length - 1]) {
      const other = messages.map((v, k) => (k === at ? mod(v + 1n) : v));
      await expect(verifyHashing(test, other)).rejects.toThrow(VerificationError);
    }
  });
});

const [, , [, rounds], [, parts], [, rows]] = CASES;

/** Everything of a path anew from children that were changed at one step. */
function rehash(hash: TreeHash, instance: InstanceTrace, from: number, children: bigint[]): void {
  const { path } = instance;
  let next = children;
  for (let s = from; s < path.length; s++) {
    path[s] = { ...hash.compression(next), position: path[s].position };
    if (s + 1 < path.length) {
      next = path[s + 1].children.slice();
      next[path[s + 1].position] = path[s].out;
    }
  }
}

const column = ({ logCompressions }: HashingLayout, k: number): number => k * 2 ** logCompressions;

describe('a forger', () => {
  const noticed = hashingObjections;
  /** The same, and that the plain verifier refuses all of his messages. */
  const refused = async (test: TestCase, forgery: HashingForgery): Promise<string[]> => {
    const messages = await hashingMessages(test, forgery);
    await expect(verifyHashing(test, messages)).rejects.toThrow(VerificationError);
    return hashingObjections(test, forgery);
  };

  it('with a wrong sibling ends at another root', async () => {
    const names = await refused(rounds, {
      instances: ([, , [, , second]]) => {
        const { position, children } = second.path[0];
        rehash(
          eight,
          second,
          0,
          children.map((v, k) => (k === (position + 1) % 8 ? mod(v + 1n) : v)),
        );
      },
    });
    expect(names).toEqual(['hashing: roots']);
  });

  it('with a leaf of another index has bits of another index', async () => {
    const other = grown(eight, 1, 16, 2, [3, 0, 3, 2, 2]);
    const groups = [...rounds.groups.slice(0, 2), { ...other, indexes: [3, 0, 3, 2, 2] }];
    const names = await noticed(
      { ...rounds, groups },
      { said: ({ indexes }) => (indexes[2][3] = 1n) },
    );
    expect(names).toEqual(['hashing: indices']);
  });

  it('with a leaf of another index under the bits of the right one does not continue its path', async () => {
    const names = await noticed(rounds, {
      instances: ([, , group]) => {
        group[3] = { ...group[4], path: group[4].path.map((s) => ({ ...s, position: 1 })) };
      },
      answers: (folding, query) => (folding === 1 && query === 3 ? 1n : 0n),
    });
    expect(names).toContain('hashing: compressions');
    expect(names).not.toContain('hashing: indices');
  });

  it('with an answer off by one is held to the leaves', async () => {
    for (const [folding, query] of [
      [0, 0],
      [0, 2],
      [1, 4],
    ])
      expect(
        await noticed(rounds, {
          answers: (f, q) => (f === folding && q === query ? 1n : 0n),
        }),
      ).toEqual(['hashing: answers']);
    expect(await noticed(parts, { answers: (_, q) => (q === 1 ? -1n : 0n) })).toEqual([
      'hashing: answers',
    ]);
  });

  it('with another value of rows is held to the rows', async () => {
    expect(await refused(rows, { value: 1n })).toEqual(['hashing: values']);
  });

  it('with another root, of the last tree as well, is held to the last step', async () => {
    for (const tree of [0, 2])
      expect(
        await noticed(parts, { said: ({ roots }) => (roots[0][tree] = mod(roots[0][tree] + 1n)) }),
      ).toEqual(['hashing: roots']);
  });

  it('who edits the input of an S-box does not compress', async () => {
    const { columns, groups } = layoutOf(rounds);
    for (const k of [columns.sboxes, columns.sboxes + 24, columns.sboxes + 50, columns.out - 1])
      expect(
        await noticed(rounds, {
          trace: (s, layout) => {
            const at = column(layout, k) + groups[0].path[0].offset;
            s[at] = mod(s[at] + 1n);
          },
        }),
      ).toEqual(['hashing: compressions']);
  });

  /** A compression of which one S-box gets another input; all that follows is computed from that. */
  function bent(children: bigint[], round: number, lane: number): Compression {
    const { instance } = eight;
    const inputs: bigint[] = [];
    let lanes = externalLayer(children);
    instance.constants.forEach((constants, r) => {
      const boxed = lanes.map((v, e) => {
        if (e >= constants.length) return v;
        const input = mod(v + constants[e] + (r === round && e === lane ? 1n : 0n));
        inputs.push(input);
        return fifthPower(input);
      });
      lanes = isFull(instance, r) ? externalLayer(boxed) : internalLayer(instance, boxed);
    });
    return { children, inputs, out: mod(lanes[0] + children[0]) };
  }
  it.each([
    [1, 0],
    [1, 7],
    [3, 5],
    [4, 0],
    [30, 0],
    [60, 0],
    [61, 0],
    [61, 6],
    [64, 3],
  ])('who goes on from another input in round %i, lane %i, is noticed', async (round, lane) => {
    const test = lone(3, 2);
    const [[leaf]] = test.groups[0].opened;
    const [children] = eight.pathChildren(eight.leaf(leaf.leaf), 2, leaf.path);
    const step = bent(children, round, lane);
    test.groups[0].roots = [step.out];
    expect(
      await noticed(test, {
        instances: ([[instance]]) => (instance.path = [{ ...step, position: 2 }]),
      }),
    ).toEqual(['hashing: compressions']);
  });

  it('whose root is another result of the last step is noticed', async () => {
    const test = lone(3, 2);
    test.groups[0].roots = [mod(test.groups[0].roots[0] + 1n)];
    expect(
      await noticed(test, {
        instances: ([[{ path }]]) => (path[0] = { ...path[0], out: mod(path[0].out + 1n) }),
      }),
    ).toEqual(['hashing: compressions']);
  });

  /** A step that starts from something else than the step before left; the tree's root is what comes out. */
  const broken = (lie: boolean): [TestCase, HashingForgery] => {
    const hash = eight;
    const test = lone(6, 41);
    const group = layoutOf(test).groups[0];
    const change = (path: Step[]): Step[] => {
      const children = path[1].children.slice();
      children[path[1].position] = mod(children[path[1].position] + 1n);
      return [path[0], { ...hash.compression(children), position: path[1].position }];
    };
    const forgery: HashingForgery = {
      instances: ([[instance]]) => (instance.path = change(instance.path)),
    };
    // The root that the forger committed to is the one that his path leads to.
    const [[leaf]] = test.groups[0].opened;
    const honest = hash.pathChildren(hash.leaf(leaf.leaf), 41, leaf.path);
    const last = honest[1].slice();
    const position = hash.position(41, 1);
    last[position] = mod(last[position] + 1n);
    test.groups[0].roots = [hash.node(last)];
    if (lie)
      forgery.computed = (s, layout) => {
        // He says that the result was what he went on with.
        const at = column(layout, layout.columns.out) + group.path[0].offset;
        s[at] = mod(s[at] + 1n);
      };
    return [test, forgery];
  };
  it('whose step does not start from the one before is noticed there', async () => {
    expect(await noticed(...broken(false))).toEqual(['hashing: compressions']);
  });
  it('who says that the step before left something else is held to S', async () => {
    const names = await noticed(...broken(true));
    expect(names).toContain('hashing: columns');
    expect(names).toContain('hashing: steps');
  });

  it('with bits that are no bits is noticed', async () => {
    // (2, 0, 0) in place of (0, 1, 0): the same index, and siblings that fit
    const test = lone(3, 2);
    const [[leaf]] = test.groups[0].opened;
    const node = eight.leaf(leaf.leaf);
    const children = [7n, 0n, 5n, 5n, 5n, 5n, 5n, 5n];
    // node = (1 - 2) child 0 + 2 child 1
    children[0] = mod(2n * children[1] - node);
    test.groups[0].roots = [eight.node(children)];
    const names = await refused(test, {
      instances: ([[instance]]) => {
        instance.path = [{ ...eight.compression(children), position: 2 }];
      },
      trace: (s, layout) => {
        const { offset } = layout.groups[0].path[0];
        s[column(layout, layout.columns.bits) + offset] = 2n;
        s[column(layout, layout.columns.bits + 1) + offset] = 0n;
      },
    });
    expect(names).toEqual(['hashing: compressions']);
  });

  it('with one column of S shifted is noticed', async () => {
    const { columns } = layoutOf(rounds);
    for (const k of [0, 3, columns.sboxes + 9, columns.out, columns.bits])
      expect(
        await noticed(rounds, {
          trace: (s, layout) => {
            const size = 2 ** layout.logCompressions;
            const shifted = s.slice(k * size, (k + 1) * size);
            shifted.forEach((_, i) => (s[k * size + ((i + 1) % size)] = shifted[i]));
          },
        }),
      ).toContain('hashing: compressions');
  });

  it('who takes a compression of nothing for the last step is noticed', async () => {
    const test = lone(6, 0);
    const zeros = eight.compression(new Array<bigint>(8).fill(0n));
    test.groups[0].roots = [zeros.out];
    expect(
      await refused(test, {
        instances: ([[instance]]) => (instance.path[1] = { ...zeros, position: 0 }),
      }),
    ).toEqual(['hashing: compressions']);
  });

  it('whose query is a copy of another is noticed', async () => {
    const names = await noticed(rounds, { instances: ([, , group]) => (group[4] = group[0]) });
    expect(names).toEqual(['hashing: answers', 'hashing: indices']);
  });

  it('whose leaf is not the one that is hashed is noticed', async () => {
    for (const [test, k] of [
      [rounds, 0],
      [rows, 0],
    ] as [TestCase, number][])
      expect(
        await noticed(test, {
          instances: (all) => {
            const [instance] = all[k];
            const [block] = instance.levels[0];
            const children = block.children.map((v, e) => (e === 1 ? mod(v + 1n) : v));
            const level = [...instance.levels[0]];
            level[0] = { ...test.hash.compression(children), position: 0 };
            all[k][0] = { ...instance, levels: [level, ...instance.levels.slice(1)] };
          },
        }),
      ).toContain('hashing: leaf levels');
  });

  it('who computes with another vector than S is held to S', async () => {
    const names = await noticed(rows, {
      computed: (s, layout) => {
        // a compression of no group, of something else than zeros
        const honest = four.compression([0n, 1n, 2n, 3n]);
        const at = 2 ** layout.logCompressions - 1;
        honest.children.forEach((v, k) => (s[column(layout, k) + at] = v));
        honest.inputs.slice(4).forEach((v, k) => (s[column(layout, 4 + k) + at] = v));
        s[column(layout, layout.columns.out) + at] = honest.out;
      },
    });
    expect(names).toEqual(['hashing: columns']);
  });
});

describe('shapes', () => {
  const shape = { trees: 1, queries: 1, entries: 4, depth: 2 };
  it.each(['trees', 'queries', 'entries', 'depth'] as const)('a group needs %s', (name) => {
    expect(() => hashingLayout(eight, [{ ...shape, [name]: 0 }])).toThrow(name);
  });
  it('are aligned ranges without gaps', () => {
    for (const [, test] of CASES) {
      const layout = layoutOf(test);
      const ranges = layout.groups
        .flatMap((g) =>
          [...g.levels, ...g.path].map((r) => ({
            offset: r.offset,
            size: 2 ** (r.log + g.logTrees + g.logQueries),
          })),
        )
        .sort((a, b) => a.offset - b.offset);
      let end = 0;
      for (const { offset, size } of ranges) {
        expect(offset).toBe(end);
        expect(offset % size).toBe(0);
        end += size;
      }
      expect(2 ** layout.logCompressions).toBeGreaterThanOrEqual(end);
    }
  });
});
