/**
 * Twenty kills at random moments, ten of a node and ten of a settlement. The command that makes them runs in a process of its own,
 * because jest's own modules and o1js's threads would share theirs with processes that are killed.
 */
import { expect, it } from '@jest/globals';
import { execFile } from 'node:child_process';
import { fileURLToPath } from 'node:url';
import { promisify } from 'node:util';

const BENCH = fileURLToPath(new URL('../bin/bench.js', import.meta.url));
const MOMENTS = 10;
/** Other moments in every run; a run that fails is repeated with its seed. */
const SEED = Number(process.env.ATTENSOR_FAULTS_SEED ?? Date.now() % 2 ** 31);

async function faults(...options: string[]): Promise<Record<string, number>> {
  const args = [BENCH, 'faults', ...options, '--moments', `${MOMENTS}`, '--seed', `${SEED}`];
  // jest's options are not for it, nor for the processes it starts
  const env = { ...process.env, NODE_OPTIONS: '' };
  const { stdout } = await promisify(execFile)(process.execPath, [...args, '--json'], { env });
  return JSON.parse(stdout) as Record<string, number>;
}

it.concurrent(
  `a node that is killed 10 times (ATTENSOR_FAULTS_SEED=${SEED}) has all that it acknowledged, once, and goes on`,
  async () => {
    const report = await faults();
    expect(report.killed).toBe(MOMENTS);
    expect(report.acknowledged).toBeGreaterThan(0);
  },
);

it.concurrent(
  `a settlement that is killed 10 times (ATTENSOR_FAULTS_SEED=${SEED}) comes to the same end, and proves nothing twice`,
  async () => {
    const report = await faults('--settle');
    expect(report.killed).toBe(MOMENTS);
    expect(report.settled).toBeGreaterThan(0);
  },
);
