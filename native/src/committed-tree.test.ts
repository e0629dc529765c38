/** Trees of compressions: shapes, storage, errors. That the hashes are those of the protocol is tested in prover/src/hashing/native.test.ts. */
import { describe, expect, test } from '@jest/globals';
import { TREE_ARITY } from './engine.js';
import { engine } from './prover.js';
import { mod, p, Random, transform } from './testing.js';

const random = new Random(7);

/** The published permutation's first elements for Pallas, width 8: of 0, …, 7 and of p - 1, …, p - 8. */
const PUBLISHED = [
  0x2a3c93e67833ba445e99ae6876f27bf39e698b9479d16af3e5fc05f53ddc305fn,
  0x3e50f1649e21f43e4411ae226631f1285bf280d768d16cdd7e5875a83f6f774dn,
];
const CHILDREN = [
  [0n, 1n, 2n, 3n, 4n, 5n, 6n, 7n],
  [1n, 2n, 3n, 4n, 5n, 6n, 7n, 8n].map((x) => p - x),
];

describe('compress', () => {
  test('is the published permutation plus the first child', async () => {
    const out = await engine.compress(engine.fromBigints(CHILDREN.flat()));
    expect(out.toBigints()).toEqual(PUBLISHED.map((x, i) => mod(x + CHILDREN[i][0])));
    expect((await engine.compress(engine.alloc(0))).length).toBe(0);
    await expect(engine.compress(engine.alloc(9))).rejects.toMatchObject({
      code: 'OUT_OF_RANGE',
      message: 'compress: children: expected a multiple of 8 entries, got 9',
    });
  });

  test('compressionTrace begins with the children and ends with the results, column by column', async () => {
    const count = 5;
    const children = engine.fromBigints(random.fields(TREE_ARITY * count));
    const traced = await engine.compressionTrace(children);
    expect(traced.length).toBe(122 * count);
    for (let e = 0; e < TREE_ARITY; e++)
      for (let i = 0; i < count; i++)
        expect(traced.get(e * count + i)).toBe(children.get(TREE_ARITY * i + e));
    const results = traced.slice(121 * count, count).toBigints();
    expect(results).toEqual((await engine.compress(children)).toBigints());
    expect((await engine.compressionTrace(engine.alloc(0))).length).toBe(0);
    await expect(engine.compressionTrace(engine.alloc(4))).rejects.toThrow(
      'compressionTrace: children: expected a multiple of 8 entries, got 4',
    );
  });
});

describe('treeLevels and hashLeaves', () => {
  test('refuse nothing and odd shapes', async () => {
    await expect(engine.treeLevels(engine.alloc(0))).rejects.toThrow('treeLevels: hashes');
    await expect(engine.hashLeaves(new Int32Array(7), 2)).rejects.toThrow('hashLeaves: values');
    await expect(engine.hashLeaves(new Int32Array(4), 0)).rejects.toThrow('hashLeaves: rowLength');
    await expect(engine.hashLeaves([1] as never, 1)).rejects.toMatchObject({ code: 'WRONG_TYPE' });
    expect((await engine.hashLeaves(new Int32Array(0), 3)).length).toBe(0);
    const [level, ...others] = await engine.treeLevels(engine.fromBigints([5n]));
    expect([level.toBigints(), others]).toEqual([[5n], []]);
  });

  test('stop at the signal', async () => {
    const signal = AbortSignal.abort();
    const cancelled = { code: 'CANCELLED' };
    const vec = engine.alloc(8);
    await expect(engine.treeLevels(vec, signal)).rejects.toMatchObject(cancelled);
    await expect(engine.compressionTrace(vec, signal)).rejects.toMatchObject(cancelled);
    await expect(engine.hashLeaves(new Int32Array(8), 1, signal)).rejects.toMatchObject(cancelled);
    const running = new AbortController();
    const long = engine.treeLevels(engine.alloc(1 << 16), running.signal);
    running.abort();
    await expect(long).rejects.toMatchObject(cancelled);
  });
});

