/**
 * @module worker
 * Runs steps from a queue: those that fit this machine, as many at a time as its memory holds. Before a step runs, the results that it
 * reads must be there and be made from the same results as each other; whoever reads a result checks it, and what is wrong is made again.
 */
import { AttensorError } from '@attensor/core';
import {
  DelayedError,
  UnrecoverableError,
  WaitingChildrenError,
  WaitingError,
  type Job,
} from 'bullmq';
import { hostname } from 'node:os';
import { ArtifactStore, type Hash } from './artifacts/artifact-store.js';
import { addFlow, remake, stateOf } from './flow.js';
import {
  jobSchema,
  MISSING,
  MIN_MEMORY,
  queuesFor,
  type JobData,
  type JobProgress,
  type Offer,
  type StepResult,
} from './jobs.js';
import { BadInput } from './kind.js';
import { Plan, type PlannedStep } from './plan.js';
import type { QueueServer, QueueWorker } from './server.js';
import { ProcessDied, StepProcess, type ProcessSettings } from './step-process.js';

export interface WorkerSettings extends Offer, Omit<ProcessSettings, 'device'> {
  /** Steps at a time. */
  concurrency: number;
  /** Default: host and process. */
  name?: string;
  /** A job whose lock has not been renewed for so long is another worker's. */
  lockMs?: number;
  /** Until it tries again what its machine or a store could not do. */
  retryMs?: number;
  onEvent?: (event: WorkerEvent) => void;
}

/** What a worker tells of itself. `id` is of a job. */
export type WorkerEvent =
  | { event: 'started' | 'recalled'; id: string }
  | { event: 'done'; id: string; seconds: number }
  | { event: 'wrong'; id: string; input: string; reason: string }
  | { event: 'waits' | 'failed'; id: string; reason: string };

type StepJob = Job<JobData, StepResult, string, JobProgress>;

const LOCK_MS = 30_000;
/** Until a step looks again for what another step makes. */
const LOOK_AGAIN_MS = 1000;
const RETRY_MS = 10_000;
/** Workers die: this many of them may before a step is given up. */
const MAX_STALLED = 100;
/** Faults of a machine or of a store, not of the step. */
const OF_THE_MACHINE = [
  'UNREACHABLE',
  'WRITE_FAILED',
  'DEVICE_MISSING',
  'DEVICE_FAILED',
  ...MISSING,
];
const REMEMBERED = 1000;
const PLANS = 100;

export class StepWorker {
  readonly name: string;
  private readonly queues: { worker: QueueWorker; bytes: number }[];
  private readonly plans = new Map<Hash, Promise<Plan>>();
  /** What was made here: a job comes again if the queue did not hear of its end. */
  private readonly results = new Map<string, Promise<StepResult>>();
  private readonly processes: ProcessPool;
  private readonly retryMs: number;
  private freeBytes: number;
  private freeSlots: number;

  private constructor(
    private readonly server: QueueServer,
    private readonly settings: WorkerSettings,
    private readonly artifacts: ArtifactStore,
  ) {
    const { memory, concurrency, lockMs = LOCK_MS, retryMs = RETRY_MS } = settings;
    this.retryMs = retryMs;
    this.name = settings.name ?? `${hostname()}.${process.pid}`;
    this.processes = new ProcessPool(settings);
    this.freeBytes = memory;
    this.freeSlots = concurrency;
    this.queues = queuesFor(settings).map(({ name, bytes }) => ({
      bytes,
      worker: server.worker(name, (job, token) => this.process(job, token ?? '', bytes), {
        name: [
          this.name,
          `${Math.floor(memory / 2 ** 30)}g`,
          `${concurrency}x`,
          settings.device,
        ].join('/'),
        concurrency,
        lockDuration: lockMs,
        stalledInterval: lockMs,
        maxStalledCount: MAX_STALLED,
      }),
    }));
  }

