/** Proofs over HTTP, with a runner that does as the tests say. */
import { AttensorError } from '@attensor/core';
import { afterAll, afterEach, beforeAll, describe, expect, it } from '@jest/globals';
import { mkdtemp, readdir, readFile, rm, stat, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { setTimeout as pause } from 'node:timers/promises';
import { ApiKeys } from './api-keys.js';
import type { ProofView } from './jobs/job.js';
import { RunnerLost } from './proving/runner.js';
import { modelIn, testService, type TestService } from './testing/service.js';

let folder: string;
let modelDir: string;
let dataDir: string;
let service: TestService;
let count = 0;

beforeAll(async () => {
  folder = await mkdtemp(join(tmpdir(), 'attensor-proofs-'));
  modelDir = await modelIn(folder);
});
afterAll(() => rm(folder, { recursive: true, force: true }));
afterEach(() => service.close(0));

async function start(limits: Parameters<typeof testService>[2] = {}, dir = `data-${count++}`) {
  dataDir = join(folder, dir);
  service = await testService(modelDir, dataDir, limits);
}

interface Answered {
  attensor: { proofId: string; inputHash: string; outputHash: string };
  error?: { code: string; param: string | null };
}
const post = (path: string, body?: object, headers: Record<string, string> = {}) =>
  fetch(`${service.url}${path}`, {
    method: 'POST',
    headers: { ...(body && { 'content-type': 'application/json' }), ...headers },
    ...(body && { body: JSON.stringify(body) }),
  });
const ask = async (
  { prompt = 'In', ...more }: { prompt?: string; prove?: boolean; reveal?: boolean } = {},
  headers: Record<string, string> = {},
) => {
  const body = { model: 'nano', prompt, max_tokens: 2, attensor: { prove: true, ...more } };
  const response = await post('/v1/completions', body, headers);
  return { status: response.status, ...((await response.json()) as Answered) };
};
const read = async (id: string, path = '') => fetch(`${service.url}/v1/proofs/${id}${path}`);
const view = async (id: string) => (await (await read(id)).json()) as ProofView;
async function until(id: string, state: ProofView['state']): Promise<ProofView> {
  for (;;) {
    const found = await view(id);
    if (found.state === state) return found;
    await pause(10);
  }
}
/** What happens soon after the answer that tells of it. */
async function soon(check: () => unknown): Promise<void> {
  for (let i = 0; ; i++) {
    try {
      return void (await check());
    } catch (error) {
      if (i === 200) throw error;
      await pause(20);
    }
  }
}
const jobFile = async (id: string) =>
  JSON.parse(await readFile(join(dataDir, 'jobs', `${id}.json`), 'utf8')) as Record<
    string,
    unknown
  >;

describe('a proof', () => {
  it('is accepted with its answer, has a price, a step and a time left, and then a file', async () => {
    await start();
    const { attensor } = await ask();
    const { proofId } = attensor;
    await service.runner.begun(proofId);
    expect(await view(proofId)).toMatchObject({
      id: proofId,
      state: 'proving',
      step: null,
      seconds: { price: 20, left: 20, taken: null },
      statement: { inputHash: attensor.inputHash, outputHash: attensor.outputHash },
      error: null,
    });
    service.runner.step(proofId, 'circuit-0');
    expect(await view(proofId)).toMatchObject({ step: 'circuit-0', seconds: { left: 18 } });
    expect((await read(proofId, '/file')).status).toBe(409);

    await service.runner.prove(proofId);
    expect(await until(proofId, 'proved')).toMatchObject({
      step: null,
      seconds: { price: 20, left: 0, taken: expect.any(Number) },
    });
    const file = await read(proofId, '/file');
    expect(file.headers.get('content-disposition')).toContain(`proof-${proofId}.json`);
    expect(await file.json()).toMatchObject({
      format: 'attensor-proof',
      statement: { inputHash: attensor.inputHash },
    });
  });

  it('reveals prompt and answer only where that was asked', async () => {
    await start();
    const hidden = await ask();
    const open = await ask({ reveal: true });
    await service.runner.prove(hidden.attensor.proofId);
    await service.runner.prove(open.attensor.proofId);
    const [first, second] = service.runner.started;
    expect(first.text).toBeUndefined();
    expect(second.text).toMatchObject({ prompt: 'In', promptIds: second.promptIds });
  });

  it('leaves no prompt behind, and only its owner may read what is kept', async () => {
    await start();
    const { proofId } = (await ask()).attensor;
    expect(await jobFile(proofId)).toMatchObject({ task: { promptIds: expect.anything() } });
    await service.runner.prove(proofId);
    await until(proofId, 'proved');
    await soon(async () => expect(await jobFile(proofId)).not.toHaveProperty('task'));
    await soon(() => expect(service.runner.forgotten).toContain(proofId));
    for (const name of [`jobs/${proofId}.json`, `proofs/${proofId}.json`])
      expect((await stat(join(dataDir, name))).mode & 0o777).toBe(0o600);
  });

  it('waits for those before it', async () => {
    await start();
    const ids = [];
    for (let i = 0; i < 3; i++) ids.push((await ask()).attensor.proofId);
    await service.runner.begun(ids[0]);
    expect((await view(ids[2])).seconds).toMatchObject({ price: 20, left: 60 });
    expect(service.runner.started).toHaveLength(1);
    const list = (await (await fetch(`${service.url}/v1/proofs?limit=2`)).json()) as {
      data: ProofView[];
      has_more: boolean;
    };
    expect(list.data.map(({ id }) => id)).toEqual([ids[2], ids[1]]);
    expect(list.has_more).toBe(true);
    const rest = await fetch(`${service.url}/v1/proofs?after=${ids[1]}`);
    expect(await rest.json()).toMatchObject({ data: [{ id: ids[0] }], has_more: false });
    for (const id of ids) await service.runner.prove(id);
    await until(ids[2], 'proved');
    expect(service.runner.started.map(({ id }) => id)).toEqual(ids);
  });

  it('tells its events until it is over', async () => {
    await start();
    const { proofId } = (await ask()).attensor;
    const stream = await read(proofId, '/events');
    expect(stream.headers.get('content-type')).toContain('text/event-stream');
    const whole = stream.text();
    await service.runner.begun(proofId);
    service.runner.step(proofId, 'run');
    service.runner.step(proofId, 'circuit-0');
    await service.runner.prove(proofId);
    const events = (await whole)
      .split('\n\n')
      .filter((event) => event.startsWith('event: proof\n'))
      .map((event) => JSON.parse(event.slice(event.indexOf('{'))) as ProofView);
    expect(events.map(({ step }) => step)).toEqual(expect.arrayContaining(['run', 'circuit-0']));
    expect(events.at(-1)).toMatchObject({ id: proofId, state: 'proved' });
  });

  it('fails with the reason, and is refused if it is about something else', async () => {
    await start();
    const one = (await ask()).attensor.proofId;
    const error = {
      code: 'OVERFLOW' as const,
      what: 'a value exceeds its width',
      where: 'layer 1',
    };
    await service.runner.fail(one, new AttensorError(error));
    expect((await until(one, 'failed')).error).toMatchObject(error);
    const two = (await ask()).attensor.proofId;
    await service.runner.prove(two, { outputHash: '5' });
    expect((await until(two, 'failed')).error?.what).toContain('another answer');
    expect((await read(two, '/file')).status).toBe(409);
  });
});

describe('cancelling', () => {
  it('ends a proof that runs and one that waits, and no other', async () => {
    await start();
    const [first, second, third] = [await ask(), await ask(), await ask()].map(
      ({ attensor }) => attensor.proofId,
    );
    await service.runner.begun(first);
    for (const id of [second, first])
      expect(await (await post(`/v1/proofs/${id}/cancel`)).json()).toMatchObject({
        id,
        state: 'cancelled',
      });
    await service.runner.prove(third);
    await until(third, 'proved');
    expect(service.runner.started.map(({ id }) => id)).toEqual([first, third]);
    const all = expect.arrayContaining([first, second, third]);
    await soon(() => expect(service.runner.forgotten).toEqual(all));
    expect(await jobFile(second)).not.toHaveProperty('task');
    const again = await post(`/v1/proofs/${third}/cancel`);
    expect(again.status).toBe(409);
    expect(await again.json()).toMatchObject({ error: { code: 'proof_is_over' } });
  });
});

describe('what was accepted', () => {
  it('is finished by the next process, in its order', async () => {
    await start();
    const first = (await ask()).attensor.proofId;
    const second = (await ask()).attensor.proofId;
    await service.runner.begun(first);
    const before = service.runner.started[0];
    // nothing of it is told to the service: that is what kill -9 leaves
    const taken = dataDir;
    await service.close(0);
    await writeFile(join(taken, 'jobs', `${first}.json.0123456789abcdef.tmp`), '{"format"');
    service = await testService(modelDir, taken);
    await service.runner.begun(first);
    expect(service.runner.started).toEqual([before]);
    await service.runner.prove(first);
    await service.runner.prove(second);
    await until(second, 'proved');
    await soon(async () => expect(await readdir(join(taken, 'jobs'))).toHaveLength(2));
    expect((await read(first, '/file')).status).toBe(200);
  });

  it('of another model is not proved as one of this one', async () => {
    await start();
    const { proofId } = (await ask()).attensor;
    await service.close(0);
    const path = join(dataDir, 'jobs', `${proofId}.json`);
    const job = JSON.parse(await readFile(path, 'utf8')) as object;
    await writeFile(path, JSON.stringify({ ...job, modelRoot: '99' }));
    service = await testService(modelDir, dataDir);
    expect((await until(proofId, 'failed')).error?.code).toBe('MODEL_CHANGED');
    expect(service.runner.started).toEqual([]);
  });

  it('is not lost without a word: a damaged journal is an error', async () => {
    await start();
    const { proofId } = (await ask()).attensor;
    await service.close(0);
    await writeFile(join(dataDir, 'jobs', `${proofId}.json`), '{"format":"attensor-job"');
    await expect(testService(modelDir, dataDir)).rejects.toMatchObject({ code: 'BAD_FILE' });
  });

  it('is tried again when the process that proves is lost, but not for ever', async () => {
    await start();
    const { proofId } = (await ask()).attensor;
    await service.runner.fail(proofId, new RunnerLost('SIGKILL'));
    await service.runner.fail(proofId, new RunnerLost('SIGKILL'));
    await service.runner.fail(proofId, new RunnerLost('SIGKILL'));
    expect((await until(proofId, 'failed')).error?.got).toBe('SIGKILL');
    expect(service.runner.started).toHaveLength(3);
  });

  it('long ago is forgotten', async () => {
    await start();
    const { proofId } = (await ask()).attensor;
    await service.runner.prove(proofId);
    await until(proofId, 'proved');
    await service.close(0);
    const path = join(dataDir, 'jobs', `${proofId}.json`);
    const job = JSON.parse(await readFile(path, 'utf8')) as object;
    await writeFile(path, JSON.stringify({ ...job, finished: '2020-01-01T00:00:00.000Z' }));
    service = await testService(modelDir, dataDir);
    expect((await read(proofId)).status).toBe(404);
    expect(await readdir(join(dataDir, 'proofs'))).toEqual([]);
  });
});

describe('limits', () => {
  it('a repeated request gets the proof of the first, and another one under its key nothing', async () => {
    await start();
    const headers = { 'idempotency-key': 'order-1' };
    const [one, two] = await Promise.all([ask({}, headers), ask({}, headers)]);
    expect(two.attensor).toEqual(one.attensor);
    await service.runner.prove(one.attensor.proofId);
    await until(one.attensor.proofId, 'proved');
    await service.close(0);
    service = await testService(modelDir, dataDir);
    expect((await ask({}, headers)).attensor.proofId).toBe(one.attensor.proofId);
    const other = await ask({ prompt: 'Out' }, headers);
    expect(other).toMatchObject({ status: 422, error: { code: 'idempotency_key_reused' } });
    expect((await ask({})).attensor.proofId).not.toBe(one.attensor.proofId);
    expect(await ask({}, { 'idempotency-key': 'x'.repeat(300) })).toMatchObject({ status: 400 });
  });

  it('so many unfinished proofs, also when they are asked for at once', async () => {
    await start({ limits: { unfinished: 2 } });
    const all = await Promise.all([1, 2, 3, 4].map(() => ask()));
    expect(all.map(({ status }) => status).sort()).toEqual([200, 200, 429, 429]);
    const refused = all.find(({ status }) => status === 429);
    expect(refused?.error).toMatchObject({ code: 'too_many_proofs' });
    // answers without proofs go on
    expect((await ask({ prove: false })).status).toBe(200);
  });

  it('a key sees its own proofs only, and has a limit of its own', async () => {
    const dir = `keys-${count++}`;
    const keys = await ApiKeys.open(join(folder, dir));
    const [a, b] = [
      await keys.add({ name: 'a', use: 'answers' }),
      await keys.add({ name: 'b', use: 'answers' }),
    ].map(({ key }) => ({ authorization: `Bearer ${key}` }));
    await start({ limits: { unfinishedOfClient: 1 } }, dir);
    const { proofId } = (await ask({}, a)).attensor;
    expect(await ask({}, a)).toMatchObject({ status: 429, error: { code: 'too_many_proofs' } });
    expect((await ask({}, b)).status).toBe(200);
    const url = `${service.url}/v1/proofs/${proofId}`;
    expect((await fetch(url, { headers: a })).status).toBe(200);
    for (const path of ['', '/file', '/events'])
      expect((await fetch(`${url}${path}`, { headers: b })).status).toBe(404);
    expect((await post(`/v1/proofs/${proofId}/cancel`, undefined, b)).status).toBe(404);
    const list = await fetch(`${service.url}/v1/proofs`, { headers: b });
    expect(JSON.stringify(await list.json())).not.toContain(proofId);
  });

  it('a full disk refuses, and what was refused is not proved', async () => {
    await start();
    const jobs = join(dataDir, 'jobs');
    await rm(jobs, { recursive: true });
    await writeFile(jobs, 'no folder');
    expect(await ask()).toMatchObject({ status: 503, error: { code: 'write_failed' } });
    expect(service.runner.started).toEqual([]);
    expect((await fetch(`${service.url}/v1/proofs`)).status).toBe(200);
  });

  it('a service without proofs, and one without a fee payer, say so', async () => {
    await start({ proofs: false });
    expect(await ask()).toMatchObject({
      status: 400,
      error: { code: 'unsupported_parameter', param: 'attensor.prove' },
    });
    expect((await fetch(`${service.url}/v1/proofs`)).status).toBe(404);
    await service.close(0);
    await start();
    const attested = { model: 'nano', prompt: 'In', attensor: { prove: true, attest: true } };
    expect(await (await post('/v1/completions', attested)).json()).toMatchObject({
      error: { param: 'attensor.attest' },
    });
  });

  it('a model that is committed for batches is refused', async () => {
    await start({ proofs: false });
    const own = await modelIn(await mkdtemp(join(folder, 'batch-')));
    const path = join(own, 'commitment.json');
    const commitment = JSON.parse(await readFile(path, 'utf8')) as object;
    await writeFile(path, JSON.stringify({ ...commitment, batch: 4 }));
    await expect(testService(own, join(folder, `data-${count++}`))).rejects.toMatchObject({
      code: 'UNSUPPORTED_CONFIG',
      got: '4',
    });
  });

  it('a service whose keys are not loaded is not ready', async () => {
    await start();
    service.runner.notReady = 'keys are loaded, or compiled';
    const response = await fetch(`${service.url}/readyz`);
    expect(response.status).toBe(503);
    expect(await response.json()).toEqual({
      ready: false,
      reasons: ['keys are loaded, or compiled'],
    });
    // accepted all the same: it is proved when they are there
    expect((await ask()).status).toBe(200);
  });

  it('streams of events end when the service stops', async () => {
    await start();
    const { proofId } = (await ask()).attensor;
    const stream = (await read(proofId, '/events')).text();
    const started = performance.now();
    await service.close();
    expect(await stream).toContain('event: proof');
    expect(performance.now() - started).toBeLessThan(5000);
  });
});
