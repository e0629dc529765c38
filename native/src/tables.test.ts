import { describe, expect, test } from '@jest/globals';
import { engine } from './prover.js';
import * as twin from './testing.js';
import { EMULATED, mod, Random } from './testing.js';

const random = new Random(3);

describe('tables and evaluations', () => {
  test('eqTable', () => {
    for (const n of [0, 1, 5]) {
      const [point, scale] = [random.fields(n), random.field()];
      expect(engine.eqTable(point, scale).toBigints()).toEqual(twin.eqTable(point, scale));
      expect(engine.eqTable(point).toBigints()).toEqual(twin.eqTable(point));
    }
  });

  test('a tall eqTable is the product of two', () => {
    const point = random.fields(16);
    const table = engine.eqTable(point);
    const [high, low] = [twin.eqTable(point.slice(0, 6)), twin.eqTable(point.slice(6))];
    for (const i of [0, 1, 1023, 1024, 40000, 65535]) {
      expect(table.get(i)).toBe(mod(high[i >> 10] * low[i & 1023]));
    }
  });

  test('evalMle, evalPow, dot', async () => {
    for (const n of [0, 1, 4, 12]) {
      const [values, point, x] = [random.fields(1 << n), random.fields(n), random.field()];
      const v = engine.fromBigints(values);
      expect(await engine.evalMle(v, point)).toBe(twin.dot(values, twin.eqTable(point)));
      expect(await engine.evalPow(v, x)).toBe(twin.evalPow(values, x));
      const other = random.fields(1 << n);
      expect(await engine.dot(v, engine.fromBigints(other))).toBe(twin.dot(values, other));
    }
    const odd = random.fields(2500);
    expect(await engine.evalPow(engine.fromBigints(odd), 3n)).toBe(twin.evalPow(odd, 3n));
    expect(await engine.evalPow(engine.alloc(0), 3n)).toBe(0n);
    await expect(engine.evalMle(engine.alloc(4), [1n])).rejects.toThrow(
      'evalMle: vec: expected 2 entries',
    );
    await expect(engine.dot(engine.alloc(4), engine.alloc(5))).rejects.toThrow(
      'dot: b: expected length 4, got 5',
    );
  });

  test('addEq and addPows add', async () => {
    for (const n of [0, 3, 12]) {
      const [values, point, coef] = [random.fields((1 << n) + 7), random.fields(n), random.field()];
      const v = engine.fromBigints(values);
      await engine.addEq(v, 5, coef, point);
      const table = twin.eqTable(point, coef);
      expect(v.toBigints()).toEqual(values.map((x, i) => mod(x + (table[i - 5] ?? 0n))));
    }
    for (const [length, terms] of [
      [1, 1],
      [600, 9],
      [5, 0],
    ]) {
      const [values, coefs, xs] = [
        random.fields(length),
        random.fields(terms),
        random.fields(terms),
      ];
      const v = engine.fromBigints(values);
      await engine.addPows(v, coefs, xs);
      const powers = xs.map((x, i) => values.map((_, b) => coefs[i] * twin.power(x, BigInt(b))));
      expect(v.toBigints()).toEqual(
        values.map((x, b) => mod(powers.reduce((sum, row) => sum + row[b], x))),
      );
    }
    await expect(engine.addEq(engine.alloc(4), 1, 1n, [1n, 1n])).rejects.toThrow('addEq: offset');
  });

  test('changes of one vector queue; reading meanwhile is an error', async () => {
    const v = engine.alloc(1 << 12);
    const copy = v.slice(0, 1);
    const point = random.fields(12);
    const changes = [
      engine.addEq(v, 0, 1n, point),
      engine.addEq(v, 0, 2n, point),
      engine.addPows(v, [1n], [1n]),
    ];
    expect(() => v.get(0)).toThrow(expect.objectContaining({ code: 'BUSY' }));
    await Promise.all(changes);
    expect(v.get(77)).toBe(mod(3n * twin.eqTable(point)[77] + 1n));
    expect(copy.get(0)).toBe(0n);
  });

  test('linear', () => {
    for (const count of [1, 2, 4]) {
      const vecs = Array.from({ length: count }, () => random.fields(33));
      const coefs = random.fields(count).map((c, i) => (i === 1 ? 1n : c));
      const constant = random.field();
      const out = engine.linear(
        vecs.map((v) => engine.fromBigints(v)),
        coefs,
        constant,
      );
      expect(out.toBigints()).toEqual(
        vecs[0].map((_, i) => mod(vecs.reduce((s, v, k) => s + coefs[k] * v[i], constant))),
      );
    }
    expect(() => engine.linear([], [], 0n)).toThrow('expected at least one vector');
    expect(() => engine.linear([engine.alloc(2), engine.alloc(3)], [1n, 1n], 0n)).toThrow(
      'linear: vecs[1]',
    );
    expect(() => engine.linear([engine.alloc(2)], [], 0n)).toThrow('linear: coefs');
  });
});

