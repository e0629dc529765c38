/** What a settlement keeps when its process is killed: nothing that was proved is proved again, and what comes out is the same. */
import { spawn } from 'node:child_process';
import { once } from 'node:events';
import { mkdtemp, rm } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { createInterface } from 'node:readline';
import { fileURLToPath } from 'node:url';
import { mulberry32 } from './faults.js';

const PROCESS = fileURLToPath(new URL('./settle-process.js', import.meta.url));
/** Longest time until the process is killed, once it begins, in milliseconds. */
const LONGEST_MS = 2500;

export interface SettleFaultReport {
  seed: number;
  killed: number;
  /** Settlements that came to their end. */
  settled: number;
  seconds: number;
}

interface Run {
  steps: string[];
  /** The statement, if it came to its end. */
  done?: string;
}

/**
 * Settles again and again, each time until the end, in spite of the kills.
 *
 * @param submissions to settle at once
 * @throws Error naming what was proved twice, or what came out otherwise
 */
export async function runSettleFaults(options: {
  moments: number;
  seed: number;
  submissions: number;
  onMoment?: (done: number) => void;
}): Promise<SettleFaultReport> {
  const { moments, seed, submissions, onMoment } = options;
  const random = mulberry32(seed);
  const begin = performance.now();
  const expected = await settleOnce(submissions);
  let killed = 0;
  let settled = 0;
  while (killed < moments) {
    const folder = await mkdtemp(join(tmpdir(), 'attensor-settle-'));
    try {
      const kept = new Set<string>();
      for (let done: string | undefined; done === undefined;) {
        const run = await runOnce(
          folder,
          submissions,
          killed < moments ? random() * LONGEST_MS : undefined,
        );
        const twice = run.steps.find((step) => kept.has(step));
        if (twice !== undefined) throw Error(`faults: proved twice: ${twice}`);
        // the last one may have been interrupted
        for (const step of run.steps.slice(0, -1)) kept.add(step);
        done = run.done;
        if (done === undefined) onMoment?.(++killed);
        else if (done !== expected) throw Error(`faults: another settlement came out: ${done}`);
      }
      settled++;
    } finally {
      await rm(folder, { recursive: true, force: true });
    }
  }
  return { seed, killed, settled, seconds: (performance.now() - begin) / 1000 };
}

async function settleOnce(submissions: number): Promise<string> {
  const folder = await mkdtemp(join(tmpdir(), 'attensor-settle-'));
  try {
    const { done } = await runOnce(folder, submissions);
    if (done === undefined) throw Error('faults: the settlement ended without a result');
    return done;
  } finally {
    await rm(folder, { recursive: true, force: true });
  }
}

/** @param milliseconds until it is killed, after it began; never if not given */
async function runOnce(folder: string, submissions: number, milliseconds?: number): Promise<Run> {
  const child = spawn(process.execPath, [PROCESS, folder, String(submissions)], {
    stdio: ['ignore', 'pipe', 'inherit'],
  });
  const run: Run = { steps: [] };
  let timer: NodeJS.Timeout | undefined;
  createInterface(child.stdout).on('line', (line) => {
    const [what, rest] = [line.slice(0, 5), line.slice(5)];
    if (line === 'ready' && milliseconds !== undefined)
      timer = setTimeout(() => child.kill('SIGKILL'), milliseconds);
    else if (what === 'step ') run.steps.push(rest);
    else if (what === 'done ') run.done = rest;
  });
  const [code, signal] = (await once(child, 'close')) as [number | null, NodeJS.Signals | null];
  clearTimeout(timer);
  if (code !== 0 && signal !== 'SIGKILL')
    throw Error(`faults: the settlement failed: ${code ?? signal}`);
  return run;
}
