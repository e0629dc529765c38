import { afterAll, beforeAll, describe, expect, it } from '@jest/globals';
import { chmod, mkdir, mkdtemp, readFile, rm, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { openDataDir } from './data-dir.js';

const OPTIONS = { accounts: 1, balance: 5, slotMilliseconds: 1000 };
const BAD = { code: 'BAD_DATA_DIR' };

let folder: string;
beforeAll(async () => {
  folder = await mkdtemp(join(tmpdir(), 'attensor-data-'));
});
afterAll(() => rm(folder, { recursive: true, force: true }));

async function made(name: string): Promise<{ dir: string; genesis: string }> {
  const dir = join(folder, name);
  await (await openDataDir(dir, OPTIONS)).release();
  return { dir, genesis: join(dir, 'genesis.json') };
}

describe('the genesis file', () => {
  it('is made once', async () => {
    const { dir, genesis } = await made('once');
    const text = await readFile(genesis, 'utf8');
    await (await openDataDir(dir, OPTIONS)).release();
    expect(await readFile(genesis, 'utf8')).toBe(text);
  });

  it('that cannot be read is reported, and not replaced', async () => {
    const { dir, genesis } = await made('unreadable');
    // a folder in its place can't be read by anyone, not even by root
    await rm(genesis);
    await mkdir(genesis);
    await expect(openDataDir(dir, OPTIONS)).rejects.toMatchObject({ ...BAD, got: 'EISDIR' });

    const other = await made('forbidden');
    await chmod(other.genesis, 0);
    const text = await readFile(other.genesis, 'utf8').catch(() => undefined);
    if (text === undefined)
      await expect(openDataDir(other.dir, OPTIONS)).rejects.toMatchObject(BAD);
  });

  it.each([
    ['half of it', (text: string) => text.slice(0, 200)],
    ['nothing', () => ''],
    ['a key with a wrong checksum', (text: string) => text.replace(/B62q.../, 'B62qxyz')],
    ['another version', (text: string) => text.replace('"version": 1', '"version": 7')],
  ])('with %s is reported without its keys, and not replaced', async (name, damage) => {
    const { dir, genesis } = await made(name);
    const text = await readFile(genesis, 'utf8');
    const { privateKey } = (JSON.parse(text) as { accounts: { privateKey: string }[] }).accounts[0];
    await writeFile(genesis, damage(text));
    const error = await openDataDir(dir, OPTIONS).catch((reason: unknown) => reason as Error);
    expect(error).toMatchObject(BAD);
    expect((error as Error).message).not.toContain(privateKey);
    expect(await readFile(genesis, 'utf8')).toBe(damage(text));
  });

  it('that is missing beside a log is reported: the log belongs to it', async () => {
    const { dir, genesis } = await made('lost');
    await writeFile(join(dir, 'transactions.log'), 'something');
    await rm(genesis);
    await expect(openDataDir(dir, OPTIONS)).rejects.toMatchObject(BAD);
    await expect(readFile(genesis)).rejects.toMatchObject({ code: 'ENOENT' });
  });
});

describe('the lock', () => {
  it('is never had by two, also when a killed process left the file', async () => {
    const { dir } = await made('race');
    for (let trial = 0; trial < 100; trial++) {
      await writeFile(join(dir, 'lock'), '999999999\n');
      const starts = await Promise.allSettled([1, 2, 3].map(() => openDataDir(dir, OPTIONS)));
      const got = starts.filter((start) => start.status === 'fulfilled');
      expect(got).toHaveLength(1);
      expect(starts.find(({ status }) => status === 'rejected')).toMatchObject({
        reason: { code: 'DATA_DIR_IN_USE' },
      });
      await got[0].value.release();
    }
  });

  it('says who has it', async () => {
    const { dir } = await made('owner');
    const { release } = await openDataDir(dir, OPTIONS);
    await expect(openDataDir(dir, OPTIONS)).rejects.toMatchObject({
      code: 'DATA_DIR_IN_USE',
      got: `process ${process.pid}`,
    });
    await release();
  });
});