describe('contract', () => {
  const src = random.fields(4096);
  const vec = engine.fromBigints(src);
  type Shape = [size: number, stride: number, weighted: boolean][];
  const check = async (offset: number, shape: Shape) => {
    const axes = shape.map(([size, stride, weighted]) => ({
      size,
      stride,
      ...(weighted ? { weights: random.fields(size) } : {}),
    }));
    const native = axes.map((a) => ({ ...a, weights: a.weights && engine.fromBigints(a.weights) }));
    const out = await engine.contract(vec, offset, native);
    expect(out.toBigints()).toEqual(twin.contract(src, offset, axes));
  };

  test('views, sums and repeats', async () => {
    await check(0, []);
    await check(9, [[16, 3, false]]);
    await check(9, [[16, 3, true]]);
    await check(0, [
      [64, 64, true],
      [64, 1, false],
    ]);
    await check(0, [
      [64, 64, false],
      [64, 1, true],
    ]);
    await check(0, [
      [64, 64, true],
      [64, 1, true],
    ]);
    await check(5, [
      [4, 1, false],
      [8, 100, true],
      [3, 7, false],
      [5, 20, true],
    ]);
    await check(1, [
      [3, 0, false],
      [4, 2, false],
      [2, 0, true],
      [1, 9, true],
      [1, 5, false],
      [6, 11, true],
    ]);
    await check(0, [[4096, 1, true]]);
    await check(4095, [
      [7, 0, true],
      [2, 0, false],
    ]);
    await check(0, [
      [2, 2048, false],
      [512, 4, true],
      [4, 1, false],
    ]);
  });

  test('a long sum is split over threads', async () => {
    engine.setThreads(4);
    const long = engine.fromInts(Int32Array.from({ length: 1 << 16 }, (_, i) => i - 1000));
    const weights = engine.fromInts(Int32Array.from({ length: 1 << 16 }, (_, i) => (i % 7) - 3));
    const [got] = (
      await engine.contract(long, 0, [{ size: 1 << 16, stride: 1, weights }])
    ).toBigints();
    let sum = 0n;
    for (let i = 0; i < 1 << 16; i++) sum += BigInt((i - 1000) * ((i % 7) - 3));
    expect(got).toBe(mod(sum));
  });

  test('rejects views beyond the source', async () => {
    const beyond = (offset: number, axes: { size: number; stride: number }[]) =>
      expect(engine.contract(vec, offset, axes)).rejects.toMatchObject({ code: 'OUT_OF_RANGE' });
    await beyond(4096, []);
    await beyond(1, [{ size: 4096, stride: 1 }]);
    await beyond(0, [{ size: 2, stride: 2 ** 53 - 1 }]);
    await beyond(0, [{ size: 2 ** 52, stride: 2 ** 52 }]);
    await beyond(0, [{ size: 0, stride: 1 }]);
    await beyond(0, [{ size: 2, stride: -1 }]);
    await beyond(0, [
      { size: 2 ** 20, stride: 0 },
      { size: 2 ** 20, stride: 0 },
    ]);
    await expect(
      engine.contract(vec, 0, [{ size: 4, stride: 1, weights: engine.alloc(3) }]),
    ).rejects.toThrow('contract: axes[0].weights: expected length 4, got 3');
  });
});

