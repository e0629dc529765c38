/** What the kernels of the model check in a call; their results are held to the reference by @attensor/inference. */
import { describe, expect, test } from '@jest/globals';
import { half } from './addon.js';
import { add, argmax, gemm, gemmAcc, isKernelError, rmsNorm, softmax } from './model.js';

const big = (...values: number[]): BigInt64Array => BigInt64Array.from(values, BigInt);
const SHAPE = { rows: 1, inner: 2, outer: 2 };
const DIGITS = { scale: 12, probability: 16 };
const W = Int32Array.of(1, 2, 3, 4);

const failure = async (run: () => unknown): Promise<Record<string, unknown>> => {
  try {
    await run();
  } catch (error) {
    const { name, code, message, kernel } = error as Record<string, unknown>;
    return { name, code, message, kernel };
  }
  throw new Error('expected a failure');
};

describe('arguments of the kernels', () => {
  test.each([
    [() => gemm(big(1), W, SHAPE), 'gemm: x: expected 1 x 2 entries, got 1'],
    [() => gemmAcc(big(1, 1), W.subarray(1), SHAPE), 'gemm: w: expected 2 x 2 entries, got 3'],
    [() => add([big(1), big(1, 2)], 1, 1), 'add: terms[1]: expected 1 x 1 entries, got 2'],
    [() => rmsNorm(big(1), W.subarray(0, 1), 1, 1, 0n), 'rmsNorm: epsilon: expected at least 1'],
    [
      () => rmsNorm(big(1), W.subarray(0, 1), 1, 1, -1n),
      'expected an unsigned 64-bit bigint, got -1',
    ],
    [() => argmax(big(), 2, 0), 'argmax: width: expected at least one column'],
    [
      () => softmax(big(1), 70000, W, { start: 0, queries: 1, keys: 1, heads: 1 }, DIGITS),
      'softmax: scale: expected an integer from 0 to 65536, got 70000',
    ],
    [
      () => softmax(big(1), 1, W, { start: 1, queries: 1, keys: 1, heads: 1 }, DIGITS),
      'softmax: expected keys = start + queries',
    ],
  ])('of wrong sizes or values: %#', async (run, message) => {
    expect(await failure(run)).toMatchObject({
      name: 'RangeError',
      code: 'OUT_OF_RANGE',
      message: expect.stringContaining(message),
      kernel: undefined,
    });
  });

  test('of wrong types', async () => {
    const native = half<Record<string, (args: unknown) => unknown>>('model');
    const ofType = (message: string) => ({ name: 'TypeError', code: 'WRONG_TYPE', message });
    expect(await failure(() => native.argmax(7))).toMatchObject(
      ofType('argmax: arguments: expected an object, got number'),
    );
    expect(await failure(() => native.argmax({ rows: 1n }))).toMatchObject(
      ofType('argmax: rows: expected a number, got bigint'),
    );
    expect(
      await failure(() => native.argmax({ rows: 1, width: 1, acc: new Float64Array(1) })),
    ).toMatchObject(ofType('argmax: acc: expected a BigInt64Array, got object'));
  });

  test('rows to gather and scatter must exist', async () => {
    const { gemmRows } = await import('./model.js');
    const out = () => ({ acc: big(0, 0), y: big(0, 0) });
    const rows = (from: number, to: number) =>
      gemmRows(big(1, 1), Int32Array.of(from), W, SHAPE, Int32Array.of(to), out());
    expect(rows(0, 0)).toBeUndefined();
    expect((await failure(() => rows(1, 0))).message).toBe('gemmRows: from: expected rows below 1');
    expect((await failure(() => rows(0, -1))).message).toBe('gemmRows: to: expected rows below 1');
  });
});

describe('failures of the kernels', () => {
  /** Small enough to run at once, and too large for that. */
  const sizes = [2, 2 ** 19];

  test.each(sizes)('a value outside its width, with its place: %d entries', async (inner) => {
    const x = new BigInt64Array(inner);
    x[1] = 2n ** 31n;
    const error: unknown = await Promise.resolve()
      .then(() => gemm(x, new Int32Array(inner), { rows: 1, inner, outer: 1 }))
      .catch((e: unknown) => e);
    expect(isKernelError(error)).toBe(true);
    expect(error).toMatchObject({
      code: 'OVERFLOW',
      kernel: 'gemm',
      row: 0,
      column: 1,
      expected: '-2^31 <= value < 2^31',
      got: '2147483648',
      message: 'gemm: expected -2^31 <= value < 2^31, got 2147483648',
    });
  });

  test.each(sizes)('an aborted signal stops %d entries', async (inner) => {
    const shape = { rows: 1, inner, outer: 1 };
    const run = (signal: AbortSignal) =>
      gemm(new BigInt64Array(inner), new Int32Array(inner), shape, signal);
    const expected = { code: 'CANCELLED', kernel: 'gemm' };
    expect(await failure(() => run(AbortSignal.abort()))).toMatchObject(expected);
    expect(await run(new AbortController().signal)).toMatchObject({ y: big(0) });
  });

  test('a signal that is aborted later stops a kernel that runs', async () => {
    const controller = new AbortController();
    const shape = { rows: 64, inner: 2 ** 12, outer: 2 ** 12 };
    const x = new BigInt64Array(shape.rows * shape.inner).fill(3n);
    const running = gemm(x, new Int32Array(2 ** 24).fill(2 ** 20), shape, controller.signal);
    controller.abort();
    expect(await failure(() => running)).toMatchObject({ code: 'CANCELLED', kernel: 'gemm' });
  });
});
