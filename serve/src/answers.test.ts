/** Models and answers over HTTP, asked with OpenAI's own client and with what is no client at all. */
import { afterAll, afterEach, beforeAll, describe, expect, it } from '@jest/globals';
import { openModel, answer } from '@attensor/inference';
import { mkdtemp, rm, utimes, writeFile } from 'node:fs/promises';
import { request } from 'node:http';
import { connect } from 'node:net';
import { once } from 'node:events';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { setTimeout as pause } from 'node:timers/promises';
import OpenAI from 'openai';
import { ApiKeys } from './api-keys.js';
import { modelIn, testService, type TestService } from './testing/service.js';

let folder: string;
let modelDir: string;
let service: TestService;
let client: OpenAI;
let expected: string;
const PROMPT = 'In the beginning';

beforeAll(async () => {
  folder = await mkdtemp(join(tmpdir(), 'attensor-serve-'));
  modelDir = await modelIn(folder);
  service = await testService(modelDir, join(folder, 'data'));
  client = clientOf(service.url);
  const opened = await openModel(modelDir);
  const ids = opened.tokenizer?.encodePrompt(PROMPT) ?? [];
  const { signal } = new AbortController();
  expected = (await answer(opened, ids, { maxTokens: 6, stopAtEos: true, signal })).text ?? '';
  expect(expected).not.toBe('');
});
afterAll(async () => {
  await service.close();
  await rm(folder, { recursive: true, force: true });
});

const clientOf = (url: string, apiKey = 'none') =>
  new OpenAI({ baseURL: `${url}/v1`, apiKey, maxRetries: 0 });
const wanted = { model: 'nano', prompt: PROMPT, max_tokens: 6 };
const chat = {
  model: 'nano',
  messages: [{ role: 'user' as const, content: PROMPT }],
  max_tokens: 6,
};

const post = (
  path: string,
  body: unknown,
  headers: Record<string, string> = {},
  url = service.url,
) =>
  fetch(`${url}${path}`, {
    method: 'POST',
    headers: { 'content-type': 'application/json', ...headers },
    body: typeof body === 'string' ? body : JSON.stringify(body),
  });

interface Refused {
  error: { message: string; type: string; param: string | null; code: string };
}

