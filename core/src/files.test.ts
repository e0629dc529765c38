import { afterAll, beforeAll, describe, expect, it } from '@jest/globals';
import { mkdir, mkdtemp, readdir, readFile, rm, stat, symlink, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { z } from 'zod';
import {
  PRIVATE_FILE,
  readJson,
  readTextFile,
  requireWritable,
  writeAtomic,
  writeTogether,
} from './files.js';

let folder: string;
beforeAll(async () => {
  folder = await mkdtemp(join(tmpdir(), 'attensor-core-'));
});
afterAll(() => rm(folder, { recursive: true, force: true }));

describe('writeAtomic', () => {
  it('replaces a file, with its mode, and leaves nothing else behind', async () => {
    const path = join(folder, 'secret.json');
    await writeFile(path, 'old', { mode: 0o644 });
    await writeAtomic(path, 'new', PRIVATE_FILE);
    expect(await readFile(path, 'utf8')).toBe('new');
    expect((await stat(path)).mode & 0o777).toBe(0o600);
    expect(await readdir(folder)).toEqual(['secret.json']);
  });
});

describe('writeAtomic that fails', () => {
  it('leaves the old file and nothing else', async () => {
    const path = join(folder, 'kept');
    await mkdir(path);
    await writeFile(join(path, 'inside'), '');
    const before = await readdir(folder);
    await expect(writeAtomic(path, 'new')).rejects.toMatchObject({
      ...{ code: 'WRITE_FAILED', where: path },
      got: expect.stringMatching(/^E[A-Z]+$/) as unknown,
    });
    expect(await readdir(folder)).toEqual(before);
    await rm(path, { recursive: true });
  });

  it('follows no link that somebody put in the place of its temporary file', async () => {
    const [path, victim] = [join(folder, 'target.json'), join(folder, 'victim')];
    await writeFile(victim, 'mine');
    // the name of a version that could be known beforehand
    await symlink(victim, `${path}.${process.pid}.tmp`);
    await writeAtomic(path, 'new');
    expect(await readFile(victim, 'utf8')).toBe('mine');
    expect(await readFile(path, 'utf8')).toBe('new');
    for (const file of [path, victim, `${path}.${process.pid}.tmp`]) await rm(file);
  });
});

describe('writeTogether', () => {
  const file = (name: string, data: string) => ({ path: join(folder, name), data });

  it('writes all files, each with its mode', async () => {
    const secret = { ...file('b', '2'), mode: PRIVATE_FILE };
    await writeTogether([file('a', '1'), secret]);
    expect(await readFile(join(folder, 'a'), 'utf8')).toBe('1');
    expect(await readFile(secret.path, 'utf8')).toBe('2');
    expect((await stat(secret.path)).mode & 0o777).toBe(0o600);
    for (const name of ['a', 'b']) await rm(join(folder, name));
  });

  it('replaces none when one cannot be written', async () => {
    await writeFile(join(folder, 'a'), 'old');
    const before = await readdir(folder);
    const missing = join('no-such-folder', 'b');
    await expect(writeTogether([file('a', 'new'), file(missing, 'new')])).rejects.toMatchObject({
      ...{ code: 'WRITE_FAILED', where: join(folder, missing), got: 'ENOENT' },
    });
    expect(await readFile(join(folder, 'a'), 'utf8')).toBe('old');
    expect(await readdir(folder)).toEqual(before);
    await rm(join(folder, 'a'));
  });
});

describe('readJson', () => {
  const read = async (text: string) => {
    const path = join(folder, 'value.json');
    await writeFile(path, text);
    const schema = z.object({ sizes: z.array(z.number()) });
    return await readJson({ path, schema, code: 'BAD_MODEL', hint: 'Import it again' });
  };

  it('reads what the schema says', async () => {
    expect(await read('{"sizes": [1, 2]}')).toEqual({ sizes: [1, 2] });
  });

  it('names the field that is wrong', async () => {
    await expect(read('{"sizes": [1, "2"]}')).rejects.toMatchObject({
      code: 'BAD_MODEL',
      what: expect.stringContaining("'sizes.1'"),
      hint: 'Import it again',
    });
  });

  it('does not quote a file that is not JSON', async () => {
    const error = await read('{"privateKey": EKsecret}').catch((thrown: unknown) => thrown);
    expect(error).toMatchObject({ code: 'BAD_MODEL', what: 'the file is not JSON' });
    expect(String(error)).not.toContain('EKsecret');
  });
});

it('readTextFile refuses what is not there, folders and large files', async () => {
  await expect(readTextFile(join(folder, 'none'), 10)).rejects.toMatchObject({ code: 'NOT_FOUND' });
  await expect(readTextFile(folder, 10)).rejects.toMatchObject({ code: 'NOT_FOUND' });
  const path = join(folder, 'large');
  await writeFile(path, 'eleven byte');
  await expect(readTextFile(path, 10)).rejects.toMatchObject({ code: 'BAD_FILE' });
  expect(await readTextFile(path, 11)).toBe('eleven byte');
});

it('requireWritable wants a folder', async () => {
  await requireWritable(join(folder, 'file'));
  await expect(requireWritable(join(folder, 'none', 'file'))).rejects.toMatchObject({
    code: 'NOT_FOUND',
  });
});
