import { describe, expect, test } from '@jest/globals';
import { engine } from './prover.js';
import * as twin from './testing.js';
import { inverse, mod, Random } from './testing.js';

const random = new Random(5);

/** A verifier of the whole tree: returns the claims on num and den at the last point. */
async function run(num: bigint[], den: bigint[]) {
  const tree = await engine.fractions(engine.fromBigints(num), engine.fromBigints(den));
  let [claimP, claimQ] = tree.root();
  let point: bigint[] = [];
  for (let k = 0; k < tree.depth; k++) {
    const lambda = random.field();
    tree.beginLayer(k, point, lambda);
    let claim = mod(claimP + lambda * claimQ);
    const rho: bigint[] = [];
    for (const tau of point) {
      const [c1, c2] = await tree.round();
      const c0 = mod(claim - tau * (c1 + c2));
      const r = random.field();
      claim = mod(c0 + r * (c1 + r * c2));
      await tree.bind(r);
      rho.push(r);
    }
    const [p0, p1, q0, q1] = tree.finals();
    expect(claim).toBe(mod(p0 * q1 + p1 * q0 + lambda * q0 * q1));
    const r = random.field();
    claimP = mod(p0 + r * (p1 - p0));
    claimQ = mod(q0 + r * (q1 - q0));
    point = [r, ...rho];
  }
  const eq = twin.eqTable(point);
  expect([claimP, claimQ]).toEqual([twin.dot(num, eq), twin.dot(den, eq)]);
  return tree;
}

describe('fractional sums', () => {
  test.each([0, 1, 2, 5, 11])('depth %i', async (depth) => {
    const num = random.fields(1 << depth);
    const den = random.fields(1 << depth).map((x) => x || 1n);
    const tree = await run(num, den);
    expect(tree.depth).toBe(depth);
    const [rootP, rootQ] = tree.root();
    const sum = num.reduce((s, n, i) => mod(s + n * inverse(den[i])), 0n);
    expect(mod(rootP * inverse(rootQ))).toBe(sum);
  });

  test('the messages are the reference model’s', async () => {
    const [num, den, point, lambda] = [
      random.fields(16),
      random.fields(16),
      random.fields(2),
      random.field(),
    ];
    const tree = await engine.fractions(engine.fromBigints(num), engine.fromBigints(den));
    // layer 3 of the tree by hand
    const pair = (p: bigint[], q: bigint[]) => {
      const h = p.length / 2;
      return [
        p.slice(0, h).map((x, i) => mod(x * q[h + i] + p[h + i] * q[i])),
        q.slice(0, h).map((x, i) => mod(x * q[h + i])),
      ];
    };
    const [p, q] = pair(num, den);
    tree.beginLayer(2, point, lambda);
    let columns = [p.slice(0, 4), p.slice(4), q.slice(0, 4), q.slice(4)];
    for (let j = 0; j < 2; j++) {
      const half = columns[0].length / 2;
      const eq = twin.eqTable(point.slice(j + 1));
      const h = [0n, 1n, 2n].map((x) => {
        const at = columns.map((c) => twin.fold(c, x));
        let sum = 0n;
        for (let i = 0; i < half; i++) {
          sum += eq[i] * (at[0][i] * at[3][i] + at[1][i] * at[2][i] + lambda * at[2][i] * at[3][i]);
        }
        return mod(sum);
      });
      const c2 = mod((h[2] - 2n * h[1] + h[0]) * inverse(2n));
      expect(await tree.round()).toEqual([mod(h[1] - h[0] - c2), c2]);
      const r = random.field();
      await tree.bind(r);
      columns = columns.map((c) => twin.fold(c, r));
    }
    expect(tree.finals()).toEqual(columns.map((c) => c[0]));
  });

  test('a layer can be begun again', async () => {
    const tree = await engine.fractions(
      engine.fromBigints(random.fields(8)),
      engine.fromBigints(random.fields(8)),
    );
    const point = random.fields(2);
    tree.beginLayer(2, point, 3n);
    const first = await tree.round();
    await tree.bind(5n);
    tree.beginLayer(2, point, 3n);
    expect(await tree.round()).toEqual(first);
  });

  test('rejects calls out of order and bad shapes', async () => {
    const tree = await engine.fractions(engine.alloc(8), engine.alloc(8));
    await expect(tree.round()).rejects.toMatchObject({ code: 'WRONG_STATE' });
    expect(() => tree.finals()).toThrow('call beginLayer first');
    expect(() => tree.beginLayer(3, [1n, 1n, 1n], 1n)).toThrow('FractionTree.beginLayer: k');
    expect(() => tree.beginLayer(2, [1n], 1n)).toThrow('expected 2 coordinates, got 1');
    tree.beginLayer(1, [1n], 1n);
    expect(() => tree.finals()).toThrow('got 1 left');
    await tree.bind(1n);
    await expect(tree.bind(1n)).rejects.toMatchObject({ code: 'WRONG_STATE' });
    await expect(engine.fractions(engine.alloc(8), engine.alloc(4))).rejects.toThrow(
      'fractions: den',
    );
    await expect(engine.fractions(engine.alloc(6), engine.alloc(6))).rejects.toThrow(
      'power of two',
    );
    tree.dispose();
    expect(() => tree.root()).toThrow('disposed');
  });
});
