/** The page's end of the worker: starts it, notices when it dies, ends it when asked. */
import { proxy, wrap, type Remote } from 'comlink';
import { AttensorError } from '@attensor/core';
import type { CheckerApi, Outcome, Report } from './api.js';

interface Running {
  worker: Worker;
  remote: Remote<CheckerApi>;
  /** rejects when the worker ends; never resolves */
  ended: Promise<never>;
  end(error: AttensorError): void;
}

let running: Running | undefined;
let started = 0;

function start(): Running {
  const worker = new Worker(new URL('./checker.js', import.meta.url), { type: 'module' });
  const remote = wrap<CheckerApi>(worker);
  let end!: (error: AttensorError) => void;
  const ended = new Promise<never>((_, reject) => (end = reject));
  ended.catch(() => undefined);
  const current = { worker, remote, ended, end };
  const crashed = (got: string): void => {
    stop(
      current,
      new AttensorError({
        code: 'WORKER_CRASHED',
        what: 'the verifier stopped unexpectedly',
        got,
        hint: 'Check again, which restarts it. If it happens again, close other tabs, since memory may be short',
      }),
    );
  };
  worker.addEventListener('error', (event) => crashed(event.message || 'an error while starting'));
  const lock = `attensor-worker-${Date.now()}-${started++}`;
  void remote.hold(lock).then(async () => {
    // granted when the worker lets go of it, which it does by dying only
    await navigator.locks.request(lock, () => undefined);
    if (running === current) crashed('it ended by itself');
  });
  return current;
}

function stop(current: Running, error: AttensorError): void {
  if (running === current) running = undefined;
  current.end(error);
  current.worker.terminate();
}

/** Asks the worker; one is started if there is none. @throws AttensorError, or an error as the worker tells it */
export async function ask<T>(
  question: (remote: Remote<CheckerApi>) => Promise<Outcome<T>>,
): Promise<T> {
  const current = (running ??= start());
  const outcome = await Promise.race([question(current.remote), current.ended]);
  if (outcome.ok) return outcome.value;
  throw AttensorError.fromJSON(outcome.error);
}

/** Ends what the worker is doing; the next question starts a new one. */
export function cancel(): void {
  if (running === undefined) return;
  stop(running, new AttensorError({ code: 'CANCELLED', what: 'the check was cancelled' }));
}

/** A callback that crosses to the worker. */
export const reporter = (report: Report): Report => proxy(report);
