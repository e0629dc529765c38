/** Weights that are committed: how they are read, and what happens when they cannot be. */
import { afterAll, beforeAll, describe, expect, it } from '@jest/globals';
import { Model } from '@attensor/inference';
import { engine } from '@attensor/native';
import { readdir, readFile, truncate, writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import { Script } from '../script.js';
import { TEST_RATES } from '../testing/scripts.js';
import { smallModel, type SmallModel } from '../testing/small-model.js';
import { layersUnit } from '../units/layers.js';
import { commitModel } from './model-commitment.js';
import { commitWeights } from './weights.js';

const CAPACITY = 4;
const PART_LOG = 12;
const LAYER = 1;

let small: SmallModel;
beforeAll(async () => {
  small = await smallModel(1);
});
afterAll(() => small.dispose());

function layer(model: Model) {
  const unit = layersUnit(model.config, CAPACITY, { kind: 'moe', count: 1 });
  return { unit, script: new Script(unit, { ...TEST_RATES, partLog: PART_LOG }) };
}

describe('weights that are committed', () => {
  it('are read by ranges: those of the unit, and none twice, but what fills the witness', async () => {
    const model = await Model.open(small.model.dir);
    const { unit, script } = layer(model);
    const read = new Map<string, number>();
    const own = model.read.bind(model);
    model.read = (name, range, into) => {
      read.set(name, (read.get(name) ?? 0) + range.to - range.from);
      return own(name, range, into);
    };
    model.tensor = () => Promise.reject(new Error('a whole tensor was read'));
    await commitWeights(engine, script, unit, { model, layer: LAYER });
    const names = model.tensorNames.filter((name) => name.startsWith(`layers.${LAYER}.`));
    expect([...read.keys()].sort()).toEqual(names.sort());
    const filling = [...unit.builder.witnessWeights].map((name) =>
      name.replace('layers.0.', `layers.${LAYER}.`),
    );
    for (const name of names)
      expect([name, read.get(name)]).toEqual([
        name,
        (filling.includes(name) ? 2 : 1) * model.size(name),
      ]);
  });

  it('cannot be committed once they have changed, and nothing is written', async () => {
    const { dir } = small.model;
    const path = join(dir, 'weights', 'layer-2.expert-1.bin');
    const bytes = await readFile(path);
    const before = await readdir(dir);
    const failed = async (): Promise<void> => {
      const commit = commitModel(engine, await Model.open(dir), { capacity: 16 });
      await expect(commit).rejects.toMatchObject({
        code: 'MODEL_CORRUPT',
        where: expect.stringContaining(path),
        hint: expect.stringContaining('Restore the file'),
      });
      expect(await readdir(dir)).toEqual(before);
    };
    const changed = Buffer.from(bytes);
    changed[0] ^= 1;
    await writeFile(path, changed);
    await failed();
    await writeFile(path, bytes);
    await truncate(path, bytes.length - 1);
    await failed();
    await writeFile(path, bytes);
  });
});
