/** The worker's entry: small, so that it answers at once; the verifier comes with `engine.ts`. */
import { expose } from 'comlink';
import { AttensorError } from '@attensor/core';
import { errorView } from '../errors.js';
import type { CheckerApi, Outcome, Report } from './api.js';

type Engine = typeof import('./engine.js');

let engine: Promise<Engine> | undefined;

function load(report: Report): Promise<Engine> {
  engine ??= start(report);
  engine.catch(() => (engine = undefined));
  return engine;
}

async function start(report: Report): Promise<Engine> {
  if (!globalThis.crossOriginIsolated) {
    throw new AttensorError({
      code: 'UNSUPPORTED_BROWSER',
      what: 'this browser does not give the page the shared memory that the verifier needs',
      expected: 'cross-origin isolation',
      hint: 'Use a current browser and no private window. A site must be served over https (see ui/README.md)',
    });
  }
  report('loading');
  let loaded: Engine;
  try {
    loaded = await import('./engine.js');
  } catch (cause) {
    throw new AttensorError({
      code: 'LOADING_FAILED',
      what: 'the verifier cannot be loaded',
      got: cause instanceof Error ? cause.message : String(cause),
      hint: 'Check the connection and try again',
      cause,
    });
  }
  report('starting');
  await loaded.initialize();
  return loaded;
}

let last: Promise<unknown> = Promise.resolve();

/** One question after another: o1js does not stand two at once. */
function outcome<T>(work: () => Promise<T>): Promise<Outcome<T>> {
  const answer = last.then(async (): Promise<Outcome<T>> => {
    try {
      return { ok: true, value: await work() };
    } catch (error) {
      return { ok: false, error: errorView(error) };
    }
  });
  last = answer;
  return answer;
}

const api: CheckerApi = {
  hold: (lock) =>
    new Promise((resolve, reject) => {
      navigator.locks
        .request(lock, () => {
          resolve();
          // never given back
          return new Promise(() => undefined);
        })
        .catch(reject);
    }),
  readChain: (source) => outcome(async () => (await load(ignore)).readChain(source)),
  check: (request, source, report) =>
    outcome(async () => {
      const begin = performance.now();
      const { check } = await load(report);
      return await check(request, source, report, begin);
    }),
  buildSubmission: (request, report) =>
    outcome(async () => (await load(report)).buildSubmission(request, report)),
};

function ignore(): void {}

expose(api);