describe("with OpenAI's client", () => {
  it('lists the model', async () => {
    const { data } = await client.models.list();
    expect(data).toMatchObject([{ id: 'nano', object: 'model' }]);
    expect(await client.models.retrieve('nano')).toMatchObject({
      attensor: { commitment: { modelRoot: '11', capacity: 16 } },
    });
  });

  it('continues a text greedily, given as text or as token ids', async () => {
    const given = await client.completions.create(wanted);
    expect(given.choices).toMatchObject([{ text: expected, finish_reason: 'length' }]);
    expect(given.usage?.completion_tokens).toBe(6);
    const { attensor } = given as unknown as { attensor: Record<string, unknown> };
    expect(attensor).toMatchObject({
      inputHash: expect.stringMatching(/^\d+$/),
      outputHash: expect.stringMatching(/^\d+$/),
    });
    expect(attensor).not.toHaveProperty('proofId');
    const same = await client.completions.create({
      ...wanted,
      prompt: attensor.promptTokens as number[],
    });
    expect(same.choices[0].text).toBe(expected);
    expect(same).toMatchObject({ attensor });
  });

  it('answers a conversation; a model without a template continues its text', async () => {
    const given = await client.chat.completions.create(chat);
    expect(given.choices[0].message).toMatchObject({ role: 'assistant', content: expected });
    const parts = [{ type: 'text' as const, text: PROMPT }];
    const messages = [{ role: 'user' as const, content: parts }];
    expect(await client.chat.completions.create({ ...chat, messages })).toMatchObject({
      choices: given.choices,
    });
  });

  it('streams both, in pieces that make the same answer', async () => {
    let text = '';
    let pieces = 0;
    for await (const chunk of await client.completions.create({ ...wanted, stream: true })) {
      text += chunk.choices[0].text;
      pieces++;
    }
    expect(text).toBe(expected);
    expect(pieces).toBeGreaterThan(3);

    const chunks = [];
    const options = { stream: true as const, stream_options: { include_usage: true } };
    for await (const chunk of await client.chat.completions.create({ ...chat, ...options }))
      chunks.push(chunk);
    expect(chunks[0].choices[0].delta.role).toBe('assistant');
    expect(chunks.map(({ choices }) => choices[0]?.delta.content ?? '').join('')).toBe(expected);
    expect(chunks.at(-2)).toMatchObject({
      choices: [{ finish_reason: 'length' }],
      attensor: { inputHash: expect.anything() },
    });
    expect(chunks.at(-1)).toMatchObject({ choices: [], usage: { completion_tokens: 6 } });
  });

  it('takes parameters that change nothing', async () => {
    const given = await client.completions.create({
      ...wanted,
      ...{ temperature: 0, top_p: 1, n: 1, seed: 7, user: 'me', stop: null, logprobs: null },
    });
    expect(given.choices[0].text).toBe(expected);
  });

  it.each([
    [{ temperature: 0.7 }, 'temperature', 'invalid_value'],
    [{ top_p: 0.5 }, 'top_p', 'invalid_value'],
    [{ n: 2 }, 'n', 'invalid_value'],
    [{ stop: ['.'] }, 'stop', 'unsupported_parameter'],
    [{ tools: [] }, 'tools', 'unsupported_parameter'],
    [{ logit_bias: { 5: 100 } }, 'logit_bias', 'unsupported_parameter'],
    [{ attensor: { prove: true, now: true } }, 'attensor.now', 'unsupported_parameter'],
    [{ attensor: { attest: true } }, 'attensor.attest', 'invalid_value'],
    [{ max_tokens: 0 }, 'max_tokens', 'invalid_value'],
  ])('refuses %j by name', async (more, param, code) => {
    const asked = client.chat.completions.create({ ...chat, ...more } as typeof chat);
    await expect(asked).rejects.toMatchObject({
      status: 400,
      param,
      code,
      type: 'invalid_request_error',
    });
    await expect(asked).rejects.toThrow(param);
  });

  it('refuses another model, and a prompt beyond the model', async () => {
    await expect(client.completions.create({ ...wanted, model: 'gpt' })).rejects.toMatchObject({
      status: 404,
      code: 'model_not_found',
      param: 'model',
    });
    const long = { status: 400, code: 'context_length_exceeded' };
    const prompt = 'word '.repeat(400);
    await expect(client.completions.create({ ...wanted, prompt })).rejects.toMatchObject(long);
    await expect(
      client.completions.create({ ...wanted, max_tokens: 300, stream: true }),
    ).rejects.toMatchObject(long);
    // what is to be proved must fit the circuits
    const proved = { ...wanted, max_tokens: 16, attensor: { prove: true } };
    await expect(client.completions.create(proved)).rejects.toMatchObject(long);
  });

  it('refuses tokens that the model has not before it streams', async () => {
    const asked = { ...wanted, prompt: [600], stream: true as const };
    await expect(client.completions.create(asked)).rejects.toMatchObject({
      status: 400,
      code: 'bad_tokens',
    });
  });
});

