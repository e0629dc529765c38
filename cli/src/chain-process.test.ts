import { afterAll, beforeAll, expect, it } from '@jest/globals';
import { spawn } from 'node:child_process';
import { once } from 'node:events';
import { mkdtemp, rm } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { setTimeout as pause } from 'node:timers/promises';
import { fileURLToPath } from 'node:url';
import { ChainProcess } from './chain-process.js';

const FAILING = fileURLToPath(new URL('./testing/failing-chain.js', import.meta.url));
const START = fileURLToPath(new URL('./testing/start-chain.js', import.meta.url));

let folder: string;
beforeAll(async () => {
  folder = await mkdtemp(join(tmpdir(), 'attensor-chain-process-'));
});
afterAll(async () => {
  await rm(folder, { recursive: true, force: true });
});

function lives(pid: number): boolean {
  try {
    return process.kill(pid, 0);
  } catch {
    return false;
  }
}

it('the chain ends with the process that started it, however that ends, while it compiles', async () => {
  const parent = spawn(process.execPath, [START, folder], { stdio: ['ignore', 'pipe', 'inherit'] });
  const [line] = (await once(parent.stdout, 'data')) as [Buffer];
  const pid = Number(line.toString());
  expect(lives(pid)).toBe(true);
  // until o1js is loaded and compiles: the main thread answers nothing then
  await pause(3000);
  parent.kill('SIGKILL');
  await once(parent, 'exit');
  for (let i = 0; i < 200 && lives(pid); i++) await pause(100);
  expect(lives(pid)).toBe(false);
});

it('a chain that ends too early fails what was asked of it, and what is asked afterwards', async () => {
  const chain = ChainProcess.start(folder);
  const asked = chain.settle();
  process.kill(chain.pid, 'SIGKILL');
  const ended = { code: 'INTERNAL', got: 'SIGKILL' };
  await expect(asked).rejects.toMatchObject(ended);
  await expect(chain.failed).rejects.toMatchObject(ended);
  await expect(chain.readLatest()).rejects.toMatchObject(ended);
});

it('a failure in the other process is told as it would be in this one', async () => {
  const chain = ChainProcess.start(folder, FAILING);
  const failure = { name: 'AttensorError', code: 'NOT_GENUINE', expected: 'a key', got: 'another' };
  await expect(chain.failed).rejects.toMatchObject(failure);
  await expect(chain.settle()).rejects.toMatchObject({ message: 'it does not fit', stack: 'here' });
  chain.stop();
});
