/** A worker of cheap steps in a process of its own, to be killed: `node worker-process.js <queue> <namespace> <artifacts>`. */
import { QueueServer, StepWorker } from '@attensor/queue';
import { FAKE_KINDS } from '@attensor/queue/testing';
import { tmpdir } from 'node:os';

const [, , queue, namespace, artifacts] = process.argv;
const server = await QueueServer.connect(queue, { namespace });
await StepWorker.start(server, {
  ...{ artifacts, cacheDir: tmpdir(), kinds: FAKE_KINDS, device: 'cpu' },
  ...{ concurrency: 1, memory: 2 * 2 ** 30, lockMs: 3000 },
});
process.send?.('ready');
