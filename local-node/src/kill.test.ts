import { expect, it } from '@jest/globals';
import { spawn } from 'node:child_process';
import { once } from 'node:events';
import { mkdtemp, rm } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { fileURLToPath } from 'node:url';
import { Log } from './log.js';

const APPEND = fileURLToPath(new URL('./testing/append.js', import.meta.url));
const KILLS = 20;

// a whole node at a hundred moments: npm run bench -- faults
it('a process that is killed at any moment loses nothing that it acknowledged', async () => {
  const folder = await mkdtemp(join(tmpdir(), 'attensor-kill-'));
  const path = join(folder, 'transactions.log');
  let last = -1;
  for (let kill = 0; kill < KILLS; kill++) {
    const child = spawn(process.execPath, [APPEND, path], { stdio: ['ignore', 'pipe', 'inherit'] });
    let told = '';
    child.stdout.on('data', (chunk: Buffer) => (told += chunk.toString()));
    await once(child.stdout, 'data');
    await new Promise((resolve) => setTimeout(resolve, Math.random() * 60));
    child.kill('SIGKILL');
    await once(child, 'close');
    const acknowledged = Number(told.split('\n').at(-2));
    expect(acknowledged).toBeGreaterThan(last);

    const { log, entries } = await Log.open(path);
    await log.close();
    // an entry that was written and not told of may be there too
    expect(entries.length - 1 - acknowledged).toBeGreaterThanOrEqual(0);
    expect(entries.length - 1 - acknowledged).toBeLessThanOrEqual(1);
    expect(entries.map((entry) => (entry as { n: number }).n)).toEqual([...entries.keys()]);
    last = entries.length - 1;
  }
  await rm(folder, { recursive: true, force: true });
});

it('a disk that takes no more is reported, and the log is as before', async () => {
  const folder = await mkdtemp(join(tmpdir(), 'attensor-full-'));
  const path = join(folder, 'transactions.log');
  // no file may become larger than 40 kB
  const limited = ['-c', `ulimit -f 40; exec "$0" "$1" "$2"`, process.execPath, APPEND, path];
  const child = spawn('bash', limited, { stdio: ['ignore', 'pipe', 'pipe'] });
  let [told, failure] = ['', ''];
  child.stdout.on('data', (chunk: Buffer) => (told += chunk.toString()));
  child.stderr.on('data', (chunk: Buffer) => (failure += chunk.toString()));
  const [code] = (await once(child, 'close')) as [number];
  expect(code).not.toBe(0);
  expect(failure).toContain('LOG_WRITE_FAILED');
  const { log, entries, cut } = await Log.open(path);
  expect(entries).toHaveLength(Number(told.split('\n').at(-2)) + 1);
  expect(cut).toBe(0);
  await log.append({ n: entries.length });
  await log.close();
  await rm(folder, { recursive: true, force: true });
});
