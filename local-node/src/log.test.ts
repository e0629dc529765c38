import { afterAll, afterEach, beforeAll, describe, expect, it, jest } from '@jest/globals';
import { appendFile, mkdtemp, open, readFile, rm, truncate, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { Log } from './log.js';

let folder: string;
beforeAll(async () => {
  folder = await mkdtemp(join(tmpdir(), 'attensor-log-'));
});
afterEach(() => {
  jest.restoreAllMocks();
});
afterAll(() => rm(folder, { recursive: true, force: true }));

async function written(name: string, ...entries: object[]): Promise<string> {
  const path = join(folder, name);
  const { log } = await Log.open(path);
  for (const entry of entries) await log.append(entry);
  await log.close();
  return path;
}

async function read(path: string, options?: Parameters<typeof Log.open>[1]) {
  const { log, entries, cut, copy } = await Log.open(path, options);
  await log.close();
  return { entries, cut, copy };
}

const BAD = { code: 'BAD_DATA_DIR' };

describe('Log', () => {
  it('gives back what was appended', async () => {
    const path = await written('plain', { a: 1 }, { text: 'line\nbreak, ü' });
    expect(await read(path)).toEqual({ entries: [{ a: 1 }, { text: 'line\nbreak, ü' }], cut: 0 });
  });

  it('cuts off what is left of a line that was not acknowledged, wherever it broke off', async () => {
    const path = await written('torn', { a: 1 });
    const line = await readFile(await written('other', { b: 'a longer line than the first' }));
    for (let length = 1; length < line.length; length++) {
      await appendFile(path, line.subarray(0, length));
      expect(await read(path)).toEqual({ entries: [{ a: 1 }], cut: length });
    }
    // or its end never came to the disk
    await appendFile(path, Buffer.concat([line.subarray(0, 30), Buffer.alloc(40)]));
    const { log, entries } = await Log.open(path);
    expect(entries).toEqual([{ a: 1 }]);
    await log.append({ b: 2 });
    await log.close();
    expect((await read(path)).entries).toEqual([{ a: 1 }, { b: 2 }]);
  });

  it('keeps a whole line whose acknowledgement was interrupted', async () => {
    const path = await written('whole', { a: 1 });
    const before = await readFile(`${path}.acknowledged`);
    const { log } = await Log.open(path);
    await log.append({ b: 2 });
    await log.close();
    await writeFile(`${path}.acknowledged`, before);
    expect(await read(path)).toEqual({ entries: [{ a: 1 }, { b: 2 }], cut: 0 });
  });

  it('reports an acknowledged end that is missing or damaged, and never cuts it unasked', async () => {
    const path = await written('end', { a: 1 }, { b: 2 });
    const whole = await readFile(path);
    const second = whole.indexOf('\n') + 1;
    for (const length of [whole.length - 1, second + 20, second, second - 5, 0]) {
      await truncate(path, length);
      await expect(read(path)).rejects.toMatchObject(BAD);
      expect((await readFile(path)).length).toBe(length);
      await writeFile(path, whole);
    }
    await writeFile(path, whole.toString().replace('"b":2', '"b":3'));
    await expect(read(path)).rejects.toMatchObject({ ...BAD, where: `${path}:2` });

    const { entries, cut, copy } = await read(path, { acceptLoss: true });
    expect({ entries, cut }).toEqual({ entries: [{ a: 1 }], cut: whole.length - second });
    expect((await readFile(copy ?? '')).length).toBe(whole.length);
    expect(await read(path)).toEqual({ entries: [{ a: 1 }], cut: 0 });
  });

  it('refuses a log that is damaged in the middle', async () => {
    const path = await written('middle', { a: 1 }, { b: 2 });
    const text = await readFile(path, 'utf8');
    await writeFile(path, text.replace('"a":1', '"a":9'));
    await expect(read(path)).rejects.toMatchObject({ ...BAD, where: `${path}:1` });
  });

  it('survives one torn record of what was acknowledged, and reports two', async () => {
    const path = await written('records', { a: 1 }, { b: 2 }, { c: 3 });
    const records = await readFile(`${path}.acknowledged`);
    for (const torn of [0, 34]) {
      await writeFile(`${path}.acknowledged`, Buffer.from(records).fill(0, torn, torn + 34));
      expect((await read(path)).entries).toHaveLength(3);
    }
    await writeFile(`${path}.acknowledged`, Buffer.alloc(68));
    await expect(read(path)).rejects.toMatchObject({ ...BAD, where: `${path}.acknowledged` });
  });

  it('takes over a log of a version that kept no such record, if it is whole', async () => {
    const path = await written('older', { a: 1 });
    await rm(`${path}.acknowledged`);
    expect((await read(path)).entries).toEqual([{ a: 1 }]);
    await rm(`${path}.acknowledged`);
    await appendFile(path, 'half a line');
    await expect(read(path)).rejects.toMatchObject(BAD);
  });

  it('is as before when the disk is full, and takes entries again when it is not', async () => {
    const path = await written('full', { a: 1 });
    const { log } = await Log.open(path);
    const before = await readFile(path);
    const handle = await open(path, 'r');
    const prototype = Object.getPrototypeOf(handle) as typeof handle;
    await handle.close();
    const write = prototype.write as (...args: unknown[]) => Promise<{ bytesWritten: number }>;
    let room = 10;
    jest.spyOn(prototype, 'write').mockImplementation(async function (this: unknown, ...args) {
      const [bytes, offset, length, position] = args as unknown as [Buffer, number, number, number];
      if (room === 0) throw Object.assign(Error('ENOSPC: no space left'), { code: 'ENOSPC' });
      const some = Math.min(room, length);
      room -= some;
      return (await write.call(this, bytes, offset, some, position)) as never;
    });
    for (let i = 0; i < 2; i++) {
      await expect(log.append({ b: 2 })).rejects.toMatchObject({
        code: 'LOG_WRITE_FAILED',
        usable: true,
      });
      expect(await readFile(path)).toEqual(before);
    }
    room = 1000;
    await log.append({ c: 3 });
    await log.close();
    expect((await read(path)).entries).toEqual([{ a: 1 }, { c: 3 }]);
  });

  it('is not used any more when nobody knows what is on disk', async () => {
    const path = await written('unknown', { a: 1 });
    const { log } = await Log.open(path);
    const handle = await open(path, 'r');
    const prototype = Object.getPrototypeOf(handle) as typeof handle;
    await handle.close();
    jest.spyOn(prototype, 'datasync').mockRejectedValue(Error('EIO'));
    await expect(log.append({ b: 2 })).rejects.toMatchObject({ usable: false });
    await log.close();
  });
});