describe('bad input', () => {
  it.each([
    ['{', 400, 'invalid_request'],
    ['[]', 400, 'invalid_value'],
    ['null', 400, 'invalid_value'],
    ['{"model":"nano"}', 400, 'invalid_value'],
    [JSON.stringify({ ...wanted, prompt: 'x'.repeat(100_000) }), 413, 'body_too_large'],
    ['{"__proto__":{"a":1},"model":"nano","prompt":"a"}', 400, 'invalid_request'],
  ])('%.30s', async (body, status, code) => {
    const response = await post('/v1/completions', body);
    expect(response.status).toBe(status);
    expect(((await response.json()) as Refused).error).toMatchObject({ code });
  });

  it('of another kind, and addresses that do not exist', async () => {
    const text = await post('/v1/completions', 'hello', { 'content-type': 'text/plain' });
    expect(text.status).toBe(415);
    expect(await text.json()).toMatchObject({ error: { code: 'unsupported_media_type' } });
    const nowhere = await fetch(`${service.url}/v1/embeddings`);
    expect(nowhere.status).toBe(404);
    expect(await nowhere.json()).toMatchObject({ error: { code: 'not_found' } });
    const malformed = await fetch(`${service.url}/%ff`);
    expect(malformed.status).toBe(400);
  });

  it('that is no HTTP, and a request that never ends', async () => {
    const { port } = new URL(service.url);
    const socket = connect(Number(port), '127.0.0.1');
    socket.write('\x16\x03\x01garbage\r\n\r\n');
    const [answered] = (await once(socket, 'data')) as [Buffer];
    expect(answered.toString()).toMatch(/^HTTP\/1.1 400/);
    socket.destroy();
    expect((await fetch(`${service.url}/healthz`)).status).toBe(200);
  });

  it('request ids come back, and those that could forge a log do not', async () => {
    const own = await post('/v1/completions', wanted, { 'x-request-id': 'my-request_1' });
    expect(own.headers.get('x-request-id')).toBe('my-request_1');
    const forged = await post('/v1/completions', wanted, { 'x-request-id': '{"level":50}' });
    expect(forged.headers.get('x-request-id')).toMatch(/^[0-9a-f-]{36}$/);
  });
});

describe('limits', () => {
  let other: TestService | undefined;
  afterEach(async () => {
    await other?.close(0);
    other = undefined;
  });
  const long = { model: 'nano', prompt: 'a', max_tokens: 250 };

  it('a client that hangs up costs nothing more', async () => {
    other = await testService(modelDir, join(folder, 'hang'), { limits: { waiting: 1 } });
    const { port } = new URL(other.url);
    const sent = request({
      port,
      method: 'POST',
      path: '/v1/completions',
      headers: { 'content-type': 'application/json' },
    });
    sent.on('error', () => undefined);
    sent.end(JSON.stringify({ ...long, stream: true }));
    const [response] = await once(sent, 'response');
    await once(response, 'data');
    sent.destroy();
    const busy = async () =>
      /^attensor_answers_busy (\d+)/m.exec(
        await (await fetch(`${other?.url}/metrics`)).text(),
      )?.[1];
    for (let i = 0; i < 100 && (await busy()) !== '0'; i++) await pause(20);
    expect(await busy()).toBe('0');
    const tokens = await (await fetch(`${other.url}/metrics`)).text();
    expect(tokens).not.toContain('attensor_tokens_total{kind="answer"}');
  });

  it('more requests than may wait are refused, and told when to come again', async () => {
    other = await testService(modelDir, join(folder, 'flood'), { limits: { waiting: 1 } });
    const { url } = other;
    const all = await Promise.all(
      Array.from({ length: 6 }, () => post('/v1/completions', long, {}, url)),
    );
    const refused = all.filter(({ status }) => status === 429);
    expect(refused.length).toBeGreaterThanOrEqual(3);
    expect(all.filter(({ status }) => status === 200).length).toBeGreaterThanOrEqual(1);
    expect(refused[0].headers.get('retry-after')).toBe('5');
    expect(await refused[0].json()).toMatchObject({ error: { code: 'too_many_requests' } });
  });

  it('an answer that takes too long is given up', async () => {
    other = await testService(modelDir, join(folder, 'slow'), { limits: { seconds: 0.05 } });
    const late = await post('/v1/completions', long, {}, other.url);
    expect(late.status).toBe(503);
    expect(await late.json()).toMatchObject({ error: { code: 'timeout', type: 'server_error' } });
  });

  it('requests of an address a minute', async () => {
    other = await testService(modelDir, join(folder, 'minute'), { limits: { perMinute: 3 } });
    const { url } = other;
    const statuses = [];
    for (let i = 0; i < 5; i++) statuses.push((await fetch(`${url}/v1/models`)).status);
    expect(statuses).toEqual([200, 200, 200, 429, 429]);
    const refused = await fetch(`${url}/v1/models`);
    expect(await refused.json()).toMatchObject({
      error: { code: 'rate_limit_exceeded', type: 'rate_limit_error' },
    });
    expect(Number(refused.headers.get('retry-after'))).toBeGreaterThan(0);
    // what watches the service is not limited
    expect((await fetch(`${url}/healthz`)).status).toBe(200);
  });

  it('a model that changes under the service is detected, and refused from then on', async () => {
    const own = await modelIn(await mkdtemp(join(folder, 'changing-')));
    other = await testService(own, join(folder, 'changed'));
    const { url } = other;
    expect((await post('/v1/completions', wanted, {}, url)).status).toBe(200);
    expect((await fetch(`${url}/readyz`)).status).toBe(200);
    await utimes(join(own, 'tokenizer.json'), new Date(), new Date());
    await pause(1050);
    const refused = await post('/v1/completions', { ...wanted, stream: true }, {}, url);
    expect(refused.status).toBe(503);
    expect(await refused.json()).toMatchObject({ error: { code: 'model_changed' } });
    const readiness = await fetch(`${url}/readyz`);
    expect(readiness.status).toBe(503);
    expect(JSON.stringify(await readiness.json())).toContain('was changed');
  });
});

