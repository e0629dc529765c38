/** `prove --dry-run`: what a proof of a committed model takes, before anything starts. */
import { afterAll, beforeAll, expect, it } from '@jest/globals';
import type { Estimate } from '@attensor/prover';
import { mkdtemp, readdir, rm } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { fileURLToPath } from 'node:url';
import { attensor } from './testing/streams.js';

const CHECKPOINT = fileURLToPath(new URL('../../models/nano', import.meta.url));

let folder: string;
let model: string;
beforeAll(async () => {
  folder = await mkdtemp(join(tmpdir(), 'attensor-prove-'));
  model = join(folder, 'model');
  await attensor(['model', 'import', CHECKPOINT, '--out', model]);
});
afterAll(() => rm(folder, { recursive: true, force: true }));

it('lists the steps with their time, memory and disk, and makes nothing', async () => {
  expect((await attensor(['model', 'commit', model, '--capacity', '4'])).exitCode).toBe(0);
  const cache = join(folder, 'cache');
  const ran = await attensor(['prove', model, '--dry-run', '--cache', cache, '--json']);
  expect(ran.exitCode).toBe(0);
  const { steps, rows, seconds, peakBytes, diskBytes } = ran.json() as unknown as Estimate;
  expect(steps.map(({ step }) => step)).toEqual([
    ...['run', 'witness', 'commit', 'messages'],
    ...rows.map((_, k) => `circuit-${k}`),
  ]);
  expect(steps.reduce((sum, step) => sum + step.seconds, 0)).toBeCloseTo(seconds);
  expect(peakBytes).toBeGreaterThan(2 ** 30);
  expect(diskBytes.keys).toBeGreaterThan(0);
  expect(await readdir(folder)).toEqual(['model']);
});

it.each([
  ['lots', 'expected bytes like 8G or 512M'],
  ['0', 'expected bytes like 8G or 512M'],
  ['1M', 'does not fit the memory'],
])('refuses to commit in %s of memory', async (memory, reason) => {
  const ran = await attensor(['model', 'commit', model, '--capacity', '4', '--memory', memory]);
  expect(ran.exitCode).not.toBe(0);
  expect(ran.stderr).toContain(reason);
});
