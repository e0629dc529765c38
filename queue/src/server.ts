/**
 * @module server
 * BullMQ on Redis or on PostgreSQL, by the address. Locks, heartbeats, retries, and what happens to a dead machine's jobs are BullMQ's.
 */
import { AttensorError } from '@attensor/core';
import { shownUrl } from '@attensor/core';
import {
  createPostgresBackend,
  FlowProducer,
  Queue,
  Worker,
  type Processor,
  type WorkerOptions,
} from 'bullmq';
import { Redis } from 'ioredis';
import pg from 'pg';
import { CONTROL_QUEUE, type JobData, type JobProgress, type StepResult } from './jobs.js';
import { PROTOCOL } from './plan.js';

export type StepQueue = Queue<JobData, StepResult>;
export type QueueWorker = Worker<JobData, StepResult, string, never, JobProgress>;

export const DEFAULT_NAMESPACE = 'attensor';
const CONNECT_MS = 10_000;
/** Of one queue; each worker has a connection more, on which it hears of new jobs. */
const POSTGRES_POOL = 2;

export interface ServerOptions {
  /** Keeps queues of several owners on one server apart. */
  namespace?: string;
  /** Called with what goes wrong between here and there; what was asked is asked again. */
  onError?: (error: Error) => void;
}

export class QueueServer {
  private readonly queues = new Map<string, StepQueue>();
  private flowProducer: FlowProducer | undefined;

  private constructor(
    /** to show */
    readonly address: string,
    private readonly options: { connection: object; prefix?: string },
    // BullMQ's types know the backend of each object; here it is known when it runs
    private readonly backend: undefined,
    private readonly onError: (error: Error) => void,
  ) {}

  /**
   * @param address `redis://…`, `rediss://…` or `postgres://…`
   * @throws BAD_ARGUMENT, UNREACHABLE
   */
  static async connect(address: string, options: ServerOptions = {}): Promise<QueueServer> {
    const { namespace = DEFAULT_NAMESPACE, onError = () => undefined } = options;
    const protocol = URL.canParse(address) ? new URL(address).protocol : '';
    const shown = shownUrl(address);
    if (protocol === 'redis:' || protocol === 'rediss:') {
      await reach(shown, () => pingRedis(address));
      const connection = { url: address, maxRetriesPerRequest: null };
      return new QueueServer(shown, { connection, prefix: namespace }, undefined, onError);
    }
    if (protocol === 'postgres:' || protocol === 'postgresql:') {
      await reach(shown, () => pingPostgres(address));
      const connection = {
        connectionString: address,
        schema: namespace,
        migrate: true,
        max: POSTGRES_POOL,
      };
      const backend = createPostgresBackend as unknown as undefined;
      return new QueueServer(shown, { connection }, backend, onError);
    }
    throw new AttensorError({
      code: 'BAD_ARGUMENT',
      what: 'this is no address of a queue',
      where: shown,
      expected: 'redis://host:6379, rediss://… or postgres://host/database',
    });
  }

  queue(name: string): StepQueue {
    let queue = this.queues.get(name);
    if (!queue) {
      queue = new Queue<JobData, StepResult>(name, this.options, this.backend);
      queue.on('error', this.onError);
      this.queues.set(name, queue);
    }
    return queue;
  }

  flows(): FlowProducer {
    if (!this.flowProducer) {
      this.flowProducer = new FlowProducer(this.options, this.backend);
      this.flowProducer.on('error', this.onError);
    }
    return this.flowProducer;
  }

  worker(
    name: string,
    processor: Processor<JobData, StepResult, string, JobProgress>,
    options: Omit<WorkerOptions, 'connection'>,
  ): QueueWorker {
    const all = { ...this.options, ...options };
    const worker = new Worker<JobData, StepResult>(name, processor as never, all, this.backend);
    worker.on('error', this.onError);
    return worker as unknown as QueueWorker;
  }

  /** Whoever comes first says which protocol is spoken here. @throws UNSUPPORTED_VERSION */
  async requireProtocol(): Promise<void> {
    const control = this.queue(CONTROL_QUEUE) as unknown as Queue<{ protocol: number }>;
    const id = 'protocol';
    await control.add(id, { protocol: PROTOCOL }, { jobId: id });
    const { protocol } = (await control.getJob(id))?.data ?? { protocol: PROTOCOL };
    if (protocol === PROTOCOL) return;
    throw new AttensorError({
      code: 'UNSUPPORTED_VERSION',
      what: 'machines of another version of Attensor use this queue',
      where: this.address,
      expected: `protocol ${protocol}`,
      got: `protocol ${PROTOCOL}`,
      hint: 'Use one version on all machines; once nothing of the old one is left to do, `attensor queue drain` empties the queue for the new one',
    });
  }

  async close(): Promise<void> {
    await Promise.all([...this.queues.values()].map((queue) => queue.close()));
    await this.flowProducer?.close();
  }
}

/** @throws UNREACHABLE with the reason, without passwords */
async function reach(shown: string, connect: () => Promise<void>): Promise<void> {
  await connect().catch((cause: unknown) => {
    const { message, code } = cause as NodeJS.ErrnoException;
    throw new AttensorError({
      code: 'UNREACHABLE',
      what: 'the database of the queue does not answer',
      where: shown,
      got: message || code,
      hint: 'Check the address, user and password, and that the server runs',
      cause,
    });
  });
}

async function pingRedis(address: string): Promise<void> {
  const redis = new Redis(address, {
    lazyConnect: true,
    maxRetriesPerRequest: 0,
    retryStrategy: () => null,
    connectTimeout: CONNECT_MS,
  });
  let reason: unknown;
  redis.on('error', (error) => (reason ??= error));
  try {
    await redis.connect();
    await redis.ping();
  } catch (error) {
    throw reason ?? error;
  } finally {
    redis.disconnect();
  }
}

async function pingPostgres(address: string): Promise<void> {
  const client = new pg.Client({
    connectionString: address,
    connectionTimeoutMillis: CONNECT_MS,
  });
  client.on('error', () => undefined);
  try {
    await client.connect();
    await client.query('select 1');
  } finally {
    await client.end().catch(() => undefined);
  }
}
