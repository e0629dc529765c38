/** A model that is cut into units, on the command line. */
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
  folder = await mkdtemp(join(tmpdir(), 'attensor-units-'));
  model = join(folder, 'model');
  await attensor(['model', 'import', CHECKPOINT, '--out', model]);
});
afterAll(() => rm(folder, { recursive: true, force: true }));

it('lists the steps of a model in units', async () => {
  await attensor(['model', 'commit', model, '--capacity', '4']);
  const committing = ['model', 'commit', model, '--capacity', '4', '--memory', '1.7G', '--json'];
  expect((await attensor(committing)).json()).toMatchObject({ units: 4, capacity: 4 });
  // what the commitment of the test before left
  expect(await readdir(model)).not.toContain('parameter-tree.bin');
  const ran = await attensor(['prove', model, '--dry-run', '--json']);
  const { steps, circuits, seconds, peakBytes } = ran.json() as unknown as Estimate;
  const names = steps.map(({ step }) => step);
  expect(names.filter((name) => name.endsWith(' run'))).toEqual(
    [0, 1, 2, 3].map((k) => `unit-${k} run`),
  );
  expect(names.slice(-4)).toEqual(['join-0', 'join-1', 'join-2', 'joined-model']);
  expect(names.filter((name) => /circuit|join/.test(name))).toHaveLength(circuits);
  expect(steps.reduce((sum, step) => sum + step.seconds, 0)).toBeCloseTo(seconds);
  expect(peakBytes).toBeGreaterThan(2 ** 30);
});
