import { readFile, symlink, truncate, writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import { describe, expect, test } from '@jest/globals';
import { failure, random, withTempDir } from '../testing/fixtures.js';
import { CHUNK, PartReader, WeightWriter, type StoredPart } from './weight-file.js';

/** Three chunks: of one byte, of four, and of two, which is short. */
const LENGTH = 2 * CHUNK + 1001;
const pick = random(5);
const values = Int32Array.from({ length: LENGTH }, (_, i) =>
  i < CHUNK ? pick(-128, 127) : i < 2 * CHUNK ? pick(-(2 ** 31), 2 ** 31 - 1) : pick(-32768, 32767),
);
const DATA = CHUNK + 4 * CHUNK + 2 * 1001;
const RECORDS = 3 * 33;

/** In pieces that end where no chunk does. */
async function* pieces(): AsyncGenerator<Int32Array> {
  for (let at = 0; at < LENGTH; at += 70_001) yield values.subarray(at, at + 70_001);
}

async function* single(...integers: number[]): AsyncGenerator<Int32Array> {
  yield Int32Array.from(integers);
}

async function written(dir: string): Promise<StoredPart> {
  const writer = new WeightWriter(dir);
  await writer.write('some.bin', single(-40_000, 1, 2));
  const part = await writer.write('some.bin', pieces());
  await writer.close();
  return part;
}

const opened = (dir: string, part: StoredPart): PartReader =>
  new PartReader(dir, part, LENGTH, 'layers.0.wo');

async function read(reader: PartReader, from: number, to: number): Promise<Int32Array> {
  const into = new Int32Array(to - from);
  await reader.read(from, into);
  return into;
}

describe('weights on disk', () => {
  test('each chunk in its narrowest type, any range as it was', async () => {
    await withTempDir(async (dir) => {
      const part = await written(dir);
      expect(part).toMatchObject({ file: 'some.bin', offset: 12 + 33, bytes: DATA + RECORDS });
      expect(await readFile(join(dir, 'some.bin'))).toHaveLength(part.offset + part.bytes);
      const reader = opened(dir, part);
      for (const [from, to] of [
        [0, LENGTH],
        [0, 0],
        [5, 6],
        [CHUNK - 3, CHUNK + 3],
        [CHUNK, 2 * CHUNK],
        [CHUNK + 7, LENGTH - 9],
        [LENGTH - 1, LENGTH],
      ])
        expect((await read(reader, from, to)).join()).toBe(values.subarray(from, to).join());
    });
  });

  test.each([
    [-128, 127, 1],
    [-129, 0, 2],
    [0, 128, 2],
    [-32768, 32767, 2],
    [-32769, 0, 4],
    [0, 32768, 4],
    [-(2 ** 31), 2 ** 31 - 1, 4],
  ])('%i and %i take %i bytes each', async (low, high, width) => {
    await withTempDir(async (dir) => {
      const writer = new WeightWriter(dir);
      const part = await writer.write('a.bin', single(low, high));
      await writer.close();
      expect(part.bytes).toBe(2 * width + 33);
      const into = new Int32Array(2);
      await new PartReader(dir, part, 2, 'a').read(0, into);
      expect([...into]).toEqual([low, high]);
    });
  });

  test('a changed byte is noticed by every range that shares its hash, and by no other', async () => {
    await withTempDir(async (dir) => {
      const part = await written(dir);
      const path = join(dir, 'some.bin');
      const bytes = await readFile(path);
      bytes[part.offset + CHUNK + 9] ^= 1;
      await writeFile(path, bytes);
      const reader = opened(dir, part);
      for (const range of [
        [CHUNK + 100, CHUNK + 101],
        [CHUNK - 1, CHUNK + 1],
      ])
        expect(await failure(read(reader, range[0], range[1]))).toMatchObject({
          code: 'MODEL_CORRUPT',
          what: 'the weights are not those imported',
          where: expect.stringMatching(/some\.bin.*layers\.0\.wo/),
          expected: expect.stringMatching(/^[0-9a-f]{64}$/),
          got: expect.stringMatching(/^[0-9a-f]{64}$/),
          hint: expect.stringContaining('import the checkpoint again'),
        });
      expect(await read(reader, 0, 10)).toEqual(values.slice(0, 10));
      expect(await read(reader, 2 * CHUNK, LENGTH)).toEqual(values.slice(2 * CHUNK));
    });
  });

  test('so is a changed hash, and the file may be restored', async () => {
    await withTempDir(async (dir) => {
      const part = await written(dir);
      const path = join(dir, 'some.bin');
      const bytes = await readFile(path);
      const changed = Buffer.from(bytes);
      changed[part.offset + DATA + 1] ^= 1;
      await writeFile(path, changed);
      const reader = opened(dir, part);
      expect(await failure(read(reader, 2 * CHUNK, LENGTH))).toMatchObject({
        code: 'MODEL_CORRUPT',
        what: 'the hashes of the weights are not those imported',
      });
      await writeFile(path, bytes);
      expect(await read(reader, 0, 10)).toEqual(values.slice(0, 10));
    });
  });

  test('a truncated file, whether before it is opened or after', async () => {
    await withTempDir(async (dir) => {
      const part = await written(dir);
      const path = join(dir, 'some.bin');
      const reader = opened(dir, part);
      await read(reader, 0, 1);
      const end = part.offset + part.bytes;
      await truncate(path, end - RECORDS - 1);
      expect(await failure(read(reader, LENGTH - 5, LENGTH))).toMatchObject({
        code: 'MODEL_CORRUPT',
        what: 'the file is truncated',
        expected: `${end} bytes`,
        got: `${end - RECORDS - 1}`,
      });
      expect(await failure(read(opened(dir, part), 0, 1))).toMatchObject({ code: 'MODEL_CORRUPT' });
      const shorter = { ...part, bytes: part.bytes - 1 };
      expect(await failure(read(opened(dir, shorter), 0, 1))).toMatchObject({
        code: 'MODEL_CORRUPT',
      });
    });
  });

  test('a file that is gone', async () => {
    await withTempDir(async (dir) => {
      const part = await written(dir);
      const reader = opened(join(dir, 'elsewhere'), part);
      expect(await failure(read(reader, 0, 1))).toMatchObject({ code: 'NOT_FOUND' });
    });
  });

  test('a disk that is full', async () => {
    await withTempDir(async (dir) => {
      const path = join(dir, 'full.bin');
      await symlink('/dev/full', path);
      const writer = new WeightWriter(dir);
      expect(await failure(writer.write('full.bin', single(1)))).toMatchObject({
        code: 'WRITE_FAILED',
        where: path,
        got: 'ENOSPC',
        hint: expect.stringContaining('free some space'),
      });
      await writer.close();
    });
  });
});
