/** The engine's tree hash is the plain one, and its constants are this derivation's. */
import { describe, expect, it } from '@jest/globals';
import { engine } from '@attensor/native';
import { execFileSync } from 'node:child_process';
import { readFileSync } from 'node:fs';
import { fileURLToPath } from 'node:url';
import { mod, P } from '../protocol/field.js';
import { elements } from '../testing/hashing.js';
import { PlainTree, TreeHash } from './tree-hash.js';
import { columnOf } from './trees.js';

const hash = new TreeHash(8);
const next = elements(22);
const EDGES = [0n, 1n, 2n, P - 1n, P - 2n];
/** Of the ends of the field, of all kinds, and of both. */
const states = (count: number): bigint[][] =>
  Array.from({ length: count }, (_, i) =>
    Array.from({ length: 8 }, (__, e) =>
      i % 3 === 0 || (i % 3 === 1 && e % 2 === 0) ? EDGES[(i * 7 + e * 3) % 5] : next(),
    ),
  );

it('constants of the engine are written by its script from this derivation', () => {
  const native = new URL('../../../native/', import.meta.url);
  const path = (name: string): string => fileURLToPath(new URL(name, native));
  const script = path('scripts/poseidon2-constants.mjs');
  const made = execFileSync(process.execPath, [script, '--print'], { encoding: 'utf8' });
  expect(readFileSync(path('src/prover/poseidon2_constants.h'), 'utf8')).toBe(made);
});

describe('compressions', () => {
  const given = states(37);
  const vec = engine.fromBigints(given.flat());
  it('are those of the plain hash', async () => {
    expect((await engine.compress(vec)).toBigints()).toEqual(given.map((s) => hash.node(s)));
  });
  it('have their children, the S-box inputs after the first round and the result as columns', async () => {
    const traced = (await engine.compressionTrace(vec)).toBigints();
    const columns = given.map((s) => {
      const { children, inputs, out } = hash.compression(s);
      return [...children, ...inputs.slice(hash.width), out];
    });
    expect(traced).toEqual(columns[0].flatMap((_, k) => columns.map((c) => c[k])));
  });
});

describe('trees', () => {
  it.each([1, 2, 7, 8, 9, 15, 64, 65, 100, 513])(
    'over %i hashes have the plain levels',
    async (n) => {
      const hashes = Array.from({ length: n }, next);
      const levels = await engine.treeLevels(engine.fromBigints(hashes));
      expect(levels.map((level) => level.toBigints())).toEqual(hash.levels(hashes));
    },
  );

  it.each([...Array.from({ length: 17 }, (_, k) => k + 1), 32, 33, 63, 64, 65, 100, 129, 520])(
    'have the plain hashes of leaves of %i integers',
    async (width) => {
      const rows = 5;
      const values = Int32Array.from({ length: rows * width }, (_, k) =>
        k % 5 === 0 ? -(2 ** 31) : k % 5 === 1 ? 0 : Number(BigInt.asIntN(32, next())),
      );
      const hashes = await engine.hashLeaves(values, width);
      expect(hashes.toBigints()).toEqual(
        Array.from({ length: rows }, (_, i) =>
          hash.leaf([...values.slice(i * width, (i + 1) * width)].map((v) => mod(BigInt(v)))),
        ),
      );
    },
  );

  const shapes: [rows: number, logRow: number, logInvRate: number][] = [
    ...Array.from({ length: 16 }, (_, k): [number, number, number] => [k + 1, 1, 1]),
    ...Array.from({ length: 7 }, (_, k): [number, number, number] => [2, k, 1]),
    [1, 0, 0],
    [3, 0, 1],
    [100, 1, 2],
    [17, 2, 1],
    [255, 0, 1],
  ];
  it.each(shapes)('of %i rows of 2^%i at rate 2^-%i open as the plain tree', async (...shape) => {
    const [rows, logRow, logInvRate] = shape;
    const vec = engine.fromBigints(Array.from({ length: rows << logRow }, next));
    const tree = await engine.commitTree(vec, { logRow, logInvRate });
    const codeword = await engine.commit(vec, { logRow, logInvRate, logCap: 0 });
    const size = 2 ** tree.logDomain;
    const plain = new PlainTree(
      hash,
      Array.from({ length: size }, (_, i) => codeword.open(columnOf(tree.logDomain, i)).leaf),
    );
    expect(tree.root).toBe(plain.root);
    expect(await tree.serializeTree()).toEqual(plain.serialize());
    for (let i = 0; i < size; i += 1 + (i >> 2)) expect(tree.open(i)).toEqual(plain.open(i));
    expect(hash.verify(plain.shape, tree.root, size - 1, tree.open(size - 1))).toBe(true);
  });
});
