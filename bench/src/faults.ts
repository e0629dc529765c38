/**
 * What a node keeps when it is killed: it runs in a process of its own, gets work, is ended with
 * SIGKILL at random moments, and is started again. Nothing that it acknowledged may be lost, and the
 * work goes on.
 */
import { type ChildProcess, spawn } from 'node:child_process';
import { once } from 'node:events';
import { mkdtemp, rm } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { ATTENSOR } from './attensor.js';

export interface FaultyNode {
  /** Of the account manager; GraphQL is at `/graphql`. */
  origin: string;
  /** @throws Interrupted when the node goes away before it answers */
  ask(query: string, variables?: object): Promise<Answer>;
}

export interface Answer {
  data?: Record<string, unknown> | null;
  errors?: { message: string; extensions?: { code?: string } }[];
}

/** The node was killed: nobody knows whether it did what was asked. */
export class Interrupted extends Error {}

/** Work that a node gets. */
export interface Workload {
  name: string;
  /** Once, on a new chain; the node is not killed meanwhile. */
  prepare(node: FaultyNode): Promise<void>;
  /** The next piece of work, which may be one that was interrupted. Remembers what is acknowledged. */
  step(node: FaultyNode): Promise<void>;
  /** After a start. @throws Error when something acknowledged is lost, or something is done twice */
  check(node: FaultyNode): Promise<void>;
  /** How many pieces were acknowledged. */
  readonly acknowledged: number;
}

export interface FaultOptions {
  /** How often the node is killed. */
  moments: number;
  /** The same seed kills at the same moments. */
  seed: number;
  /** Longest time until the node is killed, once it answers, in milliseconds. */
  longest?: number;
  onMoment?: (done: number) => void;
}

export interface FaultReport {
  workload: string;
  seed: number;
  /** Of these, `duringStart` came before the node answered. */
  killed: number;
  duringStart: number;
  acknowledged: number;
  /** Starts that found what a killed write had left, and cut it off. */
  torn: number;
  seconds: number;
}

const LONGEST_MS = 1500;
/** One in so many is killed while it starts. */
const STARTS = 5;

/** @throws Error naming what was lost */
export async function runFaults(workload: Workload, options: FaultOptions): Promise<FaultReport> {
  const { moments, seed, longest = LONGEST_MS, onMoment } = options;
  const random = mulberry32(seed);
  const data = await mkdtemp(join(tmpdir(), 'attensor-faults-'));
  const begin = performance.now();
  const report = { killed: 0, duringStart: 0, torn: 0 };
  let running: Started | undefined;
  const start = async () => {
    running = await startNode(data);
    if (running.stderr().includes('cut off')) report.torn++;
    return running;
  };
  try {
    await workload.prepare((await start()).node);
    while (report.killed < moments) {
      const { node, kill } = running ?? (await start());
      await workload.check(node);
      const killing = pause(random() * longest).then(kill);
      await workUntil(workload, node);
      await killing;
      running = undefined;
      report.killed++;
      onMoment?.(report.killed);
      if (report.killed < moments && random() * STARTS < 1) {
        await killDuringStart(data, random() * 2 * LONGEST_MS);
        report.killed++;
        report.duringStart++;
      }
    }
    const last = await start();
    await workload.check(last.node);
    await workload.step(last.node);
    await last.stop();
    running = undefined;
    const seconds = (performance.now() - begin) / 1000;
    const { name, acknowledged } = workload;
    return { workload: name, seed, ...report, acknowledged, seconds };
  } finally {
    await running?.kill();
    await rm(data, { recursive: true, force: true });
  }
}

/** Piece after piece, until the node is gone. */
async function workUntil(workload: Workload, node: FaultyNode): Promise<void> {
  for (;;) {
    try {
      await workload.step(node);
    } catch (error) {
      if (error instanceof Interrupted) return;
      throw error;
    }
  }
}

interface Started {
  node: FaultyNode;
  stderr: () => string;
  kill: () => Promise<void>;
  stop: () => Promise<void>;
}

function spawnNode(data: string): ChildProcess {
  const args = ['node', '--port', '0', '--data', data, '--block-seconds', '0', '--json'];
  return spawn(process.execPath, [ATTENSOR, ...args], { stdio: ['ignore', 'pipe', 'pipe'] });
}

async function startNode(data: string): Promise<Started> {
  const child = spawnNode(data);
  let stderr = '';
  child.stderr?.on('data', (chunk: Buffer) => (stderr += chunk.toString()));
  const exited = once(child, 'exit');
  const first = await Promise.race([
    once(child.stdout as NodeJS.ReadableStream, 'data') as Promise<[Buffer]>,
    exited.then(() => undefined),
  ]);
  const line = first?.[0].toString() ?? '';
  const { accountManager: origin } = JSON.parse(line || '{}') as { accountManager?: string };
  if (origin === undefined) throw Error(`faults: the node did not start again: ${stderr}${line}`);
  const end = (signal: NodeJS.Signals) => async () => {
    child.kill(signal);
    await exited;
  };
  const node = {
    origin,
    ask: (query: string, variables?: object) => ask(origin, query, variables),
  };
  return { node, stderr: () => stderr, kill: end('SIGKILL'), stop: end('SIGTERM') };
}

async function killDuringStart(data: string, milliseconds: number): Promise<void> {
  const child = spawnNode(data);
  const exited = once(child, 'exit');
  await Promise.race([pause(milliseconds), exited]);
  child.kill('SIGKILL');
  await exited;
}

async function ask(origin: string, query: string, variables?: object): Promise<Answer> {
  try {
    const response = await fetch(`${origin}/graphql`, {
      method: 'POST',
      headers: { 'content-type': 'application/json' },
      body: JSON.stringify({ query, variables }),
    });
    return (await response.json()) as Answer;
  } catch (error) {
    throw new Interrupted('the node is gone', { cause: error });
  }
}

const pause = (milliseconds: number) =>
  new Promise<void>((resolve) => setTimeout(resolve, milliseconds));

/** Numbers from 0 to 1 that depend on the seed alone. */
export function mulberry32(seed: number): () => number {
  let state = seed >>> 0;
  return () => {
    state = (state + 0x6d2b79f5) >>> 0;
    let mixed = Math.imul(state ^ (state >>> 15), state | 1);
    mixed ^= mixed + Math.imul(mixed ^ (mixed >>> 7), mixed | 61);
    return ((mixed ^ (mixed >>> 14)) >>> 0) / 2 ** 32;
  };
}
