/**
 * Nothing that a settlement proved is proved again after a kill; see settle-faults.ts. In a process of its own, because jest's own
 * modules and o1js's threads would share it with processes that are killed.
 */
import { expect, it } from '@jest/globals';
import { execFile } from 'node:child_process';
import { fileURLToPath } from 'node:url';
import { promisify } from 'node:util';

const BENCH = fileURLToPath(new URL('../bin/bench.js', import.meta.url));
const MOMENTS = 20;

it('a settlement that is killed 20 times comes to the same end, and proves nothing twice', async () => {
  // jest's options are not for it, nor for the processes it starts
  const env = { ...process.env, NODE_OPTIONS: '' };
  const { stdout } = await promisify(execFile)(
    process.execPath,
    [BENCH, 'faults', '--settle', '--moments', String(MOMENTS), '--seed', '2026', '--json'],
    { env },
  );
  const report = JSON.parse(stdout) as { killed: number; settled: number };
  expect(report.killed).toBe(MOMENTS);
  expect(report.settled).toBeGreaterThan(0);
});
