import { afterAll, beforeAll, describe, expect, it } from '@jest/globals';
import { mkdir, mkdtemp, rm, symlink, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { requireFree, writeManifest } from './page-manifest.js';

const EXISTS = { code: 'OUTPUT_EXISTS' };

let folder: string;
beforeAll(async () => {
  folder = await mkdtemp(join(tmpdir(), 'attensor-manifest-'));
});
afterAll(() => rm(folder, { recursive: true, force: true }));

async function page(name: string): Promise<string> {
  const path = join(folder, name);
  await mkdir(join(path, 'models'), { recursive: true });
  await writeFile(join(path, 'index.html'), '');
  await writeFile(join(path, 'attensor.json'), '{}');
  await writeFile(join(path, 'models', 'a.json'), '');
  await writeManifest(path);
  return path;
}

describe('the folder of a page', () => {
  it('is free where there is none, and replaced on demand', async () => {
    await requireFree(join(folder, 'none'), false);
    const path = await page('plain');
    await expect(requireFree(path, false)).rejects.toMatchObject(EXISTS);
    await requireFree(path, true);
  });

  it.each([
    ['a file beside the page', (path: string) => writeFile(join(path, 'thesis.txt'), '')],
    ['one in a folder of it', (path: string) => writeFile(join(path, 'models', 'b.json'), '')],
    ['a link', (path: string) => symlink('/', join(path, 'root'))],
    ['no list of its files', (path: string) => rm(join(path, 'attensor-files.json'))],
    ['a list that is damaged', (path: string) => writeFile(join(path, 'attensor-files.json'), '{')],
  ])('is not deleted with %s in it', async (name, change) => {
    const path = await page(name);
    await change(path);
    await expect(requireFree(path, true)).rejects.toMatchObject(EXISTS);
  });

  it('is not any folder or file or link', async () => {
    const path = join(folder, 'other');
    await mkdir(path);
    await writeFile(join(path, 'attensor.json'), '{}');
    await expect(requireFree(path, true)).rejects.toMatchObject(EXISTS);
    await expect(requireFree(join(path, 'attensor.json'), true)).rejects.toMatchObject(EXISTS);
    const link = join(folder, 'link');
    await symlink(await page('target'), link);
    await expect(requireFree(link, true)).rejects.toMatchObject(EXISTS);
  });
});