  /** @throws BAD_ARGUMENT for too little memory, UNSUPPORTED_VERSION for a queue of another version */
  static async start(server: QueueServer, settings: WorkerSettings): Promise<StepWorker> {
    if (settings.memory < MIN_MEMORY)
      throw new AttensorError({
        code: 'BAD_ARGUMENT',
        what: 'no step fits such a worker',
        expected: `at least ${MIN_MEMORY / 2 ** 30} GiB of memory`,
        got: `${(settings.memory / 2 ** 30).toFixed(1)} GiB`,
      });
    await server.requireProtocol();
    const artifacts = await ArtifactStore.open(settings.artifacts);
    const worker = new StepWorker(server, settings, artifacts);
    await Promise.all(worker.queues.map((queue) => queue.worker.waitUntilReady()));
    return worker;
  }

  /** Gives up what it does: other workers take it when the locks have run out. */
  async close(): Promise<void> {
    this.processes.close();
    await Promise.all(this.queues.map(({ worker }) => worker.close(true)));
  }

  private async process(job: StepJob, token: string, bytes: number): Promise<StepResult> {
    // two queues may have given a job at the same moment
    if (this.freeSlots < 1 || this.freeBytes < bytes) {
      await job.moveToWait(token);
      throw new WaitingError();
    }
    await this.reserve(bytes, 1);
    try {
      return await this.step(job, token);
    } finally {
      await this.reserve(-bytes, -1);
    }
  }

  /** Takes nothing from queues whose steps do not fit at present. */
  private async reserve(bytes: number, slots: number): Promise<void> {
    this.freeBytes -= bytes;
    this.freeSlots -= slots;
    for (const queue of this.queues)
      if (this.freeSlots >= 1 && this.freeBytes >= queue.bytes) await queue.worker.resume();
      else await queue.worker.pause(true);
  }

  private async step(job: StepJob, token: string): Promise<StepResult> {
    const id = job.id ?? '';
    const parsed = jobSchema.safeParse(job.data);
    if (!parsed.success)
      return this.postpone(job, token, this.retryMs, 'the job is of another version');
    const { plan: hash, step: name, remade } = parsed.data;
    try {
      const plan = await this.plan(hash);
      const step = plan.step(name);
      const inputs = await this.inputs(job, token, plan, step);
      const memory = `${id} ${remade} ${JSON.stringify(inputs)}`;
      let result = this.results.get(memory);
      if (result) this.tell({ event: 'recalled', id });
      else {
        result = this.run(job, { plan: hash, step: name, inputs }, step.room);
        this.results.set(memory, result);
        result.catch(() => this.results.delete(memory));
        trim(this.results, REMEMBERED);
      }
      return await result.catch((error: unknown) => this.failed(error, job, token, plan));
    } catch (error) {
      if (error instanceof AttensorError) {
        if (OF_THE_MACHINE.includes(error.code))
          return this.postpone(job, token, this.retryMs, error.message);
        if (error.code !== 'INTERNAL') {
          this.tell({ event: 'failed', id, reason: error.message });
          throw new UnrecoverableError(error.message);
        }
      }
      throw error;
    }
  }

  private plan(hash: Hash): Promise<Plan> {
    let plan = this.plans.get(hash);
    if (!plan) {
      plan = Plan.get(this.artifacts, hash);
      plan.catch(() => this.plans.delete(hash));
      this.plans.set(hash, plan);
      trim(this.plans, PLANS);
    }
    return plan;
  }

  /** Of the results that a step reads; the job waits for those that are not there. */
  private async inputs(
    job: StepJob,
    token: string,
    plan: Plan,
    step: PlannedStep,
  ): Promise<Record<string, Hash>> {
    for (;;) {
      const found = new Map<string, StepResult>();
      let [asked, pending] = [false, false];
      for (const input of plan.inputs(step)) {
        const state = await stateOf(this.server, input);
        if (state.state === 'done') found.set(input.name, state.result);
        else if (state.state === 'pending') pending = true;
        else if (state.state === 'failed')
          throw new UnrecoverableError(`${input.name}: ${state.reason}`);
        else {
          await addFlow(this.server, plan, input, { parent: job });
          asked = true;
        }
      }
      for (const [name, result] of found)
        if (Object.entries(result.inputs).some(([of, hash]) => otherThan(hash, found.get(of)))) {
          const reason = 'it was made from results that have been made again since';
          await this.remake(job, plan, name, result.hash, reason);
          asked = true;
        }
      if (!asked && !pending)
        return Object.fromEntries([...found].map(([name, { hash }]) => [name, hash]));
      if (asked) await this.waitForChildren(job, token);
      if (pending)
        await this.postpone(job, token, LOOK_AGAIN_MS, 'for a step that another one waits for');
    }
  }

