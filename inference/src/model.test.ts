import { readFile, truncate, writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import { describe, expect, test } from '@jest/globals';
import { importCheckpoint } from './checkpoint/import.js';
import { Model } from './model.js';
import { checkpointDir, failure, withModel, withTempDir } from './testing/fixtures.js';

interface Json {
  [key: string]: unknown;
  tensors: { name: string; shape: number[]; parts: Record<string, unknown>[] }[];
  config: Record<string, unknown>;
}

describe('model directory', () => {
  test('lists exactly the tensors of the semantics', async () => {
    await withModel('tiny', async (model) => {
      const { tensorNames } = model;
      expect(tensorNames).toHaveLength(2 + 1 + 3 * 12 + 3 + 2 * 8);
      let parameters = 0;
      for (const name of tensorNames) {
        const size = model.shape(name).reduce((a, b) => a * b, 1);
        expect(await model.tensor(name)).toHaveLength(size);
        parameters += size;
      }
      expect(parameters).toBe(365184 + 16);
      expect(model.shape('layers.2.wo')).toEqual([64, 4, 16]);
    });
  });

  test('a small cache reads the same weights', async () => {
    await withModel('nano', async (model) => {
      const small = await Model.open(model.dir, { cacheBytes: 1 });
      for (let round = 0; round < 2; round++) {
        for (const name of model.tensorNames) {
          expect(await small.tensor(name)).toEqual(await model.tensor(name));
        }
      }
    });
  });

  test('reads ranges, across experts too', async () => {
    await withModel('nano', async (model) => {
      for (const name of ['embedding', 'layers.1.routed.w2']) {
        const all = await model.tensor(name);
        expect(model.size(name)).toBe(all.length);
        for (const [from, to] of [
          [0, all.length],
          [200, 600],
          [all.length, all.length],
        ]) {
          const expected = all.slice(from, to);
          expect(await model.read(name, { from, to })).toEqual(expected);
          expect(await model.tensor(name, { from, to })).toEqual(expected);
          const into = new Int32Array(to - from);
          expect(await model.read(name, { from, to }, into)).toBe(into);
          expect(into).toEqual(expected);
        }
      }
      const { length } = await model.tensor('head');
      for (const [from, to] of [
        [-1, 1],
        [0.5, 1],
        [2, 1],
        [0, length + 1],
      ])
        expect(await failure(model.read('head', { from, to }))).toMatchObject({
          code: 'BAD_ARGUMENT',
          where: "tensor 'head'",
          got: `${from} .. ${to}`,
        });
      const short = model.read('head', { from: 0, to: 2 }, new Int32Array(1));
      expect(await failure(short)).toMatchObject({ code: 'BAD_ARGUMENT', got: '1' });
    });
  });

  test('what is read in place of a kept tensor does not change it', async () => {
    await withModel('nano', async (model) => {
      const kept = await model.tensor('head');
      const read = await model.read('head', { from: 0, to: kept.length });
      expect(read).not.toBe(kept);
      expect(await model.tensor('head')).toBe(kept);
    });
  });

  test('unknown tensors and experts', async () => {
    await withModel('nano', async (model) => {
      expect(await failure(model.tensor('layers.9.wq_a'))).toMatchObject({
        code: 'UNKNOWN_TENSOR',
      });
      expect(await failure(model.expert('layers.1.routed.w1', 4))).toMatchObject({
        code: 'UNKNOWN_TENSOR',
      });
      expect(await failure(model.expert('layers.0.routed.w1', 0))).toMatchObject({
        code: 'UNKNOWN_TENSOR',
      });
    });
  });

  test.each<[string, (json: Json) => void]>([
    ['another format', (j) => (j.format = 'other')],
    ['a missing tensor', (j) => j.tensors.pop()],
    ['a wrong shape', (j) => (j.tensors[1].shape = [17])],
    ['a missing part', (j) => j.tensors.find((t) => t.parts.length > 1)?.parts.pop()],
    ['an extra tensor', (j) => j.tensors.push({ ...j.tensors[0], name: 'extra' })],
    ['a config that does not fit', (j) => (j.config.layers = 3)],
    ['a path out of the folder', (j) => (j.tensors[0].parts[0].file = '../x')],
    ['an unknown field', (j) => (j.config.other = 1)],
  ])('model.json with %s', async (_, edit) => {
    await withModel('nano', async ({ dir }) => {
      const path = join(dir, 'model.json');
      const json = JSON.parse(await readFile(path, 'utf8')) as Json;
      edit(json);
      await writeFile(path, JSON.stringify(json));
      expect(await failure(Model.open(dir))).toMatchObject({ code: 'BAD_MODEL' });
    });
  });

  test.each([1, 3])('model.json of version %i', async (version) => {
    await withModel('nano', async ({ dir }) => {
      const path = join(dir, 'model.json');
      const json = JSON.parse(await readFile(path, 'utf8')) as Json;
      await writeFile(path, JSON.stringify({ ...json, version }));
      expect(await failure(Model.open(dir))).toMatchObject({
        code: 'UNSUPPORTED_VERSION',
        where: path,
        expected: 'version 2',
        got: `version ${version}`,
        hint: expect.stringContaining('Import the checkpoint'),
      });
    });
  });

  test('weights that changed or are gone', async () => {
    await withTempDir(async (dir) => {
      const out = join(dir, 'model');
      await importCheckpoint(checkpointDir('nano'), out);
      const path = join(out, 'weights', 'head.bin');
      const bytes = await readFile(path);
      bytes[100] ^= 1;
      await writeFile(path, bytes);
      const model = await Model.open(out);
      expect(await failure(model.tensor('head'))).toMatchObject({ code: 'MODEL_CORRUPT' });
      await truncate(path, 100);
      expect(await failure(model.tensor('head'))).toMatchObject({ code: 'MODEL_CORRUPT' });
      expect(await failure(Model.open(join(dir, 'nothing')))).toMatchObject({ code: 'NOT_FOUND' });
    });
  });
});
