/** A service: one model's answers and proofs over HTTP, from its folder until it is told to stop. */
import { AttensorError, errorJson } from '@attensor/core';
import { lock } from '@attensor/core/lock';
import { readFileSync } from 'node:fs';
import { mkdir } from 'node:fs/promises';
import type { AddressInfo } from 'node:net';
import { basename, join, resolve } from 'node:path';
import { pino } from 'pino';
import { type AnswerLimits, Answers } from './answers.js';
import { ApiKeys } from './api-keys.js';
import { type HttpLimits, makeApp } from './http/app.js';
import { completionRoutes } from './http/completions.js';
import { operationRoutes } from './http/operations.js';
import { proofRoutes } from './http/proofs.js';
import { type ProofLimits, Proofs } from './jobs/proofs.js';
import { Metrics } from './metrics.js';
import { ModelGuard } from './model-guard.js';
import { ProcessRunner } from './proving/process-runner.js';
import type { ProofRunner } from './proving/runner.js';

export interface ServiceOptions {
  modelDir: string;
  /** API keys, journal, proofs and steps of unfinished ones: private. */
  dataDir: string;
  host: string;
  /** 0 lets the system choose */
  port: number;
  /** What clients call the model; the name of its folder if absent. */
  name?: string;
  /** Where proving keys are kept. */
  cacheDir?: string;
  /** Whether proofs are made; the model must be committed then. */
  proofs: boolean;
  logPrompts: boolean;
  limits: AnswerLimits & HttpLimits & ProofLimits;
  /** Gets the log, a JSON object a line. */
  logTo: { write(line: string): void };
  /** For tests: what proves, in place of a process. */
  runner?: ProofRunner;
}

export interface Service {
  url: string;
  /** Whether it asks for API keys. */
  keys: number;
  /** Lets running answers end, for so long; unfinished proofs stay in the journal. */
  close(graceMs?: number): Promise<void>;
}

const GRACE_MS = 10_000;
const REFRESH_KEYS_MS = 1000;
const IDLE_MS = 50;
const LOOPBACK = ['127.0.0.1', '::1', 'localhost'];

/** @throws NOT_FOUND, BAD_MODEL, BAD_FILE, UNSUPPORTED_CONFIG, DATA_DIR_IN_USE, PORT_IN_USE, USAGE without keys on an address that others reach */
export async function startService(options: ServiceOptions): Promise<Service> {
  const { modelDir, dataDir, host, limits } = options;
  await mkdir(dataDir, { recursive: true, mode: 0o700 });
  const release = await lock(join(dataDir, 'lock'), 'service');
  const closing: (() => Promise<void>)[] = [release];
  const closeAll = async () => {
    for (const close of closing.splice(0).reverse()) await close();
  };
  try {
    const keys = await ApiKeys.open(dataDir);
    requireKeys(keys, host);
    const logger = pino({ base: undefined }, options.logTo);
    // before the model is read: what is read later is compared with it
    const guard = await ModelGuard.open(resolve(modelDir));
    const answers = await Answers.open(modelDir, limits);
    const metrics: Metrics = new Metrics({
      answers: () => answers.busy,
      proofs: () => proofs?.unfinished ?? 0,
    });
    const proofs: Proofs | undefined = options.proofs
      ? await openProofs(options, metrics, guard, (what, details) => logger.info(details, what))
      : undefined;
    if (proofs !== undefined) closing.push(() => proofs.close());

    const app = await makeApp({ keys, metrics, limits, logger, version: version() });
    const modelId = options.name ?? basename(resolve(modelDir));
    completionRoutes(app, {
      answers,
      guard,
      proofs,
      modelId,
      metrics,
      logPrompts: options.logPrompts,
    });
    if (proofs !== undefined) proofRoutes(app, proofs);
    operationRoutes(app, {
      metrics,
      reasons: async () => [
        ...(await guard.check().then(
          () => [],
          (error: unknown) => [errorJson(error).what],
        )),
        ...(proofs?.notReady === undefined ? [] : [proofs.notReady]),
      ],
    });
    const refresh = setInterval(() => {
      keys.refresh().catch((error: unknown) => {
        logger.error({ error: errorJson(error) }, 'the API keys stay as they were');
      });
    }, REFRESH_KEYS_MS);
    closing.push(async () => clearInterval(refresh));
    await app.listen({ host, port: options.port }).catch((error: NodeJS.ErrnoException) => {
      throw listening(error, host, options.port);
    });
    const { port } = app.server.address() as AddressInfo;
    const url = `http://${host.includes(':') ? `[${host}]` : host}:${port}`;
    logger.info({ url, model: modelId, keys: keys.list.length }, 'listening');
    return {
      url,
      keys: keys.list.length,
      close: async (graceMs = GRACE_MS) => {
        const late = setTimeout(() => app.server.closeAllConnections(), graceMs);
        // streams of events end, and answers go on to their end
        proofs?.events.emit('closed');
        // those whose answer has just ended
        const idle = setInterval(() => app.server.closeIdleConnections(), IDLE_MS);
        await app.close();
        clearInterval(idle);
        clearTimeout(late);
        await closeAll();
      },
    };
  } catch (error) {
    await closeAll();
    throw error;
  }
}

async function openProofs(
  options: ServiceOptions,
  metrics: Metrics,
  guard: ModelGuard,
  log: (what: string, details: object) => void,
): Promise<Proofs> {
  const { COMMITMENT_FILE, readCommitment } = await import('@attensor/prover');
  const { cacheDir, dataDir, limits } = options;
  const modelDir = resolve(options.modelDir);
  const path = join(modelDir, COMMITMENT_FILE);
  const commitment = await readCommitment(path);
  if (commitment.batch !== undefined)
    throw new AttensorError({
      code: 'UNSUPPORTED_CONFIG',
      what: 'the model is committed for batches, and the service proves one request at a time',
      where: path,
      expected: 'one request in a proof',
      got: String(commitment.batch),
      hint: 'Commit the model without --batch, or serve it with --answers-only',
    });
  const settings = { modelDir, cacheDir, stepsDir: join(dataDir, 'steps') };
  const runner = options.runner ?? new ProcessRunner({ settings, log });
  try {
    return await Proofs.open({
      dataDir,
      runner,
      commitment,
      limits,
      attests: false,
      metrics,
      check: () => guard.check(),
      log,
    });
  } catch (error) {
    await runner.close();
    throw error;
  }
}

function requireKeys(keys: ApiKeys, host: string): void {
  if (keys.list.length > 0 || LOOPBACK.includes(host)) return;
  throw new AttensorError({
    code: 'USAGE',
    what: 'others can reach this address, and the service has no API keys',
    where: `--host ${host}`,
    hint: 'Make a key first: attensor serve keys add <name>',
  });
}

function listening(error: NodeJS.ErrnoException, host: string, port: number): AttensorError {
  const taken = error.code === 'EADDRINUSE';
  return new AttensorError({
    code: taken ? 'PORT_IN_USE' : 'BAD_ARGUMENT',
    what: taken ? 'another program listens on this port' : 'the service cannot listen there',
    where: `${host}, port ${port}`,
    got: error.code,
    hint: 'Choose another one with --host and --port',
    cause: error,
  });
}

function version(): string {
  const file = readFileSync(new URL('../package.json', import.meta.url), 'utf8');
  return (JSON.parse(file) as { version: string }).version;
}
