import { describe, expect, test } from '@jest/globals';
import { selectEngine } from '../engines.js';
import type { EngineName } from '../engine.js';
import { site } from './site.js';

const big = (values: number[]): BigInt64Array => BigInt64Array.from(values, BigInt);

describe.each<EngineName>(['reference', 'native'])('sigmoid and SiLU, %s engine', (name) => {
  test('every table entry is the floor of the exact value, and the table is monotone', async () => {
    const engine = await selectEngine(name);
    const x = big(Array.from({ length: 65536 }, (_, c) => (c - 32768) * 32));
    const { c, sigma } = await engine.sigmoid(x);
    const wrong: number[] = [];
    for (let i = 0; i < 65536; i++) {
      const exact = 65536 / (1 + Math.exp(-(i - 32768) / 2048));
      const y = Number(sigma[i]);
      const floor = y <= exact + 1e-9 && y > exact - 1 - 1e-9;
      const monotone = i === 0 || sigma[i] >= sigma[i - 1];
      if (c[i] !== BigInt(i) || !floor || !monotone) wrong.push(i);
    }
    expect(wrong).toEqual([]);
    expect(sigma[32768]).toBe(32768n);
  });

  test('both ends saturate', async () => {
    const engine = await selectEngine(name);
    const low = [
      -(2 ** 31),
      -64 * 65536,
      -50 * 65536,
      -44.4 * 65536,
      -28.42 * 65536,
      -16 * 65536 - 1,
    ];
    const high = [16 * 65536 - 1, 16 * 65536, 28 * 65536, 64 * 65536, 2 ** 31 - 1];
    const { c, sigma } = await engine.sigmoid(big([...low, ...high].map(Math.floor)));
    low.forEach((_, i) => {
      expect(c[i]).toBe(0n);
      expect(sigma[i]).toBe(0n);
    });
    high.forEach((_, i) => {
      expect(c[low.length + i]).toBe(65535n);
      expect(sigma[low.length + i]).toBe(65535n);
    });
  });

  test('SiLU of large negative values is 0, never the value; negatives floor', async () => {
    const engine = await selectEngine(name);
    const silu = async (x: bigint[]): Promise<bigint[]> => {
      const values = BigInt64Array.from(x);
      const { sigma } = await engine.sigmoid(values);
      return [...(await engine.multiply(values, sigma, 1, x.length, site('silu')))];
    };
    expect(await silu([-50n * 65536n, -64n * 65536n, -(2n ** 31n)])).toEqual([0n, 0n, 0n]);
    const x = Array.from({ length: 400 }, (_, i) => BigInt(-i * 1311 - 1));
    const { sigma } = await engine.sigmoid(BigInt64Array.from(x));
    const y = await silu(x);
    x.forEach((v, i) => {
      const product = v * sigma[i];
      expect(y[i] * 65536n <= product && product < (y[i] + 1n) * 65536n).toBe(true);
    });
  });
});
