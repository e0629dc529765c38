import { describe, expect, it } from '@jest/globals';
import { nodes } from '@attensor/inference';
import { objections, traceOfValues } from '../testing/mini.js';
import { Builder, dim, fromTrace } from './builder.js';
import { RmsNorm } from './rms-norm.js';

const SIZE = 4;
const EPSILON = 1e-6;

function root(n: bigint): bigint {
  let x = BigInt(Math.floor(Math.sqrt(Number(n))));
  while (x * x > n) x--;
  while ((x + 1n) * (x + 1n) <= n) x++;
  return x;
}

/** Two rows; `bend` changes the inverse root of the second, y follows. */
async function norm(rows: bigint[][], bend = 0n): Promise<string[]> {
  const [t, i] = [dim('t', rows.length), dim('i', SIZE)];
  const gains = [65536n, -30000n, 1n, 1n << 20n];
  const builder = new Builder();
  const x = builder.free('x', [t, i], fromTrace('x'));
  const n = new RmsNorm(builder, nodes.norm('n', 'x', SIZE, EPSILON, '', 'g'), x, t);
  const E = BigInt(Math.max(1, Math.round(EPSILON * SIZE * 2 ** 32)));
  const S = rows.map((r) => r.reduce((s, v) => s + v * v, 0n));
  const inv = S.map((s, k) => root((BigInt(SIZE) << 64n) / (s + E)) + (k === 1 ? bend : 0n));
  const y = rows.flatMap((r, k) => r.map((v, j) => (v * inv[k] * gains[j]) >> 32n));
  const trace = traceOfValues(
    {
      x: { dims: [rows.length, SIZE], data: rows.flat() },
      'n.S': { dims: [rows.length], data: S },
      'n.inv': { dims: [rows.length], data: inv },
      'n.y': { dims: [rows.length, SIZE], data: y },
    },
    { g: gains },
  );
  return objections(builder, {
    trace,
    parameters: { g: gains },
    script: (scope) => RmsNorm.script(scope, [n]),
  });
}

const ROW = [65536n, 0n, -3n, 12345n];

describe('RMSNorm', () => {
  it('accepts rows of every size: zeros, ones, two and more, near the largest', async () => {
    expect(await norm([ROW, [0n, 0n, 0n, 0n]])).toEqual([]);
    expect(await norm([ROW, [1n, 0n, 0n, 0n]])).toEqual([]);
    expect(await norm([ROW, [-(2n << 16n), 2n << 16n, 5n << 16n, -(60n << 16n)]])).toEqual([]);
    expect(await norm([ROW, [(1n << 30n) - 1n, -(1n << 30n), 7n, 1n << 30n]])).toEqual([]);
  });
  it('rejects the next smaller and larger inverse root', async () => {
    for (const row of [
      [65536n, 65536n, 0n, 1n],
      [1n, 2n, 3n, 4n],
      [1n << 28n, 5n, 5n, 5n],
    ])
      for (const bend of [-1n, 1n]) expect(await norm([ROW, row], bend)).toEqual(['RMSNorm rows']);
  });
});
