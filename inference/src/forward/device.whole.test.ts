/** The forward pass on a device: the emulated one, which runs the GPU's kernels on the CPU. */
import { existsSync } from 'node:fs';
import { fileURLToPath } from 'node:url';
import { afterAll, beforeAll, describe, expect, test } from '@jest/globals';
import { engine, model as native } from '@attensor/native';
import { nativeEngine } from '../native-engine.js';
import { generate } from '../generate.js';
import { failure, withModel } from '../testing/fixtures.js';
import { traceForward } from './forward.js';

const library = fileURLToPath(
  new URL('../../../native/build/attensor_cuda_emulated.so', import.meta.url),
);
const tokens = [510, 3, 77, 5, 5, 200, 1, 499, 8];

describe('forward pass on a device', () => {
  beforeAll(() => {
    expect(existsSync(library)).toBe(true);
    engine.setDevice('cuda', { library, least: 1 });
  });
  afterAll(() => engine.setDevice('cpu'));

  test('the trace is that of the reference', async () => {
    await withModel('nano', async (model) => {
      const reference = await traceForward(model, tokens, { engine: 'reference' });
      const trace = await traceForward(model, tokens);
      expect([...trace.keys()]).toEqual([...reference.keys()]);
      for (const [name, { data }] of reference) {
        expect([name, trace.get(name)?.data]).toEqual([name, data]);
      }
      expect(engine.device()).toMatchObject({ kind: 'cuda' });
      expect(native.residentBytes()).toBeGreaterThan(0);
    });
  });

  test('further tokens find the weights where they are', async () => {
    await withModel('nano', async (model) => {
      const expected = await generate(model, tokens, 3, { engine: 'reference' });
      expect(await generate(model, tokens, 1)).toEqual(expected.slice(0, 1));
      const bytes = native.residentBytes();
      expect(await generate(model, tokens, 3)).toEqual(expected);
      // Other experts, at most; nothing twice.
      expect(native.residentBytes()).toBeLessThan(1.5 * bytes);
    });
  });

  test('failures are those of the CPU, with the same place', async () => {
    const at = { component: 'wq_a', position: (row: number) => row };
    const native = await nativeEngine();
    const run = (device: 'cpu' | 'cuda', x: bigint): Promise<unknown> => {
      engine.setDevice(device, { library, least: 1 });
      const w = new Int32Array(3 * 64).fill(1 << 30, 128);
      const input = new BigInt64Array(5 * 64).fill(x, 100);
      return failure((async () => native.gemm(input, w, { rows: 5, inner: 64, outer: 3 }, at))());
    };
    for (const x of [1n << 20n, 1n << 31n]) {
      const { message } = (await run('cpu', x)) as Error;
      expect(message).toMatch(/OVERFLOW/);
      expect(((await run('cuda', x)) as Error).message).toBe(message);
    }
  });
});
