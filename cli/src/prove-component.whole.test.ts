/** `prove-component` before its circuits: predictions, the native part, and what it refuses. */
import { afterAll, beforeAll, expect, it } from '@jest/globals';
import { tensorFile, type Estimate } from '@attensor/prover';
import { mkdtemp, rm, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { attensor } from './testing/streams.js';

let folder: string;
beforeAll(async () => {
  folder = await mkdtemp(join(tmpdir(), 'attensor-component-'));
});
afterAll(() => rm(folder, { recursive: true, force: true }));

const SIZES = ['--rows', '2', '--inner', '5'];
const SMALL = ['wkv_a1', ...SIZES, '--outer', '3'];
const prove = (...args: string[]) => attensor(['prove-component', ...args, '--json']);

it('measures the native part, and has checked it', async () => {
  const ran = await prove(...SMALL, '--messages-only', '--device', 'cpu');
  expect(ran.exitCode).toBe(0);
  const report = ran.json() as unknown as {
    stages: Record<string, number>;
    nativeSeconds: number;
    messages: number;
  };
  expect(report).toMatchObject({ component: { kind: 'gemm', rows: 2 }, device: 'cpu', parts: 1 });
  expect(Object.keys(report.stages)).toEqual(['run', 'witness', 'commit', 'messages']);
  const sum = Object.values(report.stages).reduce((a, b) => a + b);
  expect(report.nativeSeconds).toBeCloseTo(sum);
  expect(report.messages).toBeGreaterThan(1000);
});

it("predicts DeepSeek-V3's attention, its weights in parts", async () => {
  const ran = await prove('attention', '--dry-run');
  expect(ran.exitCode).toBe(0);
  const { circuits, weights, rows, steps, seconds, diskBytes } = ran.json() as unknown as Estimate;
  expect(circuits).toBe(2);
  expect(rows).toHaveLength(2);
  expect(steps.map(({ step }) => step)).toEqual([
    ...['run', 'witness', 'commit', 'messages'],
    ...rows.map((_, k) => `circuit-${k}`),
  ]);
  expect(steps.every((step) => step.seconds > 0)).toBe(true);
  expect(steps.reduce((sum, step) => sum + step.seconds, 0)).toBeCloseTo(seconds);
  // seven parts of 2^23 leaves; nodes of 32 bytes with eight children, but for the leaves' hashes, are a seventh of the leaves
  expect(diskBytes.trees).toBe(7 * ((32 * 2 ** 23) / 7));
  // 187 million, and the padding of 7168 and 1536 to powers of two
  expect(weights).toBeGreaterThan(187e6);
});

it('takes tensors from a file, and refuses those of another size', async () => {
  const tensor = (dims: number[], value: bigint) => ({
    dims,
    data: new BigInt64Array(dims.reduce((a, b) => a * b)).fill(value),
  });
  const path = join(folder, 'tensors.safetensors');
  const write = (input: bigint, weight: bigint) =>
    writeFile(path, tensorFile({ input: tensor([2, 5], input), weight: tensor([3, 5], weight) }));
  await write(1n, -2n);
  expect((await prove(...SMALL, '--messages-only', '--input', path)).exitCode).toBe(0);
  await write(1n << 31n, 1n);
  expect((await prove(...SMALL, '--messages-only', '--input', path)).json()).toMatchObject({
    error: { code: 'OVERFLOW', where: "input 'input', entry 0" },
  });
  await write(1n, 1n << 31n);
  expect((await prove(...SMALL, '--messages-only', '--input', path)).json()).toMatchObject({
    error: { code: 'OVERFLOW', where: "weight 'weight', entry 0" },
  });
  await write(1n, 1n);
  const other = await prove('wkv_a1', ...SIZES, '--outer', '4', '--messages-only', '--input', path);
  expect(other.json()).toMatchObject({ error: { code: 'BAD_SHAPE' } });
});

it('refuses a file for what makes none, and none for what makes one', async () => {
  const both = await prove(...SMALL, '--messages-only', '--out', join(folder, 'proof.json'));
  expect(both.exitCode).not.toBe(0);
  const none = await prove(...SMALL);
  expect(none.json()).toMatchObject({ error: { code: 'USAGE', what: '--out is missing' } });
});
