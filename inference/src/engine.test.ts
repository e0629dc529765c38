import { describe, expect, test } from '@jest/globals';
import type { Site } from './components/site.js';
import { site } from './components/site.js';
import type { Engine } from './engine.js';
import { LONG_ATTENTION, SHORT_ATTENTION } from './config.js';
import { referenceEngine } from './engine.js';
import { selectEngine } from './engines.js';
import { AttensorError } from '@attensor/core';
import { random } from './testing/fixtures.js';

const MIN = -(2 ** 31);
const MAX = 2 ** 31 - 1;
const at: Site = site('layers.3.test', (row) => 100 + row);

/** What an engine answers: its result, or the error's code, place and values. */
async function outcome(run: () => unknown): Promise<unknown> {
  try {
    return await run();
  } catch (error) {
    if (!(error instanceof AttensorError)) throw error;
    const { code, where, expected, got } = error;
    return { code, where, expected, got };
  }
}

async function expectEqual(run: (engine: Engine) => unknown): Promise<unknown> {
  const native = await selectEngine('native');
  const expected = await outcome(() => run(referenceEngine));
  expect(await outcome(() => run(native))).toEqual(expected);
  return expected;
}

const pick = random(7);
/** Nearly normal, of deviation 1: twelve uniform values. */
const gaussian = (): number =>
  Array.from({ length: 12 }, () => pick(0, 2 ** 20) / 2 ** 20).reduce((a, b) => a + b, -6);
/** Random activations of the given size, with edge values among them. */
function ints(n: number, bound: number): BigInt64Array {
  const edges = [0, -1, 1, bound, -bound];
  return BigInt64Array.from({ length: n }, () =>
    BigInt(pick(0, 9) === 0 ? edges[pick(0, 4)] : pick(-bound, bound)),
  );
}
const weights = (n: number, bound: number): Int32Array => Int32Array.from(ints(n, bound), Number);
const big = (values: number[]): BigInt64Array => BigInt64Array.from(values, BigInt);

/** Errors of the addon come from another realm than the test. */
const named = (name: string): object => expect.objectContaining({ name });

const router = { groupRank: 2, scale: 98304, divisor: 'selected' } as const;

