/** `--queue` and `--artifacts`: machines that prove, and where they put what they make. */
import { AttensorError } from '@attensor/core';
import type { ArtifactStore, QueueServer } from '@attensor/queue';
import { Option } from 'commander';
import type { Output } from './output.js';

export interface QueueOptions {
  queue?: string;
  artifacts?: string;
}

export const queueOption = (): Option =>
  new Option('--queue <url>', 'queue: redis://…, rediss://… or postgres://…').env('ATTENSOR_QUEUE');

export const artifactsOption = (): Option =>
  new Option(
    '--artifacts <place>',
    'what machines share: a folder, or s3://bucket/prefix; encrypted if $ATTENSOR_ARTIFACTS_KEY is set',
  ).env('ATTENSOR_ARTIFACTS');

/** What goes wrong on the way is told once, until something else does. @throws UNREACHABLE, BAD_ARGUMENT */
export async function connectQueue(address: string, output: Output): Promise<QueueServer> {
  const { QueueServer } = await import('@attensor/queue');
  let told = '';
  return QueueServer.connect(address, {
    onError: ({ message }) => {
      if (message === told) return;
      told = message;
      output.log(`queue: ${message}`);
    },
  });
}

/** @returns nothing without a queue @throws USAGE for one of them without the other */
export async function openQueue(
  { queue, artifacts }: QueueOptions,
  output: Output,
): Promise<{ server: QueueServer; store: ArtifactStore } | undefined> {
  if (queue === undefined) return undefined;
  if (artifacts === undefined)
    throw new AttensorError({
      code: 'USAGE',
      what: '--queue needs --artifacts: what the machines of the queue share',
      hint: 'See attensor prove --help',
    });
  const { ArtifactStore } = await import('@attensor/queue');
  const store = await ArtifactStore.open(artifacts);
  return { server: await connectQueue(queue, output), store };
}
