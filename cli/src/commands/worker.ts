import { defaultCacheDir } from '@attensor/core/files';
import type { WorkerEvent } from '@attensor/queue';
import type { Command } from 'commander';
import { once } from 'node:events';
import { totalmem } from 'node:os';
import { cancellable, computing, positiveInteger, type Done, type Session } from '../command.js';
import { artifactsOption, connectQueue, queueOption, type QueueOptions } from '../queue.js';

interface Options extends Required<QueueOptions> {
  concurrency: number;
  memory?: number;
  cache?: string;
}

/** Of the machine's memory: the rest is for the system and the artifacts on their way. */
const MEMORY_SHARE = 0.8;
const GIB = 2 ** 30;

export function workerCommand(session: Session): Command {
  return computing('worker', 'Run steps of proofs for a queue, until it is stopped')
    .addOption(queueOption().makeOptionMandatory())
    .addOption(artifactsOption().makeOptionMandatory())
    .option('--concurrency <n>', 'steps at a time', positiveInteger, 1)
    .option(
      '--memory <gib>',
      'memory of all steps together, in GiB (default: four fifths of the machine)',
      positiveInteger,
    )
    .option(
      '--cache <dir>',
      'where keys and models are kept (default: $ATTENSOR_CACHE or ~/.cache/attensor)',
    )
    .addHelpText(
      'after',
      `
A worker sees the weights, the activations and the secret of the models that it proves.
Ctrl-C stops it; what it was doing, another worker does again.
Each step is told on stderr; with --json as {event, id, seconds, reason}, and at the end {done, wrong, failed}.`,
    )
    .action(
      cancellable<Options>(session, async ({ output, signal }, options): Promise<Done> => {
        const { concurrency, memory, cache: cacheDir = defaultCacheDir() } = options;
        const { MODEL_KINDS, StepWorker } = await import('@attensor/queue');
        const server = await connectQueue(options.queue, output);
        const counts = { done: 0, wrong: 0, failed: 0 };
        const onEvent = (event: WorkerEvent) => {
          if (event.event in counts) counts[event.event as keyof typeof counts]++;
          if (output.json) output.record(event);
          else output.log(describe(event));
        };
        const { engine } = await import('@attensor/native');
        const device = engine.device().kind;
        const offer = {
          memory: memory === undefined ? MEMORY_SHARE * totalmem() : memory * GIB,
          device,
        };
        const worker = await StepWorker.start(server, {
          ...{ artifacts: options.artifacts, cacheDir, kinds: MODEL_KINDS },
          ...{ concurrency, ...offer, onEvent },
        });
        output.log(
          `worker ${worker.name}: ${Math.floor(offer.memory / GIB)} GiB, ${concurrency} at a time, ${device}; waiting for steps of ${server.address}`,
        );
        if (!signal.aborted) await once(signal, 'abort');
        await worker.close();
        await server.close();
        return {
          json: counts,
          text: `${counts.done} steps done, ${counts.wrong} wrong, ${counts.failed} failed`,
        };
      }),
    );
}

function describe(event: WorkerEvent): string {
  switch (event.event) {
    case 'started':
    case 'recalled':
      return `${event.id}: ${event.event}`;
    case 'done':
      return `${event.id}: done in ${event.seconds.toFixed(1)} s`;
    case 'wrong':
      return `${event.id}: ${event.input} is made again: ${event.reason}`;
    case 'waits':
    case 'failed':
      return `${event.id}: ${event.event}: ${event.reason}`;
  }
}
