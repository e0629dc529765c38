import { afterAll, beforeAll, describe, expect, it } from '@jest/globals';
import { spawn } from 'node:child_process';
import { once } from 'node:events';
import { mkdtemp, readFile, rm, stat } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { fileURLToPath } from 'node:url';
import { attensor } from './testing/streams.js';

const CHECKPOINT = fileURLToPath(new URL('../../models/nano', import.meta.url));
const MAIN = fileURLToPath(new URL('./main.js', import.meta.url));

let folder: string;
let data: string;
let model: string;
beforeAll(async () => {
  folder = await mkdtemp(join(tmpdir(), 'attensor-serve-'));
  data = join(folder, 'data');
  model = join(folder, 'model');
  const { exitCode } = await attensor(['model', 'import', CHECKPOINT, '--out', model]);
  expect(exitCode).toBe(0);
});
afterAll(() => rm(folder, { recursive: true, force: true }));

const keys = (...args: string[]) => attensor(['serve', 'keys', ...args, '--data', data, '--json']);

describe('serve keys', () => {
  it('shows a key once, and keeps its hash for the owner only', async () => {
    const added = (await keys('add', 'alice', '--per-minute', '7')).json() as Record<
      string,
      string
    >;
    expect(added).toMatchObject({ name: 'alice', key: expect.stringContaining(added.id) });
    const path = join(data, 'keys.json');
    expect(await readFile(path, 'utf8')).not.toContain(added.key.slice(-43));
    expect((await stat(path)).mode & 0o777).toBe(0o600);
    const listed = await keys('list');
    expect(listed.json()).toMatchObject({
      keys: [{ id: added.id, name: 'alice', use: 'answers', perMinute: 7 }],
    });
    expect(listed.stdout).not.toMatch(/hash|attensor-/);
  });

  it('of several commands at once, what one says it has added is kept, and the others say why not', async () => {
    const names = ['a', 'b', 'c'];
    const ran = await Promise.all(names.map((name) => keys('add', name, '--metrics')));
    const { keys: all } = (await keys('list')).json() as { keys: { name: string }[] };
    const kept = all.map(({ name }) => name);
    for (const [i, { exitCode, stderr }] of ran.entries()) {
      if (exitCode === 0) expect(kept).toContain(names[i]);
      else expect(stderr).toContain('DATA_DIR_IN_USE');
    }
    expect(kept).toEqual(expect.arrayContaining(['alice', 'a']));
  });

  it('revokes one, and says if there is none', async () => {
    const { keys: all } = (await keys('list')).json() as { keys: { id: string }[] };
    expect((await keys('revoke', all[0].id)).exitCode).toBe(0);
    const again = await keys('revoke', all[0].id);
    expect(again).toMatchObject({ exitCode: 1 });
    expect(again.json()).toMatchObject({ error: { code: 'NOT_FOUND', got: all[0].id } });
  });
});

describe('serve', () => {
  it('answers until it is told to stop', async () => {
    const own = join(folder, 'own');
    const args = ['serve', model, '--answers-only', '--port', '0', '--data', own, '--json'];
    const child = spawn(process.execPath, [MAIN, ...args], { stdio: ['ignore', 'pipe', 'ignore'] });
    const [line] = (await once(child.stdout, 'data')) as [Buffer];
    const told = JSON.parse(line.toString()) as { url: string };
    expect(told).toMatchObject({ keys: 0, proofs: false, data: own });
    expect((await fetch(`${told.url}/readyz`)).status).toBe(200);
    child.kill('SIGTERM');
    expect(await once(child, 'exit')).toEqual([0, null]);
  });

  it('says what is missing for proofs, and for an address that others reach', async () => {
    const rest = ['--port', '0', '--data', join(folder, 'none'), '--json'];
    const uncommitted = await attensor(['serve', model, ...rest]);
    expect(uncommitted.json()).toMatchObject({ error: { code: 'NOT_FOUND' } });
    expect(uncommitted.stderr).toContain('model commit');
    const open = await attensor(['serve', model, '--answers-only', '--host', '0.0.0.0', ...rest]);
    expect(open.json()).toMatchObject({ error: { code: 'USAGE' } });
    expect(open.stderr).toContain('serve keys add');
  });
});