describe('native and reference engines agree', () => {
  test.each([
    [1, 1, 1],
    [1, 7, 5],
    [4, 16, 3],
    [5, 33, 17],
    [9, 64, 31],
    [70, 96, 64],
  ])('gemm %d x %d x %d', async (rows, inner, outer) => {
    for (const bits of [4, 15, 19]) {
      const x = ints(rows * inner, 2 ** bits);
      const w = weights(outer * inner, 2 ** bits);
      const shape = { rows, inner, outer };
      await expectEqual((e) => e.gemm(x, w, shape, at));
      await expectEqual((e) => e.gemmAcc(x, w, shape, at));
    }
  });

  test('gemm beyond doubles: partial sums cancel, results fit', async () => {
    const shape = { rows: 1, inner: 6, outer: 1 };
    const x = big([MAX, MAX, MIN, MIN, -1, 3]);
    const far = Int32Array.of(MAX, -MAX, MIN, MAX, 5, 7);
    expect(await expectEqual((e) => e.gemm(x, far, shape, at))).toEqual({
      acc: big([2 ** 31 + 16]), // -2^31 (-2^31 + 2^31 - 1) - 5 + 21
      y: big([2 ** 15]),
    });
    const further = Int32Array.of(MAX, MAX, 0, 0, 0, 0);
    expect(await expectEqual((e) => e.gemm(x, further, shape, at))).toMatchObject({
      code: 'OVERFLOW',
    });
  });

  test('gemm with 64-bit sums that would wrap', async () => {
    const inner = 16;
    const x = big(Array<number>(2 * inner).fill(MIN));
    const w = new Int32Array(inner).fill(MIN);
    const result = await expectEqual((e) => e.gemm(x, w, { rows: 2, inner, outer: 1 }, at));
    expect(result).toMatchObject({ code: 'OVERFLOW', got: String(2n ** 62n * 16n) });
  });

  test('gemm bounds: -2^47 is the last accumulator, 2^47 the first overflow', async () => {
    const shape = { rows: 2, inner: 1, outer: 2 };
    const w = Int32Array.of(1, 2 ** 17);
    const run = (value: number): Promise<unknown> =>
      expectEqual((e) => e.gemm(big([0, value]), w, shape, at));
    expect(await run(-(2 ** 30))).toMatchObject({ acc: big([0, 0, -(2 ** 30), -(2 ** 47)]) });
    expect(await run(2 ** 30)).toEqual({
      code: 'OVERFLOW',
      where: 'layer 3, component test, position 101, index 1',
      expected: '-2^47 <= acc < 2^47',
      got: String(2 ** 47),
    });
    expect(await run(2 ** 31)).toMatchObject({
      code: 'OVERFLOW',
      expected: '-2^31 <= value < 2^31',
    });
  });

  test('gemmRows gathers and scatters', async () => {
    const x = ints(6 * 8, 2 ** 18);
    const w = weights(5 * 8, 2 ** 17);
    const from = Int32Array.of(5, 0, 0, 3);
    const to = Int32Array.of(1, 6, 2, 0);
    await expectEqual(async (e) => {
      const blank = (): BigInt64Array => new BigInt64Array(7 * 5).fill(-9n);
      const out = { acc: blank(), y: blank() };
      await e.gemmRows(x, from, w, { rows: 4, inner: 8, outer: 5 }, to, out, at);
      return out;
    });
  });

  test.each([1, 2, 3, 32, 100])('rmsNorm of %d entries', async (d) => {
    const g = weights(d, 2 ** 17);
    for (const bits of [1, 8, 18, 24]) {
      const x = ints(4 * d, 2 ** bits);
      x.fill(0n, 0, d); // a row of zeros
      await expectEqual((e) => e.rmsNorm(x, g, 4, d, 274878n, at));
    }
    const extreme = ints(d, MAX);
    await expectEqual((e) => e.rmsNorm(extreme, g, 1, d, 1n, at));
  });

  test('rmsNorm overflows', async () => {
    const g = Int32Array.of(65536, 65536);
    const sum = await expectEqual((e) => e.rmsNorm(big([MIN, MIN]), g, 1, 2, 1n, at));
    expect(sum).toMatchObject({ code: 'OVERFLOW', expected: 'sum of squares < 2^63' });
    const root = await expectEqual((e) => e.rmsNorm(big([0]), Int32Array.of(1), 1, 1, 1n, at));
    expect(root).toMatchObject({ code: 'OVERFLOW', expected: 'inverse root < 2^32' });
    const far = await expectEqual((e) =>
      e.rmsNorm(big([0, 0, 0]), Int32Array.of(1, 1, 1), 1, 3, 1n, at),
    );
    expect(far).toMatchObject({ expected: 'inverse root < 2^32', got: '7439101573' });
    const y = await expectEqual((e) =>
      e.rmsNorm(big([2 ** 20, 0]), Int32Array.of(MAX, 1), 1, 2, 1n, at),
    );
    expect(y).toMatchObject({ code: 'OVERFLOW', expected: '-2^31 <= value < 2^31' });
  });

  test('rope', async () => {
    const angles = (rows: number, half: number): { cos: Int32Array; sin: Int32Array } => ({
      cos: weights(rows * half, 65536),
      sin: weights(rows * half, 65536),
    });
    for (const [rows, heads, d] of [
      [1, 1, 2],
      [5, 3, 8],
      [4, 1, 6],
    ]) {
      const x = ints(rows * heads * d, 2 ** 29);
      const table = angles(rows, d / 2);
      await expectEqual((e) => e.rope(x, table, rows, heads, d, at));
    }
    const turn = { cos: Int32Array.of(46341), sin: Int32Array.of(46341) };
    expect(await expectEqual((e) => e.rope(big([MAX, MAX]), turn, 1, 1, 2, at))).toMatchObject({
      code: 'OVERFLOW',
    });
  });

  test.each([
    [0, 1, 1],
    [0, 6, 2],
    [5, 1, 3],
    [3, 4, 2],
  ])('attention from position %d over %d queries, %d heads', async (start, queries, heads) => {
    const keys = start + queries;
    const shape = { start, queries, keys, heads };
    for (const bits of [3, 12, 18, 21]) {
      const inputs = {
        qn: ints(queries * heads * 5, 2 ** bits),
        kn: ints(keys * heads * 5, 2 ** bits),
        qr: ints(queries * heads * 2, 2 ** bits),
        kr: ints(keys * 2, 2 ** bits),
        nope: 5,
        rope: 2,
      };
      await expectEqual((e) => e.mul1(inputs, shape, false, at));
      const acc = await referenceEngine.mul1(inputs, shape, true, at);
      await expectEqual((e) => e.mul1(inputs, shape, true, at));
      const soft = await referenceEngine.softmax(acc, 724, shape, at);
      await expectEqual((e) => e.softmax(acc, 724, shape, at));
      const values = ints(keys * heads * 3, MAX);
      await expectEqual((e) => e.mul2(soft.p, values, 3, shape, at));
      const scale = 724 * 2 ** 16 + 12_345;
      const long = await referenceEngine.softmax(acc, scale, shape, at, LONG_ATTENTION);
      await expectEqual((e) => e.softmax(acc, scale, shape, at, LONG_ATTENTION));
      await expectEqual((e) => e.mul2(long.p, values, 3, shape, at, LONG_ATTENTION));
    }
  });

  // Of what lies far below the largest score, the table of exp keeps few digits: 7.4 / 2^16 counts as 7 / 2^16.
  test.each([
    ['equal scores', 0.0001, () => 0],
    ['scores of a normal distribution', 0.001, () => 2 ** 32 * gaussian()],
    ['one score above all others', 0.02, (s: number) => (s === 77 ? 9 * 2 ** 32 : 0)],
    ['some scores above the rest', 0.001, (s: number) => (s % 100 === 0 ? 5 * 2 ** 32 : 0)],
  ])('long attention over 32,768 positions sums to 1: %s', async (_, bound, score) => {
    const keys = 32_768;
    const shape = { start: keys - 1, queries: 1, keys, heads: 1 };
    const acc = BigInt64Array.from({ length: keys }, (_, s) => BigInt(Math.round(score(s))));
    const scale = Math.round(2 ** 28 / Math.sqrt(192)) * 14;
    // the engines agree on smaller shapes, above
    const { p } = await referenceEngine.softmax(acc, scale, shape, at, LONG_ATTENTION);
    const total = Number(p.reduce((a, b) => a + b, 0n)) / 2 ** 31;
    expect(Math.abs(total - 1)).toBeLessThan(0.001);
    // each is near what doubles say
    const exact = Array.from(acc, (a) => Math.exp((Number(a) / 2 ** 32) * (scale / 2 ** 28)));
    const sum = exact.reduce((a, b) => a + b, 0);
    const off = exact.reduce((o, e, s) => o + Math.abs(Number(p[s]) / 2 ** 31 - e / sum), 0);
    expect(off).toBeLessThan(bound);
  });

  test('softmax with ties, far keys and masked pairs', async () => {
    const shape = { start: 0, queries: 4, keys: 4, heads: 1 };
    const far = 2 ** 46;
    const acc = big([5, far, 0, 0, far, far, 0, 0, -far, 0, far - 1, 0, 7, 7, 7, 7]);
    const result = await expectEqual((e) => e.softmax(acc, 4096, shape, at));
    const { c, e, p } = result as Record<string, BigInt64Array>;
    expect(c.subarray(0, 4)).toEqual(big([0, 65535, 65535, 65535]));
    expect(e.subarray(12, 16)).toEqual(big([65536, 65536, 65536, 65536]));
    expect(p.subarray(12, 16)).toEqual(big([16383, 16383, 16383, 16383]));
  });

  test('masked scores may leave the accumulator, visible ones may not', async () => {
    const shape = { start: 0, queries: 2, keys: 2, heads: 1 };
    const scores = (kn: number[]): Promise<unknown> => {
      const inputs = {
        qn: big([2 ** 20, 0]),
        kn: big(kn),
        qr: big([0, 0]),
        kr: big([0, 0]),
        nope: 1,
        rope: 1,
      };
      return expectEqual((e) => e.mul1(inputs, shape, true, at));
    };
    expect(await scores([0, 2 ** 30])).toEqual(big([0, 2 ** 50, 0, 0]));
    expect(await scores([2 ** 30, 0])).toMatchObject({ code: 'OVERFLOW' });
  });

  test('mul2 beyond doubles', async () => {
    const shape = { start: 0, queries: 1, keys: 1, heads: 1 };
    const mul2 = (p: number, v: number) =>
      expectEqual((e) => e.mul2(big([p]), big([v]), 1, shape, at));
    expect(await mul2(MAX, MAX)).toMatchObject({
      code: 'OVERFLOW',
      got: String((2n ** 31n - 1n) ** 2n),
    });
    const sums = { start: 1, queries: 1, keys: 2, heads: 1 };
    expect(
      await expectEqual((e) => e.mul2(big([MAX, MIN]), big([MIN, MIN]), 1, sums, at)),
    ).toMatchObject({ acc: big([2 ** 31]) });
    // probabilities that add up to 1 leave no width; others may
    const long = (p: number[], v: number[]) =>
      expectEqual((e) => e.mul2(big(p), big(v), 1, sums, at, LONG_ATTENTION));
    expect(await long([2 ** 30, 2 ** 30 - 1], [MIN, MIN])).toMatchObject({ y: big([MIN + 1]) });
    expect(await long([MIN, MIN], [MIN, MIN])).toMatchObject({
      code: 'OVERFLOW',
      got: String(2n ** 32n),
    });
  });

  test('element-wise', async () => {
    for (const bits of [4, 15, 17, 23]) {
      const [a, b, c] = [1, 2, 3].map(() => ints(6 * 7, 2 ** bits));
      await expectEqual((e) => e.add([a, b, c], 6, 7, at));
      await expectEqual((e) => e.multiply(a, b, 6, 7, at));
      await expectEqual((e) => e.scaleRows(a, b.subarray(0, 6), 6, 7, at));
    }
    const edge = big([MAX, MIN]);
    expect(await expectEqual((e) => e.add([edge, big([1, 0])], 1, 2, at))).toMatchObject({
      code: 'OVERFLOW',
    });
    expect(await expectEqual((e) => e.add([edge, big([0, -1])], 2, 1, at))).toMatchObject({
      code: 'OVERFLOW',
    });
    await expectEqual((e) => e.add([edge, big([-1, 1])], 1, 2, at));
    await expectEqual((e) => e.multiply(edge, big([65536, 65536]), 1, 2, at));
    await expectEqual((e) => e.multiply(edge, edge, 1, 2, at));
    await expectEqual((e) => e.multiply(big([-1, -65537]), big([1, 1]), 1, 2, at));
  });

  test('sigmoid', async () => {
    const x = [...ints(500, 2 ** 21), ...big([0, -1, 31, 32, -32, -33, MIN, MAX])];
    await expectEqual((e) => e.sigmoid(BigInt64Array.from(x)));
  });

  test('exponentials: random, ties, both ends', async () => {
    for (const x of [ints(30, 2 ** 18), ints(30, 3), big(Array<number>(30).fill(MIN))]) {
      await expectEqual((e) => e.exponentials(BigInt64Array.from(x), 3, 10, at));
    }
    const { c, o, e } = (await expectEqual((e) =>
      e.exponentials(big([MAX, MAX - 16, MAX - 15, MIN]), 1, 4, at),
    )) as Awaited<ReturnType<Engine['exponentials']>>;
    expect(c).toEqual(big([0, 1, 0, 65535]));
    expect(o).toEqual(big([0, 0, 0, 2 ** 28 - 1 - 65535]));
    expect(e).toEqual(big([65536, 65520, 65536, 0]));
    expect(await expectEqual((e) => e.exponentials(big([MAX + 1]), 1, 1, at))).toMatchObject({
      code: 'OVERFLOW',
    });
  });

  test('gating: random scores, ties, negative and large biases', async () => {
    const shapes = [
      { experts: 8, groups: 4, topkGroup: 2, topk: 2 },
      { experts: 12, groups: 3, topkGroup: 2, topk: 5 },
      { experts: 4, groups: 1, topkGroup: 1, topk: 4 },
      { experts: 20, groups: 4, topkGroup: 2, topk: 3, groupRank: 1 as const },
      { experts: 3, groups: 3, topkGroup: 1, topk: 1, groupRank: 1 as const },
    ];
    for (const sizes of shapes) {
      for (const [high, bias] of [
        [65536, 0],
        [3, 2],
        [0, 1],
        [65536, MAX],
      ]) {
        const length = 5 * sizes.experts;
        const score = BigInt64Array.from({ length }, () => BigInt(pick(0, high)));
        const logits = BigInt64Array.from(ints(length, 2 ** 20));
        const biases = weights(sizes.experts, bias);
        for (const divisor of ['selected', 'all', 'one'] as const) {
          const shape = { ...router, ...sizes, divisor };
          await expectEqual((e) => e.gating(score, score, biases, 5, shape, at));
          await expectEqual((e) => e.gating(score, logits, biases, 5, shape, at));
        }
      }
    }
  });

  test('gating: what scores are divided by', async () => {
    const sizes = { experts: 4, groups: 1, topkGroup: 1, topk: 2, groupRank: 1 as const };
    const score = big([10000, 20000, 30000, 4464]);
    const weightsBy = async (divisor: 'selected' | 'all' | 'one') => {
      const shape = { ...router, ...sizes, scale: 65536, divisor };
      const result = await expectEqual((e) =>
        e.gating(score, score, new Int32Array(4), 1, shape, at),
      );
      return (result as { weight: BigInt64Array }).weight;
    };
    expect(await weightsBy('selected')).toEqual(big([39321, 26214]));
    expect(await weightsBy('all')).toEqual(big([30498, 20332]));
    expect(await weightsBy('one')).toEqual(big([30000, 20000]));
  });

  test('gating: groups left out count as minus infinity, whatever the sign of the biases', async () => {
    const shape = { ...router, experts: 4, groups: 2, topkGroup: 1, topk: 2 };
    for (const shift of [-90000, 0, 90000]) {
      const bias = Int32Array.of(shift, shift, shift, shift);
      // group 1 wins by its sum; expert 0 is the best single expert and still out
      const score = big([60000, 1, 40000, 30000]);
      const result = await expectEqual((e) => e.gating(score, score, bias, 1, shape, at));
      expect(result).toMatchObject({ expert: big([2, 3]), groupSelected: big([0, 1]) });
    }
    const tie = big([9, 9, 9, 9]);
    expect(
      await expectEqual((e) => e.gating(tie, tie, new Int32Array(4), 1, shape, at)),
    ).toMatchObject({ expert: big([0, 1]), weight: big([49152, 49152]) });
    const zeros = big([0, 0, 0, 0]);
    expect(
      await expectEqual((e) => e.gating(zeros, zeros, new Int32Array(4), 1, shape, at)),
    ).toMatchObject({ code: 'ZERO_SUM' });
  });

  test('argmax: ties to the lower id', async () => {
    const acc = big([3, 7, 7, -1, -5, -5, 2 ** 46, 2 ** 46, 0, 0, 0, 0]);
    expect(await expectEqual((e) => e.argmax(acc, 3, 4, at))).toEqual(big([1, 2, 0]));
    const small = ints(50 * 30, 3);
    await expectEqual((e) => e.argmax(small, 50, 30, at));
  });
});

