/**
 * Faults of machines, databases and stores while proofs of cheap steps are made: all of them finish with the right result, and how many
 * steps were done again is counted.
 */
import { ArtifactStore, Plan, QueueServer, runPlan, type PlannedStep } from '@attensor/queue';
import { FakeS3, SERVERS, sumStep, type TestServer } from '@attensor/queue/testing';
import { fork, type ChildProcess } from 'node:child_process';
import { mkdtemp, readFile, rm } from 'node:fs/promises';
import { connect, createServer, type AddressInfo, type Socket } from 'node:net';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { setTimeout as sleep } from 'node:timers/promises';
import { fileURLToPath } from 'node:url';
import { mulberry32 } from '../faults.js';

export const FAULTS = ['none', 'kill', 'database', 'full', 'lies', 'partition'] as const;
export type Fault = (typeof FAULTS)[number];

export interface FaultOptions {
  fault: Fault;
  server: keyof typeof SERVERS;
  proofs: number;
  workers: number;
  /** between two faults */
  everyMs: number;
  /** how long a fault lasts, where it does */
  lastsMs: number;
  seed: number;
  onDone?: (proofs: number) => void;
}

export interface FaultReport extends Pick<FaultOptions, 'fault' | 'server' | 'proofs' | 'seed'> {
  /** faults that were made */
  faults: number;
  steps: number;
  /** steps that were run more often than once, each time counted */
  repeated: number;
  seconds: number;
}

const WORKER = fileURLToPath(new URL('./worker-process.js', import.meta.url));
const NAMESPACE = 'faults';
const UNITS = 4;
const STEP_MS = 300;

/** @throws Error for a wrong result, or a proof that does not come to its end */
export async function runQueueFaults(options: FaultOptions): Promise<FaultReport> {
  const { fault, server: kind, proofs, workers: count, seed } = options;
  const random = mulberry32(seed);
  const dir = await mkdtemp(join(tmpdir(), 'attensor-queue-faults-'));
  const log = join(dir, 'log');
  process.env.AWS_ACCESS_KEY_ID ??= 'id';
  process.env.AWS_SECRET_ACCESS_KEY ??= 'secret';
  const s3 = await FakeS3.start();
  const database = await SERVERS[kind]();
  const link = await Link.to(Number(new URL(database.address).port));
  const artifacts = `s3://proofs?endpoint=${s3.endpoint}`;
  // only the workers' way to the database is cut
  const address = new URL(database.address);
  address.port = String(link.port);
  const workers = new Workers([address.href, NAMESPACE, artifacts]);
  const server = await QueueServer.connect(database.address, { namespace: NAMESPACE });
  const start = performance.now();
  try {
    const store = await ArtifactStore.open(artifacts, undefined);
    for (let k = 0; k < count; k++) await workers.start();
    const done = { value: false };
    const faults = inject(options, done, { s3, database, link, workers, random });
    let finished = 0;
    const all = Array.from({ length: proofs }, async (_, k) => {
      const { plan, expected } = await sums(store, `${seed} ${k}`, log, random);
      const { result } = await runPlan(server, store, plan);
      const { sum } = JSON.parse(Buffer.from(result).toString()) as { sum: number };
      if (sum !== expected) throw Error(`proof ${k}: ${sum}, expected ${expected}`);
      options.onDone?.(++finished);
      return plan.json.steps.length;
    });
    const steps = (await Promise.all(all)).reduce((a, b) => a + b, 0);
    done.value = true;
    const ran = (await readFile(log, 'utf8')).trimEnd().split('\n').length;
    return {
      ...{ fault, server: kind, proofs, seed, steps },
      faults: await faults,
      repeated: ran - steps,
      seconds: (performance.now() - start) / 1000,
    };
  } finally {
    workers.stop();
    link.close();
    await server.close().catch(() => undefined);
    await database.remove();
    await s3.stop();
    await rm(dir, { recursive: true, force: true });
  }
}

/** What can be broken. */
interface Parts {
  s3: FakeS3;
  database: TestServer;
  link: Link;
  workers: Workers;
  random: () => number;
}