  private async waitForChildren(job: StepJob, token: string): Promise<void> {
    if (await job.moveToWaitingChildren(token)) throw new WaitingChildrenError();
  }

  private async run(
    job: StepJob,
    request: { plan: Hash; step: string; inputs: Record<string, Hash> },
    room: string,
  ): Promise<StepResult> {
    const id = job.id ?? '';
    this.tell({ event: 'started', id });
    const start = performance.now();
    const process = this.processes.take(room, this.freeBytes);
    try {
      const output = await process.run(request, (fraction) => {
        job.updateProgress({ fraction }).catch(() => undefined); // no more than a courtesy
      });
      const seconds = (performance.now() - start) / 1000;
      this.tell({ event: 'done', id, seconds });
      return { ...output, inputs: request.inputs, seconds, worker: this.name };
    } finally {
      this.processes.give(room, process);
    }
  }

  private async failed(
    error: unknown,
    job: StepJob,
    token: string,
    plan: Plan,
  ): Promise<StepResult> {
    const id = job.id ?? '';
    if (error instanceof BadInput) {
      const { input, message: reason } = error;
      this.tell({ event: 'wrong', id, input, reason });
      const state = await stateOf(this.server, plan.step(input));
      if (state.state === 'done') await this.remake(job, plan, input, state.result.hash, reason);
      await this.waitForChildren(job, token);
      return this.postpone(job, token, LOOK_AGAIN_MS, `${input}: ${reason}`);
    }
    if (error instanceof ProcessDied) this.tell({ event: 'failed', id, reason: error.message });
    throw error;
  }

  private remake(job: StepJob, plan: Plan, input: string, wrong: Hash, reason: string) {
    return remake(this.server, plan, plan.step(input), { parent: job, wrong, reason });
  }

  private async postpone(job: StepJob, token: string, ms: number, reason: string): Promise<never> {
    this.tell({ event: 'waits', id: job.id ?? '', reason });
    await job.updateProgress({ fraction: 0, waiting: reason });
    await job.moveToDelayed(Date.now() + ms, token);
    throw new DelayedError();
  }

  private tell(event: WorkerEvent): void {
    this.settings.onEvent?.(event);
  }
}

const otherThan = (hash: Hash, result: StepResult | undefined): boolean =>
  result !== undefined && result.hash !== hash;

/** Forgets the oldest. */
function trim(map: Map<string, unknown>, size: number): void {
  for (const key of map.keys()) {
    if (map.size <= size) return;
    map.delete(key);
  }
}

/** Processes that have run a step keep what they have loaded for the next one of its room, as long as there is memory. */
class ProcessPool {
  private readonly idle: { room: string; process: StepProcess }[] = [];
  private readonly all = new Set<StepProcess>();
  private closed = false;

  constructor(private readonly settings: WorkerSettings) {}

  /** @param bytes that may be left to idle processes */
  take(room: string, bytes: number): StepProcess {
    const index = this.idle.findIndex((each) => each.room === room && each.process.alive);
    const found = index < 0 ? undefined : this.idle.splice(index, 1)[0].process;
    this.shrink(bytes);
    if (found) return found;
    const { artifacts, cacheDir, kinds, device } = this.settings;
    const process = new StepProcess({ artifacts, cacheDir, kinds, device });
    this.all.add(process);
    return process;
  }

  give(room: string, process: StepProcess): void {
    if (!process.alive || this.closed) return this.end(process);
    this.idle.push({ room, process });
    while (this.idle.length > this.settings.concurrency + 1) this.endOldest();
  }

  close(): void {
    this.closed = true;
    for (const process of this.all) process.kill();
  }

  private shrink(bytes: number): void {
    const memory = () => this.idle.reduce((sum, { process }) => sum + process.memory, 0);
    while (this.idle.length > 0 && memory() > bytes) this.endOldest();
  }

  private endOldest(): void {
    const oldest = this.idle.shift();
    if (oldest) this.end(oldest.process);
  }

  private end(process: StepProcess): void {
    this.all.delete(process);
    process.kill();
  }
}
