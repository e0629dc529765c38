/** The service worker (`public/service-worker.js`) with a host, a store and a browser that it is shown. */
import { beforeEach, expect, test } from '@jest/globals';
import { createHash } from 'node:crypto';
import { readFileSync } from 'node:fs';
import { runInNewContext } from 'node:vm';

const SOURCE = readFileSync(new URL('../../public/service-worker.js', import.meta.url), 'utf8');
const SCOPE = 'https://host.example/page/';
const ENGINE = `${SCOPE}assets/engine-1.js`;
const GOOD = 'the engine';
const POLICY = "default-src 'none'";

type Handler = (event: object) => void;

/** Files of the host, by URL: answers one after another, the last one for ever. */
let host: Map<string, (string | { status: number })[]>;
let asked: { url: string; cache?: string }[];
let stores: Map<string, Map<string, Response>>;
let full: boolean;

beforeEach(() => {
  host = new Map([[ENGINE, [GOOD]]]);
  asked = [];
  stores = new Map();
  full = false;
});

/** As `caches` and its stores, by URL. */
const caches = {
  delete: (name: string) => Promise.resolve(stores.delete(name)),
  open: (name: string) => {
    const entries = stores.get(name) ?? new Map<string, Response>();
    stores.set(name, entries);
    return Promise.resolve({
      match: ({ url }: Request) => Promise.resolve(entries.get(url)?.clone()),
      put: ({ url }: Request, response: Response) => {
        if (full) return Promise.reject(new Error('QuotaExceededError'));
        entries.set(url, response);
        return Promise.resolve();
      },
      delete: ({ url }: Request) => Promise.resolve(entries.delete(url)),
      keys: () => Promise.resolve([...entries.keys()].map((url) => new Request(url))),
    });
  },
};

function fetchFake({ url }: Request, options?: { cache?: string }): Promise<Response> {
  asked.push({ url, ...options });
  const answers = host.get(url) ?? [{ status: 404 }];
  const answer = answers.length > 1 ? answers.shift() : answers[0];
  return Promise.resolve(
    typeof answer === 'string'
      ? new Response(answer, { headers: { 'content-type': 'text/javascript' } })
      : new Response('<html>', { status: answer?.status }),
  );
}

function start(): Map<string, Handler> {
  const handlers = new Map<string, Handler>();
  const digest = createHash('sha256').update(GOOD).digest('hex');
  const self: Record<string, unknown> = {
    registration: { scope: SCOPE },
    location: new URL(`${SCOPE}service-worker.js`),
    addEventListener: (name: string, handler: Handler) => handlers.set(name, handler),
    skipWaiting: () => undefined,
    clients: { claim: () => Promise.resolve() },
  };
  const importScripts = (...names: string[]): void => {
    expect(names).toEqual(['./policy.js', './asset-hashes.js']);
    self.ATTENSOR_POLICY = POLICY;
    self.ATTENSOR_ASSETS = { 'assets/engine-1.js': digest };
  };
  runInNewContext(SOURCE, {
    ...{ self, importScripts, caches, fetch: fetchFake, crypto },
    ...{ URL, Response, Headers, Request, Uint8Array },
  });
  return handlers;
}

/** @returns undefined if the worker leaves the request to the browser */
async function get(url: string, method = 'GET'): Promise<Response | undefined> {
  let answer: Promise<Response> | undefined;
  start().get('fetch')?.({
    request: new Request(url, { method }),
    respondWith: (response: Promise<Response>) => (answer = response),
  });
  return await answer;
}

async function activate(): Promise<void> {
  let done: Promise<unknown> | undefined;
  start().get('activate')?.({ waitUntil: (work: Promise<unknown>) => (done = work) });
  await done;
}

const store = () => stores.get(`attensor-assets-2 ${SCOPE}`);

test('an asset is kept, and comes from the store the next time', async () => {
  for (let i = 0; i < 2; i++) expect(await (await get(ENGINE))?.text()).toBe(GOOD);
  expect(asked).toHaveLength(1);
});

test('a damaged one in the store is fetched again and replaced', async () => {
  await get(ENGINE);
  store()?.set(ENGINE, new Response('the englne'));
  expect(await (await get(ENGINE))?.text()).toBe(GOOD);
  expect(await store()?.get(ENGINE)?.clone().text()).toBe(GOOD);
  expect(asked).toHaveLength(2);
});

test('a wrong one of the host is asked for past all caches, and never used or kept', async () => {
  host.set(ENGINE, ['truncat', GOOD]);
  expect(await (await get(ENGINE))?.text()).toBe(GOOD);
  expect(asked.map(({ cache }) => cache)).toEqual([undefined, 'reload']);
  store()?.clear();
  host.set(ENGINE, ['something else']);
  expect((await get(ENGINE))?.status).toBe(502);
  expect(store()?.size).toBe(0);
});

test('what the build does not list is passed on, and not kept', async () => {
  const page = `${SCOPE}index.html`;
  const other = `${SCOPE}assets/engine-0.js`;
  const odd = `${SCOPE}constructor`;
  for (const url of [page, other, odd]) {
    host.set(url, [`the file ${url}`]);
    expect(await (await get(url))?.text()).toBe(`the file ${url}`);
  }
  expect(asked.map(({ url }) => url)).toEqual([page, other, odd]);
  expect(store()?.size ?? 0).toBe(0);
  host.set(ENGINE, [{ status: 404 }]);
  expect((await get(ENGINE))?.status).toBe(404);
});

test('other origins and other methods are left to the browser', async () => {
  expect(await get('https://node.example/graphql')).toBeUndefined();
  expect(await get(ENGINE, 'POST')).toBeUndefined();
});

test('every answer carries the policy and the headers for shared memory', async () => {
  for (const url of [ENGINE, ENGINE, `${SCOPE}missing`]) {
    const headers = Object.fromEntries((await get(url))?.headers ?? []);
    expect(headers).toMatchObject({
      'content-security-policy': POLICY,
      'cross-origin-opener-policy': 'same-origin',
      'cross-origin-embedder-policy': 'require-corp',
      'x-content-type-options': 'nosniff',
    });
  }
});

test('a new build removes what it does not list, and stores of old versions; not those of other pages', async () => {
  await get(ENGINE);
  store()?.set(`${SCOPE}assets/engine-0.js`, new Response('old'));
  stores.set('attensor-assets-1', new Map());
  stores.set('attensor-assets-2 https://host.example/other/', new Map());
  await activate();
  expect([...(store()?.keys() ?? [])]).toEqual([ENGINE]);
  expect([...stores.keys()]).toEqual([
    `attensor-assets-2 ${SCOPE}`,
    'attensor-assets-2 https://host.example/other/',
  ]);
});

test('a full disk hinders nothing', async () => {
  full = true;
  expect(await (await get(ENGINE))?.text()).toBe(GOOD);
});