/** @returns how often */
async function inject(
  { fault, everyMs, lastsMs }: FaultOptions,
  done: { value: boolean },
  { s3, database, link, workers, random }: Parts,
): Promise<number> {
  let count = 0;
  for (;;) {
    for (const until = Date.now() + everyMs * (0.5 + random()); Date.now() < until; await sleep(50))
      if (done.value) return count;
    if (fault === 'none') continue;
    count++;
    switch (fault) {
      case 'kill':
        await workers.killOne(random);
        break;
      case 'database':
        await database.stop('SIGKILL');
        await sleep(lastsMs);
        await database.start();
        break;
      case 'full':
        s3.full = true;
        await sleep(lastsMs);
        s3.full = false;
        break;
      case 'lies': {
        // of what is there, a half: bits flip, ends are missing, another content
        const objects = [...s3.objects.values()];
        for (const object of objects) {
          const lie = random() * 6;
          if (lie < 1) object.body = Buffer.from(object.body.map((b, i) => (i === 0 ? b ^ 1 : b)));
          else if (lie < 2) object.body = object.body.subarray(0, object.body.length >> 1);
          else if (lie < 3) object.body = objects[Math.floor(random() * objects.length)].body;
        }
        break;
      }
      case 'partition':
        link.cut();
        await sleep(lastsMs);
        link.mend();
        break;
    }
  }
}

/** A run, units and joins. Each step has a number of its own, and adds what it reads. */
async function sums(store: ArtifactStore, of: string, log: string, random: () => number) {
  const steps: PlannedStep[] = [sumStep(of, 'run')];
  for (let k = 0; k < UNITS; k++) {
    steps.push(sumStep(of, `messages-${k}`, ['run']));
    steps.push(sumStep(of, `circuit-${k}`, [`messages-${k}`]));
  }
  let level = Array.from({ length: UNITS }, (_, k) => `circuit-${k}`);
  for (let depth = 0; level.length > 1; depth++)
    level = Array.from({ length: level.length / 2 }, (_, k) => {
      steps.push(sumStep(of, `join-${depth}-${k}`, [level[2 * k], level[2 * k + 1]]));
      return `join-${depth}-${k}`;
    });
  const values: Record<string, { value: number; ms: number }> = {};
  const results: Record<string, number> = {};
  for (const { name, inputs } of steps) {
    values[name] = { value: Math.floor(random() * 1000), ms: STEP_MS * (0.5 + random()) };
    results[name] = inputs.reduce((sum, input) => sum + results[input], values[name].value);
  }
  const salted = steps.filter(({ name }) => name.startsWith('messages')).map(({ name }) => name);
  const plan = await Plan.put(store, { kind: 'sums', params: { values, log, salted }, steps });
  return { plan, expected: results[plan.last.name] };
}

/** Worker processes; one that was killed is started again. */
class Workers {
  private readonly running: ChildProcess[] = [];
  private stopped = false;

  constructor(private readonly args: string[]) {}

  async start(): Promise<void> {
    const child = fork(WORKER, this.args, { stdio: ['ignore', 'ignore', 'inherit', 'ipc'] });
    this.running.push(child);
    child.once('exit', () => {
      this.running.splice(this.running.indexOf(child), 1);
      if (!this.stopped) void this.start();
    });
    await new Promise((resolve) => child.once('message', resolve).once('exit', resolve));
  }

  async killOne(random: () => number): Promise<void> {
    this.running.at(Math.floor(random() * this.running.length))?.kill('SIGKILL');
    await sleep(0);
  }

  stop(): void {
    this.stopped = true;
    for (const child of this.running) child.kill('SIGKILL');
  }
}

/** A connection between machines that can be cut. */
class Link {
  private readonly sockets = new Set<Socket>();
  private isCut = false;

  private constructor(
    private readonly server: ReturnType<typeof createServer>,
    target: number,
  ) {
    server.on('connection', (from) => {
      const to = connect(target, '127.0.0.1');
      for (const [socket, other] of [
        [from, to],
        [to, from],
      ]) {
        this.sockets.add(socket);
        socket.on('error', () => undefined);
        socket.on('close', () => {
          this.sockets.delete(socket);
          other.destroy();
        });
        socket.pipe(other);
      }
      if (this.isCut) from.destroy();
    });
  }

  static async to(target: number): Promise<Link> {
    const server = createServer();
    await new Promise<void>((resolve) => server.listen(0, '127.0.0.1', resolve));
    return new Link(server, target);
  }

  get port(): number {
    return (this.server.address() as AddressInfo).port;
  }

  cut(): void {
    this.isCut = true;
    for (const socket of this.sockets) socket.destroy();
  }

  mend(): void {
    this.isCut = false;
  }

  close(): void {
    this.cut();
    this.server.close();
  }
}
