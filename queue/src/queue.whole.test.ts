/** Steps on a queue of Redis and of PostgreSQL, with cheap steps: what is asked for comes out, whatever happens to machines and bytes. */
import { afterAll, afterEach, beforeAll, beforeEach, describe, expect, it } from '@jest/globals';
import { mkdtemp, readFile, rm, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { setTimeout as sleep } from 'node:timers/promises';
import { ArtifactStore } from './artifacts/artifact-store.js';
import { stateOf } from './flow.js';
import { CONTROL_QUEUE, queueOf } from './jobs.js';
import { drain, queueStatus, retryFailed } from './manage.js';
import { Plan, stepId, type PlannedStep } from './plan.js';
import { runPlan } from './run-plan.js';
import { QueueServer } from './server.js';
import { sumStep, type SumParams } from './testing/fake-kinds.js';
import { SERVERS, type TestServer } from './testing/servers.js';
import { StepWorker, type WorkerEvent, type WorkerSettings } from './worker.js';

const GIB = 2 ** 30;
const KINDS = new URL('./testing/fake-kinds.js', import.meta.url).href;

describe.each(Object.entries(SERVERS))('a queue on %s', (_, startServer) => {
  let test: TestServer;
  let server: QueueServer;
  let dir: string;
  let store: ArtifactStore;
  let workers: StepWorker[];
  let events: WorkerEvent[];
  let count = 0;

  beforeAll(async () => {
    test = await startServer();
  });
  afterAll(() => test.remove());
  beforeEach(async () => {
    dir = await mkdtemp(join(tmpdir(), 'attensor-queue-'));
    server = await QueueServer.connect(test.address, { namespace: `test${count++}` });
    store = await ArtifactStore.open(join(dir, 'artifacts'), undefined);
    workers = [];
    events = [];
  });
  afterEach(async () => {
    await Promise.all(workers.map((worker) => worker.close()));
    await server.close();
    await rm(dir, { recursive: true, force: true });
  });

  async function work(settings: Partial<WorkerSettings> = {}): Promise<StepWorker> {
    const worker = await StepWorker.start(server, {
      ...{ artifacts: join(dir, 'artifacts'), cacheDir: join(dir, 'cache'), kinds: KINDS },
      ...{ concurrency: 2, memory: 4 * GIB, device: 'cpu', lockMs: 2000 },
      onEvent: (event) => events.push(event),
      ...settings,
    });
    workers.push(worker);
    return worker;
  }

  /** Each step is 1, 10, 100, … and adds what it reads. */
  function plan(steps: PlannedStep[], params: Partial<SumParams> = {}): Promise<Plan> {
    const values = Object.fromEntries(
      steps.map(({ name }, k) => [name, { value: 10 ** k, ms: 0 }]),
    );
    const all: SumParams = { values, log: join(dir, 'log'), ...params };
    return Plan.put(store, { kind: 'sums', params: { ...all }, steps });
  }
  const id = () => dir;
  const chain = () => [
    sumStep(id(), 'messages'),
    sumStep(id(), 'circuit-0', ['messages']),
    sumStep(id(), 'circuit-1', ['messages', 'circuit-0']),
  ];
  /** Units that all read one run, and their joins. */
  const tree = () => [
    sumStep(id(), 'run'),
    ...[0, 1, 2, 3].map((k) => sumStep(id(), `unit-${k}`, ['run'])),
    sumStep(id(), 'join-0', ['unit-0', 'unit-1']),
    sumStep(id(), 'join-1', ['unit-2', 'unit-3']),
    sumStep(id(), 'top', ['join-0', 'join-1']),
  ];
  const run = async (of: Plan, options = {}) => {
    const { result } = await runPlan(server, store, of, options);
    return (JSON.parse(Buffer.from(result).toString()) as { sum: number }).sum;
  };
  /** Names of the steps that were run, one for each time. */
  const ran = async () =>
    (await readFile(join(dir, 'log'), 'utf8').catch(() => ''))
      .split('\n')
      .filter((line) => line !== '')
      .map((line) => line.split(' ')[0]);
  const damage = (hash: string, bytes = 'damaged') =>
    writeFile(join(dir, 'artifacts', hash.slice(0, 2), hash), bytes);
  async function hashOf(step: PlannedStep): Promise<string> {
    const found = await stateOf(server, step);
    if (found.state !== 'done') throw Error(`${step.name} is ${found.state}`);
    return found.result.hash;
  }
  const removeJob = (step: PlannedStep) =>
    server.queue(queueOf(step.need)).remove(stepId(step), { removeChildren: false });

  it('runs each step of a chain once, inputs first', async () => {
    await work();
    expect(await run(await plan(chain()))).toBe(112);
    expect(await ran()).toEqual(['messages', 'circuit-0', 'circuit-1']);
    // whoever asks again gets what is there
    expect(await run(await plan(chain()))).toBe(112);
    expect(await ran()).toHaveLength(3);
  });

  it('runs a graph whose steps have several readers', async () => {
    await work({ concurrency: 3, memory: 8 * GIB });
    // each unit has the run, so the top has it four times
    expect(await run(await plan(tree()))).toBe(11111114);
    expect((await ran()).sort()).toEqual(
      tree()
        .map(({ name }) => name)
        .sort(),
    );
  });

  it('shares the steps that two plans have in common', async () => {
    const values = Object.fromEntries(
      ['keys', 'a', 'b'].map((name) => [name, { value: 1, ms: 200 }]),
    );
    const a = await plan([sumStep(id(), 'keys'), sumStep(id(), 'a', ['keys'])], { values });
    const b = await plan([sumStep(id(), 'keys'), sumStep(id(), 'b', ['keys'])], { values });
    await work();
    expect(await Promise.all([run(a), run(b)])).toEqual([2, 2]);
    expect((await ran()).sort()).toEqual(['a', 'b', 'keys']);
  });

  it('makes a result again that was changed where it lies, and what was made from it', async () => {
    const steps = chain();
    const of = await plan(steps, { salted: ['messages'] });
    await work();
    await run(of);
    for (const lie of ['damaged', '', '{"sum":1,"salt":0,"salts":{}}']) {
      // one that does not remember what it made
      await workers.pop()?.close();
      await work();
      await damage(await hashOf(steps[0]), lie);
      await removeJob(steps[2]);
      expect(await run(of)).toBe(112);
    }
    const times = await ran();
    expect(times.filter((name) => name === 'messages')).toHaveLength(4);
    expect(times.filter((name) => name === 'circuit-0')).toHaveLength(4);
    expect(events.filter(({ event }) => event === 'wrong')).toHaveLength(3);
  });

  it('makes a result again that verifies as bytes, and not as what it says', async () => {
    // a worker that lies: what it gives has the hash that it names
    const steps = [sumStep(id(), 'messages'), sumStep(id(), 'circuit-0', ['messages'])];
    const lying = await plan(steps, {
      values: { messages: { value: -5, ms: 0 }, 'circuit-0': { value: 10, ms: 0 } },
    });
    await work();
    await expect(run(lying)).rejects.toMatchObject({
      code: 'STEP_FAILED',
      got: expect.stringContaining('it does not verify') as unknown,
    });
    // and never gave more than it was asked: the limit of how often
    expect((await ran()).filter((name) => name === 'messages')).toHaveLength(6);
    expect(await ran()).not.toContain('circuit-0');
  });

  it('makes the last result again when whoever asked says that it is wrong', async () => {
    const of = await plan(chain(), { salted: ['circuit-1'] });
    await work();
    let looks = 0;
    expect(await run(of, { check: async () => (looks++ === 0 ? 'wrong' : undefined) })).toBe(112);
    expect((await ran()).filter((name) => name === 'circuit-1')).toHaveLength(2);
    // and when it is gone
    await damage(await hashOf(of.last));
    expect(await run(of)).toBe(112);
    await expect(run(of, { check: async () => 'never right' })).rejects.toMatchObject({
      code: 'STEP_FAILED',
      got: 'never right',
    });
  });

  it('brings a plan again that is gone', async () => {
    const of = await plan(chain());
    await damage(of.hash);
    await work({ retryMs: 300 });
    expect(await run(of)).toBe(112);
  });

  it('survives processes that are killed', async () => {
    await work();
    expect(await run(await plan(chain(), { dying: ['messages', 'circuit-1'] }))).toBe(112);
    expect((await ran()).sort()).toEqual(
      ['circuit-0', 'circuit-1', 'circuit-1', 'messages', 'messages'].sort(),
    );
  });

  it('survives a restart of its database while a step runs', async () => {
    const values = {
      messages: { value: 1, ms: 1500 },
      'circuit-0': { value: 10, ms: 0 },
      'circuit-1': { value: 100, ms: 1500 },
    };
    await work();
    const result = run(await plan(chain(), { values }));
    await sleep(1000);
    await test.stop('SIGKILL');
    await sleep(500);
    await test.start();
    expect(await result).toBe(112);
  });

  it('tells what failed, and tries it again when it is asked to', async () => {
    await work();
    const steps = chain();
    const broken = await plan(steps, { failing: ['circuit-0'] });
    const failure = { code: 'STEP_FAILED', got: expect.stringContaining('circuit-0') as unknown };
    await expect(run(broken)).rejects.toMatchObject(failure);
    const { failed, queues, workers: named } = await queueStatus(server);
    expect(failed.map(({ reason }) => reason)).toContainEqual('INTERNAL: circuit-0 cannot be done');
    expect(queues).toMatchObject([{ name: 'attensor-2g', counts: { completed: 1, failed: 2 } }]);
    expect(named).toEqual([expect.stringContaining('/4g/2x/cpu')]);
    expect(await retryFailed(server)).toBe(2);
    await expect(run(broken)).rejects.toMatchObject(failure);
    expect(await ran()).toEqual(['messages']);
  }, 60_000);

  it('gives no step to a worker that it does not fit', async () => {
    const steps = [sumStep(id(), 'small', [], 2), sumStep(id(), 'large', ['small'], 7)];
    const of = await plan(steps);
    await work({ memory: 4 * GIB });
    const result = run(of);
    while ((await ran()).length === 0) await sleep(100);
    await sleep(1000);
    expect(await ran()).toEqual(['small']);
    const gpu = { ...sumStep(id(), 'gpu'), need: { bytes: 1, device: 'cuda' as const } };
    const onGpu = run(await plan([gpu]));
    await work({ memory: 9 * GIB, device: 'cuda' });
    expect(await result).toBe(11);
    expect(await onGpu).toBe(1);
  });

  it('runs no more at a time than the memory holds', async () => {
    const steps = [0, 1, 2, 3].map((k) => sumStep(id(), `unit-${k}`, [], 3));
    const top = sumStep(
      id(),
      'top',
      steps.map(({ name }) => name),
    );
    const values = Object.fromEntries(
      [...steps, top].map(({ name }) => [name, { value: 1, ms: 150 }]),
    );
    let active = 0;
    let most = 0;
    const onEvent = ({ event }: WorkerEvent) => {
      if (event === 'started') most = Math.max(most, ++active);
      if (event === 'done') active--;
    };
    await work({ memory: 8 * GIB, concurrency: 4, onEvent });
    expect(await run(await plan([...steps, top], { values }))).toBe(5);
    expect(most).toBe(2);
  });

  it('waits for space when the disk is full', async () => {
    const steps = chain();
    const of = await plan(steps);
    // a file in the way of a folder: every write fails, and every read
    await work({ artifacts: join(dir, 'log', 'nowhere'), retryMs: 500 });
    await writeFile(join(dir, 'log'), '');
    const messages: string[] = [];
    const result = run(of, { onProgress: (_: number, message: string) => messages.push(message) });
    while (!messages.some((m) => m.includes('UNREACHABLE'))) await sleep(100);
    await Promise.all(workers.splice(0).map((worker) => worker.close()));
    await work();
    expect(await result).toBe(112);
  }, 60_000);

  it('refuses machines of another version', async () => {
    const control = server.queue(CONTROL_QUEUE);
    await control.add('protocol', { protocol: 99 } as never, { jobId: 'protocol' });
    const refused = { code: 'UNSUPPORTED_VERSION', expected: 'protocol 99' };
    await expect(work()).rejects.toMatchObject(refused);
    const of = await plan(chain());
    await expect(run(of)).rejects.toMatchObject(refused);
    await drain(server);
    await work();
    expect(await run(of)).toBe(112);
  });

  it('is emptied when it is asked to, and not of what runs', async () => {
    const values = Object.fromEntries(chain().map(({ name }) => [name, { value: 1, ms: 600 }]));
    const of = await plan(chain(), { values });
    await work();
    const abort = new AbortController();
    const result = run(of, { signal: abort.signal });
    while ((await ran()).length === 0) await sleep(50);
    await expect(drain(server)).rejects.toThrow();
    abort.abort();
    await expect(result).rejects.toThrow();
    await Promise.all(workers.splice(0).map((worker) => worker.close()));
    expect(await drain(server, { force: true })).toBe(3);
    expect((await queueStatus(server)).queues).toEqual([]);
  });
});

describe('an address', () => {
  it.each(['redis://127.0.0.1:1', 'postgres://user:secret@127.0.0.1:1/db'])(
    '%s that nobody answers is an error, without its password',
    async (address) => {
      const error: unknown = await QueueServer.connect(address).catch((e: unknown) => e);
      expect(error).toMatchObject({ code: 'UNREACHABLE' });
      expect(String(error)).not.toContain('secret');
    },
  );
  it('of something else is refused', async () => {
    await expect(QueueServer.connect('http://a')).rejects.toMatchObject({ code: 'BAD_ARGUMENT' });
    await expect(QueueServer.connect('redis')).rejects.toMatchObject({ code: 'BAD_ARGUMENT' });
  });
});
