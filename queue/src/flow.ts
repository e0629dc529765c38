/**
 * @module flow
 * What of a plan is still to do, as a flow of BullMQ: a job waits for its children. A flow is a tree, a plan need not be one: where two
 * steps read a third, one of them has it as its child, and the other one looks again until it is there.
 */
import { AttensorError } from '@attensor/core';
import type { FlowJob, Job } from 'bullmq';
import { queueOf, resultSchema, type JobData, type StepResult } from './jobs.js';
import { PROTOCOL, stepId, type Plan, type PlannedStep } from './plan.js';
import type { QueueServer } from './server.js';

export type StepState =
  | { state: 'done'; result: StepResult; remade: number }
  | { state: 'pending' }
  | { state: 'failed'; reason: string }
  | { state: 'absent' };

const DAY_S = 24 * 3600;
/** A step that fails with an error that may be another one next time. */
const ATTEMPTS = 3;
const BACKOFF_MS = 1000;
/** A result that is wrong again and again. */
const MAX_REMADE = 5;

export async function stateOf(server: QueueServer, step: PlannedStep): Promise<StepState> {
  const queue = server.queue(queueOf(step.need));
  const id = stepId(step);
  const state = await queue.getJobState(id);
  // read after its state: a job that is done has its result
  const job = await queue.getJob(id);
  if (!job) return { state: 'absent' };
  switch (state) {
    case 'completed': {
      const result = resultSchema.safeParse(job.returnvalue);
      if (!result.success) return { state: 'failed', reason: 'its result is none' };
      return { state: 'done', result: result.data, remade: job.data.remade };
    }
    case 'failed':
      return { state: 'failed', reason: job.failedReason };
    case 'unknown':
      return { state: 'absent' };
    default:
      return { state: 'pending' };
  }
}

/**
 * Adds a step and all before it that is neither done nor under way.
 *
 * @param parent waits for it
 * @param remade see JobData
 */
export async function addFlow(
  server: QueueServer,
  plan: Plan,
  step: PlannedStep,
  { parent, remade = 0 }: { parent?: Job; remade?: number } = {},
): Promise<void> {
  const claimed = new Set<string>();
  const node = async (each: PlannedStep, again: number): Promise<FlowJob> => {
    const children: FlowJob[] = [];
    for (const input of plan.inputs(each)) {
      if (claimed.has(input.name)) continue;
      claimed.add(input.name);
      const { state } = await stateOf(server, input);
      if (state === 'failed') await remove(server, input);
      if (state === 'failed' || state === 'absent') children.push(await node(input, 0));
    }
    const data: JobData = { protocol: PROTOCOL, plan: plan.hash, step: each.name, remade: again };
    return {
      name: each.name,
      queueName: queueOf(each.need),
      data,
      children,
      opts: {
        jobId: stepId(each),
        attempts: ATTEMPTS,
        backoff: { type: 'exponential', delay: BACKOFF_MS },
        failParentOnFailure: true,
        removeOnComplete: { age: 7 * DAY_S },
        removeOnFail: { age: 30 * DAY_S },
      },
    };
  };
  const flow = await node(step, remade);
  if (parent?.id !== undefined)
    flow.opts = { ...flow.opts, parent: { id: parent.id, queue: parent.queueQualifiedName } };
  await server.flows().add(flow);
  if (await removeForsaken(server, flow)) await addFlow(server, plan, step, { parent, remade });
}

/**
 * A flow of another proof may have taken a child at the same moment: BullMQ leaves its parent here waiting for nothing. Without it, what
 * waits for it runs, finds that it is not there, and asks for it again.
 *
 * @returns whether it was the flow's first
 */
async function removeForsaken(server: QueueServer, flow: FlowJob): Promise<boolean> {
  for (const child of flow.children ?? []) await removeForsaken(server, child);
  const id = flow.opts?.jobId;
  if (id === undefined || !flow.children?.length) return false;
  const queue = server.queue(flow.queueName);
  const job = await queue.getJob(id);
  if (!job || (await job.getState()) !== 'waiting-children') return false;
  const { unprocessed } = await job.getDependenciesCount({ unprocessed: true });
  if (unprocessed !== 0 || (await job.getState()) !== 'waiting-children') return false;
  await queue.remove(id, { removeChildren: false });
  return true;
}

/**
 * Makes a result again that is not what it should be.
 *
 * @param parent waits for it
 * @param wrong hash of that result: if there is another one by now, it is left alone
 * @throws STEP_FAILED when that has been done too often
 */
export async function remake(
  server: QueueServer,
  plan: Plan,
  step: PlannedStep,
  { parent, wrong, reason }: { parent?: Job; wrong: string; reason: string },
): Promise<void> {
  const found = await stateOf(server, step);
  if (found.state !== 'done' || found.result.hash !== wrong) return;
  if (found.remade >= MAX_REMADE)
    throw new AttensorError({
      code: 'STEP_FAILED',
      what: 'the result of a step was wrong too often',
      where: stepId(step),
      got: reason,
      hint: 'See which machine makes it, and what damages artifacts; then run `attensor queue retry`',
    });
  await remove(server, step);
  await addFlow(server, plan, step, { parent, remade: found.remade + 1 });
}

async function remove(server: QueueServer, step: PlannedStep): Promise<void> {
  const queue = server.queue(queueOf(step.need));
  await queue.remove(stepId(step), { removeChildren: false });
}
