/**
 * @module run-plan
 * A plan on a queue, from whoever wants its result. The queue keeps all of it: whoever asks for the same plan again finds what is done, and
 * waits for what is under way.
 */
import { AttensorError } from '@attensor/core';
import { setTimeout as sleep } from 'node:timers/promises';
import type { ArtifactStore } from './artifacts/artifact-store.js';
import { addFlow, remake, stateOf } from './flow.js';
import { MISSING, queueOf, type JobProgress, type StepResult } from './jobs.js';
import { Plan, stepId } from './plan.js';
import type { QueueServer } from './server.js';

export interface RunOptions {
  signal?: AbortSignal;
  /** @param fraction of the steps that this plan had to wait for */
  onProgress?: (fraction: number, message: string) => void;
  /** Writes artifacts again that the plan's parameters name: some are gone. */
  restore?: () => Promise<unknown>;
  /** Whether the result is what it should be. What is not is made again. @returns what is wrong */
  check?: (result: Uint8Array) => Promise<string | undefined>;
}

export interface PlanResult {
  result: Uint8Array;
  /** Of each step that was looked at: hash, time and worker. */
  steps: Map<string, StepResult>;
}

const LOOK_MS = 200;
/** A database that is gone comes back. */
const RECONNECT_MS = 1000;
const TELL_MS = 2000;

/** @throws STEP_FAILED with the step's reason, UNSUPPORTED_VERSION, the signal's reason */
export async function runPlan(
  server: QueueServer,
  artifacts: ArtifactStore,
  plan: Plan,
  options: RunOptions = {},
): Promise<PlanResult> {
  const { signal, check } = options;
  await server.requireProtocol();
  const { last } = plan;
  const progress = new PlanProgress(server, plan, options);
  let submitted = false;
  const look = async (): Promise<PlanResult | undefined> => {
    const found = await stateOf(server, last);
    if (found.state === 'failed' && submitted) throw failed(plan, found.reason);
    if (found.state === 'failed' || found.state === 'absent') {
      if (found.state === 'failed')
        await server.queue(queueOf(last.need)).remove(stepId(last), { removeChildren: false });
      await addFlow(server, plan, last);
    }
    submitted = true;
    if (found.state === 'done') {
      const { hash } = found.result;
      try {
        const result = await artifacts.get(hash);
        const wrong = await check?.(result);
        if (wrong === undefined) return { result, steps: await stepResults(server, plan) };
        await remake(server, plan, last, { wrong: hash, reason: wrong });
      } catch (error) {
        if (!isMissing(error)) throw error;
        await remake(server, plan, last, { wrong: hash, reason: error.message });
      }
    }
    if (await progress.missesArtifacts()) {
      await Plan.put(artifacts, plan.json);
      await options.restore?.();
    }
    return undefined;
  };
  for (;;) {
    signal?.throwIfAborted();
    try {
      const result = await look();
      if (result) return result;
      await sleep(LOOK_MS, undefined, { signal });
    } catch (error) {
      if (error instanceof AttensorError && error.code !== 'UNREACHABLE') throw error;
      signal?.throwIfAborted();
      options.onProgress?.(0, `waiting: ${(error as Error).message}`);
      await sleep(RECONNECT_MS, undefined, { signal });
    }
  }
}

const isMissing = (error: unknown): error is AttensorError =>
  error instanceof AttensorError && MISSING.includes(error.code);

const failed = (plan: Plan, reason: string): AttensorError =>
  new AttensorError({
    code: 'STEP_FAILED',
    what: 'a step of the proof failed on the machine that ran it',
    where: stepId(plan.last),
    got: reason,
    hint: '`attensor queue status` lists what failed',
  });

async function stepResults(server: QueueServer, plan: Plan): Promise<Map<string, StepResult>> {
  const results = new Map<string, StepResult>();
  for (const step of plan.json.steps) {
    const found = await stateOf(server, step);
    if (found.state === 'done') results.set(step.name, found.result);
  }
  return results;
}

/** How far all steps together are, for whoever watches. */
class PlanProgress {
  private told = 0;

  constructor(
    private readonly server: QueueServer,
    private readonly plan: Plan,
    private readonly options: RunOptions,
  ) {}

  /** Looks now and then. @returns whether a step waits for artifacts that are not there */
  async missesArtifacts(): Promise<boolean> {
    const { onProgress } = this.options;
    if (Date.now() - this.told < TELL_MS) return false;
    this.told = Date.now();
    const { steps } = this.plan.json;
    let done = 0;
    let missing = false;
    const active: string[] = [];
    for (const step of steps) {
      const job = await this.server.queue(queueOf(step.need)).getJob(stepId(step));
      const state = await job?.getState();
      if (state === 'completed') done++;
      const { fraction = 0, waiting } = (job?.progress ?? {}) as Partial<JobProgress>;
      if (state === 'active') {
        done += fraction;
        active.push(step.name);
      } else if (state === 'delayed' && waiting !== undefined) {
        active.push(`${step.name} waits: ${waiting}`);
        missing ||= MISSING.some((code) => waiting.startsWith(code));
      }
    }
    const message = active.length > 0 ? active.join(', ') : 'waiting for a worker';
    onProgress?.(done / steps.length, message);
    return missing;
  }
}
