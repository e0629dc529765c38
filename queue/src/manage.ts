/**
 * @module manage
 * What an owner of queues does with them: look, try again, empty, and remove old artifacts.
 */
import type { ArtifactStore, Hash } from './artifacts/artifact-store.js';
import { readFolderList } from './artifacts/folder-artifact.js';
import { allQueues, CONTROL_QUEUE } from './jobs.js';
import { Plan } from './plan.js';
import type { QueueServer, StepQueue } from './server.js';

const STATES = ['active', 'waiting', 'waiting-children', 'delayed', 'failed', 'completed'] as const;
export type StepCounts = Record<(typeof STATES)[number], number>;

export interface QueueStatus {
  /** Those that hold or have held anything. */
  queues: { name: string; counts: StepCounts }[];
  /** Their names say memory, steps at a time, and device. */
  workers: string[];
  failed: { id: string; queue: string; reason: string }[];
}

export async function queueStatus(server: QueueServer): Promise<QueueStatus> {
  const status: QueueStatus = { queues: [], workers: [], failed: [] };
  const workers = new Set<string>();
  for (const name of allQueues()) {
    const queue = server.queue(name);
    const counts = (await queue.getJobCounts(...STATES)) as StepCounts;
    for (const { rawname } of await queue.getWorkers())
      workers.add(rawname.split(':w:').slice(1).join());
    if (Object.values(counts).every((count) => count === 0)) continue;
    status.queues.push({ name, counts });
    for (const job of await queue.getFailed())
      status.failed.push({ id: job.id ?? '', queue: name, reason: job.failedReason });
  }
  status.workers = [...workers].sort();
  return status;
}

/** Tries all failed steps again, those first that failed first: what failed because of another comes after it. @returns how many */
export async function retryFailed(server: QueueServer): Promise<number> {
  const failed = (
    await Promise.all(allQueues().map((name) => server.queue(name).getFailed()))
  ).flat();
  failed.sort((a, b) => (a.finishedOn ?? 0) - (b.finishedOn ?? 0));
  for (const job of failed) await job.retry('failed');
  return failed.length;
}

/**
 * Removes all steps and results, and the protocol: the next one to come says which version uses the queues.
 *
 * @param force also what workers are running; without it they are left, and the call fails
 * @throws what BullMQ throws while steps run
 */
export async function drain(server: QueueServer, { force = false } = {}): Promise<number> {
  let removed = 0;
  for (const name of [...allQueues(), CONTROL_QUEUE]) {
    const queue = server.queue(name);
    const counts = Object.values(await queue.getJobCounts()).reduce((a, b) => a + b, 0);
    if (counts === 0) continue;
    await queue.obliterate({ force });
    await queue.resume();
    if (name !== CONTROL_QUEUE) removed += counts;
  }
  return removed;
}

/** Removes artifacts that no job names and that are older. @throws BAD_ARGUMENT when they are too young */
export async function removeGarbage(
  server: QueueServer,
  artifacts: ArtifactStore,
  olderThanMs: number,
): Promise<{ count: number; bytes: number }> {
  const used = new Set<Hash>();
  for (const name of allQueues()) await addUsed(server.queue(name), artifacts, used);
  return artifacts.collectGarbage(used, olderThanMs);
}

/** Plans, what their parameters name, and results. */
async function addUsed(queue: StepQueue, artifacts: ArtifactStore, used: Set<Hash>): Promise<void> {
  for (const { data, returnvalue } of await queue.getJobs([...STATES])) {
    const result = returnvalue as { hash: Hash } | null | undefined;
    if (result) used.add(result.hash);
    if (used.has(data.plan)) continue;
    used.add(data.plan);
    const plan = await Plan.get(artifacts, data.plan).catch(() => undefined);
    for (const value of Object.values(plan?.json.params ?? {})) {
      if (typeof value !== 'string' || used.has(value) || !(await artifacts.has(value))) continue;
      used.add(value);
      // a folder names its files
      const list = await readFolderList(artifacts, value).catch(() => undefined);
      for (const { hash } of list?.files ?? []) used.add(hash);
    }
  }
}
