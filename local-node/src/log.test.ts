import { afterAll, beforeAll, describe, expect, it } from '@jest/globals';
import { appendFile, mkdtemp, readFile, rm, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { Log } from './log.js';

let folder: string;
beforeAll(async () => {
  folder = await mkdtemp(join(tmpdir(), 'attensor-log-'));
});
afterAll(() => rm(folder, { recursive: true, force: true }));

async function written(name: string, ...entries: object[]): Promise<string> {
  const path = join(folder, name);
  const { log } = await Log.open(path);
  for (const entry of entries) await log.append(entry);
  await log.close();
  return path;
}

async function read(path: string) {
  const { log, entries, cut } = await Log.open(path);
  await log.close();
  return { entries, cut };
}

describe('Log', () => {
  it('gives back what was appended', async () => {
    const path = await written('plain', { a: 1 }, { text: 'line\nbreak, ü' });
    expect(await read(path)).toEqual({ entries: [{ a: 1 }, { text: 'line\nbreak, ü' }], cut: 0 });
  });

  it.each([
    ['half a line', (line: string) => line.slice(0, 20)],
    ['a line whose end is wrong', (line: string) => `${line.slice(0, -4)}zzz\n`],
  ])('cuts off %s at the end, and goes on', async (name, tear) => {
    const path = await written(name, { a: 1 });
    const line = await readFile(path, 'utf8');
    await appendFile(path, tear(line));
    const { log, entries, cut } = await Log.open(path);
    expect(entries).toEqual([{ a: 1 }]);
    expect(cut).toBeGreaterThan(0);
    await log.append({ b: 2 });
    await log.close();
    expect((await read(path)).entries).toEqual([{ a: 1 }, { b: 2 }]);
  });

  it('refuses a log that is damaged in the middle', async () => {
    const path = await written('middle', { a: 1 }, { b: 2 });
    const text = await readFile(path, 'utf8');
    await writeFile(path, text.replace('"a":1', '"a":9'));
    await expect(read(path)).rejects.toMatchObject({ code: 'BAD_DATA_DIR' });
  });
});
