import { AttensorError } from '@attensor/core';
import type { QueueServer, QueueStatus } from '@attensor/queue';
import { Command } from 'commander';
import { command, positiveInteger, works, type Done, type Session } from '../command.js';
import { artifactsOption, connectQueue, openQueue, queueOption } from '../queue.js';
import type { Output } from '../output.js';

interface Options {
  queue: string;
  artifacts?: string;
  force?: boolean;
  olderThan?: number;
}

const DAY_MS = 24 * 3600_000;

export function queueCommand(session: Session): Command {
  const sub = (name: string, description: string) =>
    command(name, description).addOption(queueOption().makeOptionMandatory());
  return new Command('queue')
    .description('Look after the queue of workers')
    .addCommand(
      sub('status', 'Steps by queue and state, workers, and what failed')
        .addHelpText(
          'after',
          '\nJSON: {queues: [{name, counts: {active, waiting, waiting-children, delayed, failed, completed}}], workers, failed: [{id, queue, reason}]}.',
        )
        .action(
          works<Options>(session, async ({ output }, { queue }) => {
            const { queueStatus } = await import('@attensor/queue');
            const status = await withServer(queue, output, queueStatus);
            return { json: status, text: describeStatus(status) };
          }),
        ),
    )
    .addCommand(
      sub('retry', 'Try all failed steps again')
        .addHelpText('after', '\nJSON: {retried}.')
        .action(
          works<Options>(session, async ({ output }, { queue }) => {
            const { retryFailed } = await import('@attensor/queue');
            const retried = await withServer(queue, output, retryFailed);
            return { json: { retried }, text: `${retried} steps are tried again` };
          }),
        ),
    )
    .addCommand(
      sub('drain', 'Remove all steps and results from the queue; artifacts stay')
        .option('--force', 'also those that workers are running')
        .addHelpText('after', '\nJSON: {removed}.')
        .action(
          works<Options>(session, async ({ output }, { queue, force }) => {
            const { drain } = await import('@attensor/queue');
            const removed = await withServer(queue, output, (server) => drain(server, { force }));
            return { json: { removed }, text: `${removed} steps removed` };
          }),
        ),
    )
    .addCommand(
      sub('clean', 'Remove old artifacts that no step on the queue names')
        .addOption(artifactsOption().makeOptionMandatory())
        .option('--older-than <days>', 'at least two', positiveInteger, 14)
        .addHelpText('after', '\nJSON: {count, bytes}.')
        .action(
          works<Options>(session, async ({ output }, options): Promise<Done> => {
            const { removeGarbage } = await import('@attensor/queue');
            const opened = await openQueue(options, output);
            if (!opened) throw new AttensorError({ code: 'USAGE', what: 'clean needs --queue' });
            const { server, store } = opened;
            try {
              const { olderThan = 14 } = options;
              const removed = await removeGarbage(server, store, olderThan * DAY_MS);
              const text = `${removed.count} artifacts removed, ${removed.bytes} bytes`;
              return { json: removed, text };
            } finally {
              await server.close();
            }
          }),
        ),
    );
}

async function withServer<T>(
  address: string,
  output: Output,
  use: (server: QueueServer) => Promise<T>,
): Promise<T> {
  const server = await connectQueue(address, output);
  try {
    return await use(server);
  } finally {
    await server.close();
  }
}

function describeStatus({ queues, workers, failed }: QueueStatus): string {
  const counts = ({ name, counts }: QueueStatus['queues'][number]) =>
    `${name}: ${Object.entries(counts)
      .filter(([, count]) => count > 0)
      .map(([state, count]) => `${count} ${state}`)
      .join(', ')}`;
  return [
    ...(queues.length > 0 ? queues.map(counts) : ['no steps']),
    ...(workers.length > 0 ? workers.map((name) => `worker ${name}`) : ['no workers']),
    ...failed.map(({ id, reason }) => `failed ${id}: ${reason}`),
  ].join('\n');
}
