/** `prove` before anything is proved: what a proof of a committed model takes, and how many requests it has. */
import { afterAll, beforeAll, expect, it } from '@jest/globals';
import { writeAtomic } from '@attensor/core/files';
import type { Estimate } from '@attensor/prover';
import { mkdtemp, readdir, rm } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { fileURLToPath } from 'node:url';
import { filled } from './proving.js';
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

it('a proof has as many requests as the model is committed for', async () => {
  const prompts = join(folder, 'prompts.jsonl');
  const line = '{"promptTokens":[5],"maxTokens":1}\n';
  const more = async (requests: number) => {
    await writeAtomic(prompts, line.repeat(requests));
    const out = join(folder, 'proof.json');
    return (await attensor(['prove', model, '--prompts', prompts, '--out', out, '--json'])).json();
  };
  const refused = (expected: number) => ({
    error: { code: 'USAGE', expected: `at most ${expected}` },
  });
  expect(await more(2)).toMatchObject(refused(1));
  const commit = ['model', 'commit', model, '--capacity', '4', '--batch', '2', '--json'];
  expect((await attensor(commit)).json()).toMatchObject({ capacity: 4, batch: 2 });
  expect(await more(3)).toMatchObject(refused(2));
  await rm(prompts);
});

it('a batch with fewer requests repeats the last one', () => {
  expect(filled(['a', 'b', 'c'], 4)).toEqual(['a', 'b', 'c', 'c']);
  expect(filled(['a'], 4)).toEqual(['a', 'a', 'a', 'a']);
  expect(filled(['a', 'b'], 2)).toEqual(['a', 'b']);
});