describe('commitTree', () => {
  test('opens columns of the codeword, and siblings of every step', async () => {
    const [rows, logRow, logInvRate] = [3, 3, 1];
    const values = random.fields(rows << logRow);
    const tree = await engine.commitTree(engine.fromBigints(values), { logRow, logInvRate });
    const omega = engine.rootOfUnity(4);
    const codewords = Array.from({ length: rows }, (_, r) =>
      transform(values.slice(r << logRow, (r + 1) << logRow), omega, 16),
    );
    expect(tree.logDomain).toBe(4);
    // leaves under one node are an eighth of the domain apart
    const columns = codewords[0].map((_, i) =>
      codewords.map((word) => word[(i % 8) * 2 + Math.floor(i / 8)]),
    );
    const hashes = await engine.compress(
      engine.fromBigints(columns.flatMap((c) => [...c, 0n, 0n, 0n, 0n, 0n])),
    );
    const levels = (await engine.treeLevels(hashes)).map((level) => level.toBigints());
    expect(levels.map((level) => level.length)).toEqual([16, 2, 1]);
    expect(tree.root).toBe(levels[2][0]);
    for (let i = 0; i < 16; i++) {
      const { leaf, path } = tree.open(i);
      expect(leaf).toEqual(columns[i]);
      const first = i - (i % 8);
      expect(path).toEqual([
        levels[0].slice(first, first + 8).filter((_, k) => k !== i % 8),
        [levels[1][i < 8 ? 1 : 0], 0n, 0n, 0n, 0n, 0n, 0n],
      ]);
    }
  });

  test('a stored tree gives the same openings', async () => {
    const vec = engine.fromBigints(random.fields(64));
    const options = { logInvRate: 2, logRow: 4 };
    const fresh = await engine.commitTree(vec, options);
    const tree = await fresh.serializeTree();
    expect(tree.length).toBe(8 + 32 * (8 + 1));
    expect([...tree.slice(0, 8)]).toEqual([...Buffer.from('ATTR'), 4, 6, 4, 3]);
    const nodes = Buffer.from(tree.buffer, tree.byteOffset + 8);
    const node = (k: number) =>
      BigInt(
        `0x${Buffer.from(nodes.subarray(32 * k, 32 * k + 32))
          .reverse()
          .toString('hex')}`,
      );
    expect(node(8)).toBe(fresh.root);
    expect([0, 1, 2, 4, 5, 6, 7].map(node)).toEqual(fresh.open(8 * 3).path[1]);
    const stored = await engine.commitTree(vec, { ...options, tree });
    expect(stored.root).toBe(fresh.root);
    for (let i = 0; i < 64; i += 9) expect(stored.open(i)).toEqual(fresh.open(i));
    expect(await stored.serializeTree()).toEqual(tree);

    const refuses = (other: Uint8Array, message: string) =>
      expect(engine.commitTree(vec, { ...options, tree: other })).rejects.toMatchObject({
        code: 'OUT_OF_RANGE',
        message: expect.stringContaining(message) as unknown,
      });
    const changed = (at: number, ...bytes: number[]) => {
      const copy = tree.slice();
      copy.set(bytes, at);
      return copy;
    };
    await refuses(tree.slice(1), 'wrong size: expected 296 bytes');
    await refuses(new Uint8Array(0), 'wrong size');
    await refuses(changed(0, 66), 'is no tree');
    await refuses(changed(6, 5), 'other options');
    await refuses(changed(7, 2), 'other options');
    await refuses(changed(8, ...new Array<number>(32).fill(255)), 'damaged');
    const old = await engine.commit(vec, { ...options, logCap: 0 });
    await refuses(await old.serializeTree(), 'commit the model again');
  });

  test('reports progress and stops at the signal', async () => {
    const vec = engine.fromBigints(random.fields(1 << 12));
    const options = { logInvRate: 3, logRow: 10 };
    let seen: number[] = [];
    // A run of milliseconds may end before the event loop comes to tell of it.
    for (let run = 0; run < 10 && seen.length < 3; run++) {
      seen = [];
      await engine.commitTree(vec, { ...options, onProgress: (fraction) => seen.push(fraction) });
    }
    expect(seen.length).toBeGreaterThan(2);
    expect(seen[seen.length - 1]).toBe(1);
    expect(seen.every((x) => x >= 0 && x <= 1)).toBe(true);
    const controller = new AbortController();
    const running = engine.commitTree(vec, { ...options, signal: controller.signal });
    controller.abort();
    await expect(running).rejects.toMatchObject({
      code: 'CANCELLED',
      message: "commitTree: cancelled by the caller's signal",
    });
  });

  test('rejects impossible shapes', async () => {
    const vec = engine.alloc(16);
    const rejects = (options: object, message: string) =>
      expect(engine.commitTree(vec, { logInvRate: 1, logRow: 2, ...options })).rejects.toThrow(
        message,
      );
    await rejects({ logRow: 33 }, 'commitTree: options.logRow');
    await rejects({ logRow: 5 }, 'expected 1 to 255 rows of 2^5 entries, got 16 entries');
    await rejects({ logInvRate: 31 }, 'domain of at most 2^32');
    await rejects({ tree: 'no' }, 'commitTree: options.tree: expected a Uint8Array');
    const tree = await engine.commitTree(vec, { logInvRate: 1, logRow: 2 });
    expect(() => tree.open(8)).toThrow('CommittedTree.open: index');
    tree.dispose();
    expect(() => tree.root).toThrow('disposed');
  });
});
