import { constants, PerformanceObserver, type NodeGCPerformanceDetail } from 'node:perf_hooks';
import { Worker } from 'node:worker_threads';
import { describe, expect, test } from '@jest/globals';
import { engine } from './prover.js';
import { p, mod, Random } from './testing.js';

const random = new Random(1);
const edges = [
  0n,
  1n,
  2n,
  p - 1n,
  p - 2n,
  (p - 1n) / 2n,
  (1n << 254n) - 1n,
  1n << 254n,
  (1n << 64n) - 1n,
];

describe('FpVec', () => {
  test('keeps canonical values', () => {
    const values = [...edges, ...random.fields(50)];
    const v = engine.fromBigints(values);
    expect(v.length).toBe(values.length);
    expect(v.toBigints()).toEqual(values);
    expect(v.get(3)).toBe(p - 1n);
    v.set(3, 7n);
    expect(v.get(3)).toBe(7n);
    expect(engine.alloc(5).toBigints()).toEqual([0n, 0n, 0n, 0n, 0n]);
    expect(engine.alloc(0).toBigints()).toEqual([]);
  });

  test('takes signed integers', () => {
    const wide = new BigInt64Array([0n, 1n, -1n, (1n << 63n) - 1n, -(1n << 63n), 123456789n]);
    expect(engine.fromInts(wide).toBigints()).toEqual([...wide].map(mod));
    const narrow = new Int32Array([0, -5, 2147483647, -2147483648]);
    const v = engine.alloc(6);
    v.setInts(1, narrow);
    expect(v.toBigints()).toEqual([0n, ...[...narrow].map((x) => mod(BigInt(x))), 0n]);
  });

  test('a slice is a value of its own', () => {
    const v = engine.fromBigints([1n, 2n, 3n, 4n]);
    const s = v.slice(1, 2);
    s.set(0, 10n);
    v.set(2, 20n);
    expect(s.toBigints()).toEqual([10n, 3n]);
    expect(v.toBigints()).toEqual([1n, 2n, 20n, 4n]);
  });

  test('axpy and addScalar', () => {
    const [a, b, coef, shift] = [
      random.fields(40),
      random.fields(25),
      random.field(),
      random.field(),
    ];
    const v = engine.fromBigints(a);
    v.axpy(10, coef, engine.fromBigints(b));
    const expected = a.map((x, i) => (i >= 10 && i < 35 ? mod(x + coef * b[i - 10]) : x));
    expect(v.toBigints()).toEqual(expected);
    v.addScalar(shift);
    expect(v.toBigints()).toEqual(expected.map((x) => mod(x + shift)));
    v.axpy(0, 1n, v);
    expect(v.toBigints()).toEqual(expected.map((x) => mod(2n * (x + shift))));
  });

  test('rejects what is no field element or out of range', () => {
    const v = engine.fromBigints([1n, 2n]);
    const rejects = (call: () => unknown, code: string, message: RegExp) => {
      let error: unknown;
      try {
        call();
      } catch (e) {
        error = e;
      }
      expect(error).toMatchObject({ code, message: expect.stringMatching(message) });
    };
    rejects(
      () => engine.fromBigints([1n, p]),
      'OUT_OF_RANGE',
      /^fromBigints: values\[1\]: expected a field element/,
    );
    rejects(() => engine.fromBigints([-1n]), 'OUT_OF_RANGE', /got -1/);
    rejects(() => engine.fromBigints([1n << 300n]), 'OUT_OF_RANGE', /field element/);
    rejects(
      () => engine.fromBigints([1 as unknown as bigint]),
      'WRONG_TYPE',
      /expected a bigint, got number/,
    );
    rejects(
      () => v.get(2),
      'OUT_OF_RANGE',
      /^FpVec.get: index: expected below the length 2, got 2/,
    );
    rejects(() => v.get(-1), 'OUT_OF_RANGE', /got -1/);
    rejects(() => v.get(0.5), 'OUT_OF_RANGE', /got 0.5/);
    rejects(() => v.slice(1, 2), 'OUT_OF_RANGE', /^FpVec.slice/);
    rejects(() => v.axpy(1, 1n, v), 'OUT_OF_RANGE', /^FpVec.axpy/);
    rejects(() => v.axpy(0, 1n, {} as never), 'WRONG_TYPE', /expected an FpVec/);
    rejects(() => v.setInts(1, new Int32Array(2)), 'OUT_OF_RANGE', /^FpVec.setInts/);
    rejects(() => engine.alloc(-1), 'OUT_OF_RANGE', /^alloc: length/);
    rejects(() => engine.alloc(2 ** 34), 'OUT_OF_MEMORY', /not enough memory/);
    rejects(() => engine.eqTable(Array<bigint>(34).fill(1n)), 'OUT_OF_MEMORY', /not enough memory/);
    v.dispose();
    v.dispose();
    rejects(() => v.get(0), 'DISPOSED', /disposed/);
  });

  test('works in a worker thread', async () => {
    const code = `
      const { parentPort } = require('node:worker_threads');
      import(${JSON.stringify(new URL('./index.js', import.meta.url).href)}).then(async ({ engine }) => {
        const v = engine.fromBigints([3n, 4n]);
        parentPort.postMessage(await engine.dot(v, v));
      });`;
    const worker = new Worker(code, { eval: true });
    const answer = await new Promise((resolve, reject) =>
      worker.once('message', resolve).once('error', reject),
    );
    expect(answer).toBe(25n);
    await worker.terminate();
    expect(engine.hash([])).toBe(engine.hash([0n]));
  });
});

/** V8 marks its heap when it hears of much memory outside; beside loaded keys that takes longer than a proof's native part. */
test('half a gigabyte of vectors that are disposed of does not collect garbage again and again', async () => {
  let marked = 0;
  const observer = new PerformanceObserver((list) => {
    for (const entry of list.getEntries()) {
      const { kind } = (entry as typeof entry & { detail: NodeGCPerformanceDetail }).detail;
      if (kind === constants.NODE_PERFORMANCE_GC_INCREMENTAL) marked++;
      if (kind === constants.NODE_PERFORMANCE_GC_MAJOR) marked++;
    }
  });
  observer.observe({ entryTypes: ['gc'] });
  for (let round = 0; round < 4; round++) {
    const held = [];
    for (let k = 0; k < 32; k++) {
      held.push(engine.alloc(1 << 19));
      await new Promise(setImmediate);
    }
    held.forEach((vec) => vec.dispose());
  }
  await new Promise((done) => setTimeout(done, 50));
  observer.disconnect();
  expect(marked).toBeLessThan(8);
});