describe('bad shapes', () => {
  test.each(['reference', 'native'] as const)('are errors of the %s engine', async (name) => {
    const e = await selectEngine(name);
    const four = big([1, 2, 3, 4]);
    const w = Int32Array.of(1, 2, 3, 4);
    const calls: (() => unknown)[] = [
      () => e.gemm(four, w, { rows: 2, inner: 3, outer: 2 }, at),
      () => e.gemm(four, w, { rows: 2, inner: 2, outer: 3 }, at),
      () => e.gemmAcc(four, w, { rows: 4, inner: 1, outer: 1 }, at),
      () => e.rmsNorm(four, w, 3, 1, 1n, at),
      () => e.rope(four, { cos: w, sin: w }, 1, 1, 4, at),
      () => e.multiply(four, big([1]), 2, 2, at),
      () => e.add([four, big([1])], 2, 2, at),
      () => e.scaleRows(four, four, 2, 2, at),
      () => e.argmax(four, 2, 3, at),
      () => e.softmax(four, 724, { start: 0, queries: 3, keys: 3, heads: 1 }, at),
    ];
    for (const call of calls) expect(await outcome(call)).toMatchObject({ code: 'BAD_SHAPE' });
  });

  test('reach no memory through the addon', async () => {
    const { model } = await import('@attensor/native');
    const w = Int32Array.of(1, 2, 3, 4);
    const four = big([1, 2, 3, 4]);
    expect(() => model.gemm(four, w, { rows: 2, inner: 3, outer: 2 })).toThrow(named('RangeError'));
    expect(() => model.gemm(four, w, { rows: 0, inner: -2, outer: 2 })).toThrow(
      named('RangeError'),
    );
    expect(() =>
      model.gemm(Float64Array.of(1) as never, w, { rows: 1, inner: 1, outer: 4 }),
    ).toThrow(named('TypeError'));
    const out = { acc: new BigInt64Array(4), y: new BigInt64Array(4) };
    const shape = { rows: 1, inner: 2, outer: 2 };
    expect(() => model.gemmRows(four, Int32Array.of(2), w, shape, Int32Array.of(0), out)).toThrow(
      named('RangeError'),
    );
    expect(() => model.gemmRows(four, Int32Array.of(0), w, shape, Int32Array.of(-1), out)).toThrow(
      named('RangeError'),
    );
    expect(() =>
      model.gating(four, four, w, 1, { ...router, experts: 4, groups: 2, topkGroup: 1, topk: 3 }),
    ).toThrow(named('RangeError'));
    const out64 = BigInt64Array.of(0n, 0n, 0n, 2n ** 31n);
    expect(() =>
      model.gating(four, out64, w, 1, { ...router, experts: 4, groups: 2, topkGroup: 1, topk: 2 }),
    ).toThrow(named('RangeError'));
    expect(() =>
      model.softmax(
        four,
        724,
        new Int32Array(65536).fill(1),
        { start: 1, queries: 2, keys: 2, heads: 1 },
        SHORT_ATTENTION,
      ),
    ).toThrow(named('RangeError'));
  });
});

describe('cancellation', () => {
  test('a native kernel stops on a worker thread', async () => {
    const { model } = await import('@attensor/native');
    const controller = new AbortController();
    const shape = { rows: 64, inner: 4096, outer: 4096 };
    const x = new BigInt64Array(shape.rows * shape.inner).fill(3n);
    const w = new Int32Array(shape.outer * shape.inner).fill(5);
    const run = model.gemmAcc(x, w, shape, controller.signal);
    expect(typeof (run as Promise<unknown>).then).toBe('function');
    controller.abort();
    await expect(run).rejects.toMatchObject({ code: 'CANCELLED' });
  });
});