describe('integers', () => {
  const END = 3000;
  /** Both ends of a width and zero among others. */
  const integers = (bits: number, n = END): Int32Array => {
    const end = 2 ** (bits - 1);
    return Int32Array.from({ length: n }, (_, i) =>
      i % 5 === 0
        ? -end
        : i % 7 === 0
          ? end - 1
          : i % 11 === 0
            ? 0
            : ((i * 7919) % (2 * end)) - end,
    );
  };
  const edges = [0n, 1n, mod(-1n), (1n << 254n) - 1n];

  test('are contracted like elements, zero behind the last one', async () => {
    const shapes: [offset: number, [size: number, stride: number, weighted: boolean][]][] = [
      [0, [[60, 50, true], [50, 1, false]]], // prettier-ignore
      [7, [[60, 50, false], [49, 1, true]]], // prettier-ignore
      [2990, [[40, 1, true]]],
      [5, [[4, 1, false], [8, 100, true], [3, 7, false], [5, 20, true], [2, 0, true]]], // prettier-ignore
      [100, [[3, 1000, false], [2, 0, false], [9, 4, false]]], // prettier-ignore
      [5000, [[3, 1, false]]],
      [0, [[100, 40, true], [1, 9, true], [7, 0, false]]], // prettier-ignore
    ];
    for (const bits of [2, 8, 16, 24, 32]) {
      const values = integers(bits);
      const src = [...values].map((v) => mod(BigInt(v))).concat(Array<bigint>(4000).fill(0n));
      for (const [offset, shape] of shapes) {
        const axes = shape.map(([size, stride, weighted]) => ({
          size,
          stride,
          ...(weighted ? { weights: [...edges, ...random.fields(size)].slice(0, size) } : {}),
        }));
        const native = axes.map((a) => ({
          ...a,
          weights: a.weights && engine.fromBigints(a.weights),
        }));
        const out = await engine.contractInts(values, offset, native);
        expect(out.toBigints()).toEqual(twin.contract(src, offset, axes));
      }
    }
  });

  test('are evaluated row by row at all points', async () => {
    for (const bits of [3, 16, 32])
      for (const [rows, length, turns] of [
        [1, END, 1],
        [3, 1000, 1],
        [2, 2001, 1],
        [16, 1, 1],
        [1, END, 8],
        [3, 8000, 8],
        [2, 8011, 8],
        [2, 1001, 2],
        [16, 1, 8],
      ]) {
        // the last row ends early
        const values = integers(bits, Math.max(END, rows * length - 500));
        const xs = length > 1000 ? [mod(-1n), random.field()] : [...edges, random.field()];
        const out = (await engine.evalRows(values, rows, length, turns, xs)).toBigints();
        const polynomials = Array.from({ length: rows * turns }, (_, k) =>
          [...values.subarray(Math.floor(k / turns) * length, Math.floor(k / turns + 1) * length)]
            .filter((__, j) => j % turns === k % turns)
            .map((v) => mod(BigInt(v))),
        );
        const expected = xs.flatMap((x) => polynomials.map((each) => twin.evalPow(each, x)));
        expect(out).toEqual(expected);
      }
    expect((await engine.evalRows(new Int32Array(0), 2, 5, 1, [3n])).toBigints()).toEqual([0n, 0n]);
    expect((await engine.evalRows(integers(8), 2, 5, 1, [])).toBigints()).toEqual([]);
  });

  test('are refused where they do not fit, and stop at a signal', async () => {
    const values = integers(16);
    const weights = engine.alloc(4);
    await expect(engine.contractInts(values, 0, [{ size: 3, stride: 1, weights }])).rejects.toThrow(
      'contractInts: axes[0].weights: expected length 3, got 4',
    );
    await expect(engine.evalRows(values, 0, 5, 1, [1n])).rejects.toMatchObject({
      code: 'OUT_OF_RANGE',
    });
    for (const turns of [0, 65])
      await expect(engine.evalRows(values, 1, 5, turns, [1n])).rejects.toMatchObject({
        code: 'OUT_OF_RANGE',
      });
    const wrong = new BigInt64Array(3) as unknown as Int32Array;
    await expect(engine.evalRows(wrong, 1, 3, 1, [1n])).rejects.toMatchObject({
      code: 'WRONG_TYPE',
    });
    await expect(engine.contractInts(wrong, 0, [])).rejects.toMatchObject({ code: 'WRONG_TYPE' });

    const length = engine.device().name === EMULATED ? 1 << 10 : 1 << 17;
    const long = integers(16, 16 * length);
    const table = engine.alloc(1 << 10);
    const axes = [
      { size: length >> 6, stride: 1 },
      { size: 1 << 10, stride: length >> 6, weights: table },
    ];
    const xs = random.fields(200);
    for (const start of [
      (signal: AbortSignal) => engine.evalRows(long, 16, length, 1, xs, signal),
      (signal: AbortSignal) => engine.contractInts(long, 0, axes, signal),
    ])
      await expect(start(AbortSignal.abort())).rejects.toMatchObject({ code: 'CANCELLED' });
    const controller = new AbortController();
    const running = engine.evalRows(long, 16, length, 1, xs, controller.signal);
    setTimeout(() => controller.abort(), 5);
    await expect(running).rejects.toMatchObject({ code: 'CANCELLED' });
  });
});