describe('access', () => {
  let guarded: TestService;
  let key: string;
  let dataDir: string;
  beforeAll(async () => {
    dataDir = join(folder, 'guarded');
    const keys = await ApiKeys.open(dataDir);
    ({ key } = await keys.add({ name: 'one', use: 'answers', perMinute: 4 }));
    guarded = await testService(modelDir, dataDir, { logPrompts: false });
  });
  afterAll(() => guarded.close());
  const asked = (bearer?: string, path = '/v1/models') =>
    fetch(`${guarded.url}${path}`, {
      headers: bearer === undefined ? {} : { authorization: `Bearer ${bearer}` },
    });

  it('without a key nothing but health and the description', async () => {
    expect((await asked()).status).toBe(401);
    expect((await asked('attensor-000000000000-' + 'a'.repeat(43))).status).toBe(401);
    expect((await asked(`${key.slice(0, -1)}${key.endsWith('A') ? 'B' : 'A'}`)).status).toBe(401);
    expect((await asked(undefined, '/metrics')).status).toBe(401);
    for (const path of ['/healthz', '/readyz', '/openapi.json'])
      expect((await asked(undefined, path)).status).toBe(200);
    await expect(clientOf(guarded.url, 'wrong').models.list()).rejects.toMatchObject({
      status: 401,
      code: 'invalid_api_key',
    });
  });

  it('a key has its own limit, and does not read metrics; a key for metrics reads nothing else', async () => {
    const { data } = await clientOf(guarded.url, key).models.list();
    expect(data).toHaveLength(1);
    expect((await asked(key, '/metrics')).status).toBe(403);
    const added = await (await ApiKeys.open(dataDir)).add({ name: 'prometheus', use: 'metrics' });
    await pause(1200);
    const metrics = await asked(added.key, '/metrics');
    expect(metrics.status).toBe(200);
    expect(await metrics.text()).toContain('attensor_http_requests_total{route="/v1/models"');
    expect((await asked(added.key)).status).toBe(403);
    for (let i = 0; i < 3; i++) await asked(key);
    expect((await asked(key)).status).toBe(429);
  });

  it('a key that is revoked ends while the service runs', async () => {
    const keys = await ApiKeys.open(dataDir);
    const { key: second, id } = await keys.add({ name: 'two', use: 'answers' });
    await pause(1200);
    expect((await asked(second)).status).toBe(200);
    await keys.revoke(id);
    await pause(1200);
    expect((await asked(second)).status).toBe(401);
  });

  it('nothing secret comes into the log: no key, no prompt, no answer', async () => {
    const { key: third } = await (
      await ApiKeys.open(dataDir)
    ).add({ name: 'three', use: 'answers' });
    await pause(1200);
    const own = clientOf(guarded.url, third);
    const secret = 'xyzzy';
    const prompt = `${secret} and ${PROMPT}`;
    const given = await own.completions.create({ ...wanted, prompt });
    await own.completions.create({ ...wanted, prompt, temperature: 2 }).catch(() => undefined);
    await asked(third, `/v1/models?api_key=${third}&prompt=${secret}`);
    await post(
      '/v1/completions',
      `{"prompt": "${secret}`,
      { authorization: `Bearer ${third}` },
      guarded.url,
    );
    const log = guarded.log();
    expect(log).toContain('"route":"/v1/completions"');
    for (const each of [secret, third, third.slice(-43), given.choices[0].text.trim()])
      expect(log).not.toContain(each);
  });

  it('prompts come into the log where the owner wants it', async () => {
    const open = await testService(modelDir, join(folder, 'logged'), { logPrompts: true });
    try {
      await clientOf(open.url).completions.create(wanted);
      expect(open.log()).toContain(PROMPT);
      expect(open.log()).toContain(JSON.stringify(expected).slice(1, -1));
    } finally {
      await open.close();
    }
  });

  it('without any key, only for whoever calls it localhost', async () => {
    const { port } = new URL(service.url);
    const sent = request({ port, path: '/v1/models', headers: { host: 'evil.example' } });
    sent.end();
    const [response] = (await once(sent, 'response')) as [{ statusCode: number }];
    expect(response.statusCode).toBe(403);
    const everywhere = testService(modelDir, join(folder, 'open'), { host: '0.0.0.0' });
    await expect(everywhere).rejects.toMatchObject({ code: 'USAGE' });
  });

  it('two services cannot have one folder', async () => {
    await expect(testService(modelDir, dataDir)).rejects.toMatchObject({ code: 'DATA_DIR_IN_USE' });
  });

  it('a taken port is an error', async () => {
    const port = Number(new URL(service.url).port);
    const second = testService(modelDir, join(folder, 'port'), { port });
    await expect(second).rejects.toMatchObject({ code: 'PORT_IN_USE' });
  });

  it('a damaged file of keys leaves the keys as they were, and says so', async () => {
    await writeFile(join(dataDir, 'keys.json'), '{');
    await pause(1200);
    expect((await asked('nothing')).status).toBe(401);
    expect(guarded.log()).toContain('the API keys stay as they were');
  });
});

