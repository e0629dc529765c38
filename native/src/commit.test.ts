import { describe, expect, test } from '@jest/globals';
import { engine } from './prover.js';
import { EMULATED, p, power, Random, transform } from './testing.js';

const random = new Random(6);

/** Root of unity, codeword, leaf hashes, path and cap by their definitions (hash itself is tested against o1js). */
async function check(
  logRow: number,
  count: number,
  logInvRate: number,
  logCap: number,
  zeroRow = false,
) {
  const width = 1 << logRow;
  const values = random.fields(count * width);
  if (zeroRow) values.fill(0n, 0, width);
  const commitment = await engine.commit(engine.fromBigints(values), {
    logInvRate,
    logRow,
    logCap,
  });
  const logDomain = logRow + logInvRate;
  expect(commitment.logDomain).toBe(logDomain);
  const omega = engine.rootOfUnity(logDomain);
  const rows = Array.from({ length: count }, (_, r) =>
    transform(values.slice(r * width, (r + 1) * width), omega, 1 << logDomain),
  );
  let layer = rows[0].map((_, i) => engine.hash(rows.map((row) => row[i])));
  const layers = [layer];
  while (layer.length > 1 << logCap) {
    const below = layer;
    layer = below.flatMap((x, i) => (i % 2 ? [] : [engine.hash([x, below[i + 1]])]));
    layers.push(layer);
  }
  expect(commitment.cap).toEqual(layer);
  for (const i of [
    0,
    Math.min(1, (1 << logDomain) - 1),
    (1 << logDomain) - 1,
    random.int(1 << logDomain),
  ]) {
    const { leaf, path } = commitment.open(i);
    expect(leaf).toEqual(rows.map((row) => row[i]));
    expect(path).toEqual(layers.slice(0, -1).map((l, d) => l[(i >> d) ^ 1]));
  }
  return commitment;
}

describe('commit', () => {
  test('codeword, tree and openings', async () => {
    await check(2, 4, 1, 0);
    await check(2, 16, 2, 2);
    await check(0, 8, 0, 0);
    await check(0, 1, 2, 1);
    await check(4, 2, 3, 7);
    await check(4, 4, 2, 1, true);
    await check(3, 11, 2, 2);
    await check(3, 1, 2, 2);
  });

  test('a codeword above the block size of the transform', async () => {
    await check(9, 1, 2, 4);
  });

  test('rootOfUnity', () => {
    expect(engine.rootOfUnity(0)).toBe(1n);
    expect(engine.rootOfUnity(1)).toBe(p - 1n);
    expect(engine.rootOfUnity(32)).toBe(power(5n, (p - 1n) >> 32n));
    expect(() => engine.rootOfUnity(33)).toThrow('rootOfUnity: log');
  });

  test('a stored tree gives the same openings', async () => {
    const vec = engine.fromBigints(random.fields(64));
    const options = { logInvRate: 2, logRow: 4, logCap: 2 };
    const fresh = await engine.commit(vec, options);
    const tree = await fresh.serializeTree();
    const stored = await engine.commit(vec, { ...options, tree });
    expect(stored.cap).toEqual(fresh.cap);
    for (let i = 0; i < 64; i += 9) expect(stored.open(i)).toEqual(fresh.open(i));
    expect(await stored.serializeTree()).toEqual(tree);
    await expect(engine.commit(vec, { ...options, tree: tree.slice(1) })).rejects.toThrow(
      'wrong size',
    );
    await expect(engine.commit(vec, { ...options, tree: new Uint8Array(0) })).rejects.toThrow(
      'wrong size',
    );
    await expect(engine.commit(vec, { ...options, logCap: 1, tree })).rejects.toThrow('wrong size');
    const damaged = tree.slice();
    damaged.fill(255, 8, 40);
    await expect(engine.commit(vec, { ...options, tree: damaged })).rejects.toThrow('damaged');
    const other = tree.slice();
    other[6]++;
    await expect(engine.commit(vec, { ...options, tree: other })).rejects.toThrow('other options');
  });

  test('reports progress and stops at the signal', async () => {
    // long enough to be stopped
    const logRow = engine.device().name === EMULATED ? 6 : 10;
    const vec = engine.fromBigints(random.fields(4 << logRow));
    const options = { logInvRate: 3, logRow, logCap: 0 };
    const seen: number[] = [];
    await engine.commit(vec, { ...options, onProgress: (fraction) => seen.push(fraction) });
    expect(seen.length).toBeGreaterThan(2);
    expect(seen[seen.length - 1]).toBe(1);
    expect(seen.every((x) => x >= 0 && x <= 1)).toBe(true);
    const controller = new AbortController();
    const running = engine.commit(vec, { ...options, signal: controller.signal });
    setTimeout(() => controller.abort(), 5);
    await expect(running).rejects.toMatchObject({ code: 'CANCELLED' });
  });

  test('rejects impossible shapes', async () => {
    const vec = engine.alloc(16);
    const rejects = (options: object, message: string) =>
      expect(
        engine.commit(vec, { logInvRate: 1, logRow: 2, logCap: 0, ...options }),
      ).rejects.toThrow(message);
    await rejects({ logRow: 33 }, 'commit: options.logRow');
    await rejects({ logRow: 5 }, 'expected 1 to 255 rows of 2^5 entries, got 16 entries');
    await rejects({ logInvRate: 31 }, 'domain of at most 2^32');
    await rejects({ logCap: 4 }, 'commit: options.logCap: expected an integer from 0 to 3, got 4');
    await rejects({ onProgress: 3 }, 'commit: options.onProgress');
    await expect(
      engine.commit(engine.alloc(3), { logInvRate: 1, logRow: 1, logCap: 0 }),
    ).rejects.toThrow('got 3 entries');
    const c = await engine.commit(vec, { logInvRate: 1, logRow: 2, logCap: 0 });
    expect(() => c.open(8)).toThrow('Commitment.open: index');
    c.dispose();
    expect(() => c.cap).toThrow('disposed');
  });
});
