import { readFile, writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import { describe, expect, it, test } from '@jest/globals';
import { generate } from '../generate.js';
import { Model } from '../model.js';
import { checkpointDir, failure, withTempDir } from '../testing/fixtures.js';
import type { PlannedPart } from './plan.js';
import { RandomWeights, writeRandomModel } from './random-model.js';

const part = (source: string, ...sourceShape: number[]): PlannedPart => ({
  source,
  sourceShape,
  ranges: [],
  file: '',
});
const matrix = part('model.layers.0.mlp.up_proj.weight', 300, 21);

describe('random weights', () => {
  const weights = new RandomWeights(7);
  it('are the same however many rows are drawn at a time', async () => {
    const whole = await weights.rows(matrix, 0, 300);
    const pieces = [];
    for (const [first, count] of [
      [0, 1],
      [1, 2],
      [3, 100],
      [103, 197],
    ])
      pieces.push(...(await weights.rows(matrix, first, count)));
    expect(pieces).toEqual([...whole]);
  });
  it('follow the seed and the name', async () => {
    const drawn = [...(await weights.rows(matrix, 0, 2))];
    expect([...(await new RandomWeights(7).rows(matrix, 0, 2))]).toEqual(drawn);
    for (const [seed, of] of [
      [8, matrix],
      [7, part('model.layers.1.mlp.up_proj.weight', 300, 21)],
    ] as const)
      expect([...(await new RandomWeights(seed).rows(of, 0, 2))]).not.toEqual(drawn);
  });
  it('have the variance that keeps magnitudes, and gains around one', async () => {
    const values = await weights.rows(matrix, 0, 300);
    const mean = values.reduce((a, b) => a + b) / values.length;
    const variance = values.reduce((a, b) => a + (b - mean) ** 2, 0) / values.length;
    expect(Math.abs(mean)).toBeLessThan(0.02);
    expect(Math.abs(variance * 21 - 1)).toBeLessThan(0.05);
    const reach = async (of: PlannedPart): Promise<[number, number]> => {
      const drawn = await weights.rows(of, 0, 500);
      return [Math.min(...drawn), Math.max(...drawn)];
    };
    const near = (value: number): unknown => expect.closeTo(value, 2);
    expect(await reach(part('model.norm.weight', 500))).toEqual([near(0.9), near(1.1)]);
    expect(await reach(part('a.e_score_correction_bias', 500))).toEqual([near(-0.1), near(0.1)]);
  });
});

describe('a random model', () => {
  test.each(['nano', 'family/v3', 'family/v2-lite'] as const)(
    'of the shape of %s runs',
    async (name) => {
      await withTempDir(async (dir) => {
        const config = join(checkpointDir(name), 'config.json');
        const [a, b, other] = ['a', 'b', 'other'].map((folder) => join(dir, folder));
        const written = await writeRandomModel(config, a, { seed: 1 });
        await writeRandomModel(config, b, { seed: 1 });
        await writeRandomModel(config, other, { seed: 2 });
        const file = (folder: string) => readFile(join(folder, 'model.json'), 'utf8');
        expect(await file(b)).toBe(await file(a));
        expect(await file(other)).not.toBe(await file(a));
        const model = await Model.open(a);
        const { tensors } = JSON.parse(await file(a)) as { tensors: unknown[] };
        expect(written).toMatchObject({ dir: a, tensors: tensors.length });
        const tokens = await generate(model, [1, 2, 3], 4);
        expect(tokens).toHaveLength(4);
      });
    },
  );
  it('is refused where the configuration is, or the folder is taken', async () => {
    await withTempDir(async (dir) => {
      const config = join(dir, 'config.json');
      const out = join(dir, 'model');
      const write = (options = {}) =>
        failure(writeRandomModel(config, out, { seed: 1, ...options }));
      expect(await write()).toMatchObject({ code: 'NOT_FOUND' });
      await writeFile(config, '{"model_type": "llama"}');
      expect(await write()).toMatchObject({ code: 'BAD_CONFIG' });
      await writeFile(config, await readFile(join(checkpointDir('nano'), 'config.json')));
      await writeRandomModel(config, out, { seed: 1 });
      expect(await write()).toMatchObject({ code: 'OUTPUT_EXISTS' });
      await writeRandomModel(config, out, { seed: 1, force: true });
      expect(await write({ signal: AbortSignal.abort(), force: true })).toMatchObject({
        code: 'CANCELLED',
      });
      expect((await Model.open(out)).config.layers).toBe(2);
    });
  });
});