describe('the description', () => {
  it('has every address with its schemas', async () => {
    const described = (await (await fetch(`${service.url}/openapi.json`)).json()) as {
      openapi: string;
      paths: Record<string, Record<string, { requestBody?: object }>>;
      components: {
        schemas: Record<string, { properties?: object; additionalProperties?: boolean }>;
      };
    };
    expect(described.openapi).toBe('3.1.0');
    expect(Object.keys(described.paths).sort()).toEqual([
      '/healthz',
      '/metrics',
      '/readyz',
      '/v1/chat/completions',
      '/v1/completions',
      '/v1/models',
      '/v1/models/{model}',
      '/v1/proofs',
      '/v1/proofs/{id}',
      '/v1/proofs/{id}/cancel',
      '/v1/proofs/{id}/events',
      '/v1/proofs/{id}/file',
    ]);
    expect(described.paths['/v1/completions'].post.requestBody).toBeDefined();
    const names = Object.keys(described.components.schemas);
    expect(names).toEqual(expect.arrayContaining(['ChatCompletion', 'Proof']));
    expect(JSON.stringify(described)).toContain('prove the answer, after it was given');
  });
});

describe('shutting down', () => {
  it('lets a running answer end, and takes no more', async () => {
    const other = await testService(modelDir, join(folder, 'down'));
    const stream = await clientOf(other.url).completions.create({
      ...wanted,
      max_tokens: 100,
      stream: true,
    });
    const pieces: string[] = [];
    let closed: Promise<void> | undefined;
    let last: string | null = null;
    for await (const chunk of stream) {
      closed ??= other.close();
      pieces.push(chunk.choices[0].text);
      last = chunk.choices[0].finish_reason ?? null;
    }
    await closed;
    expect(last).toMatch(/length|stop/);
    expect(pieces.length).toBeGreaterThan(10);
    await expect(fetch(`${other.url}/healthz`)).rejects.toThrow();
  });
});
