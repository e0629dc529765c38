/**
 * Proofs from acceptance to file. They are made one after the other, in the order of acceptance; what was accepted is finished, if
 * not by this process then by one after it.
 */
import { AttensorError, errorJson } from '@attensor/core';
import { PRIVATE_FILE, writeAtomic } from '@attensor/core/files';
import type { CommitmentFile, RevealedText } from '@attensor/prover';
import { createHash, randomUUID } from 'node:crypto';
import { EventEmitter } from 'node:events';
import { mkdir, readFile, rm } from 'node:fs/promises';
import { join } from 'node:path';
import { RequestError } from '../http/errors.js';
import type { Metrics } from '../metrics.js';
import { type ProofRunner, RunnerLost } from '../proving/runner.js';
import { isOver, type Job, type ProofView } from './job.js';
import { Journal } from './journal.js';
import { secondsLeft, type StepNow } from './time-left.js';

export interface ProofLimits {
  /** unfinished proofs, of all clients and of one */
  unfinished: number;
  unfinishedOfClient: number;
  /** that a finished proof is kept */
  days: number;
}

export interface ProofsOptions {
  dataDir: string;
  runner: ProofRunner;
  commitment: CommitmentFile;
  limits: ProofLimits;
  /** Whether attestations can be asked for. */
  attests: boolean;
  metrics: Metrics;
  /** Throws when the model is no longer the committed one. */
  check: () => Promise<void>;
  log: (what: string, details: object) => void;
}

export interface Acceptance {
  client: string | undefined;
  idempotency: { key: string; fingerprint: string } | undefined;
  promptIds: number[];
  outputIds: number[];
  inputHash: string;
  outputHash: string;
  attest: boolean;
  text?: { prompt: string; output: string };
}

/** Processes that one proof may cost: it may be what they ended of. */
const MAX_LOSSES = 3;
/** Until work is tried again that failed for a reason that may pass. */
const PAUSE_MS = 10_000;
const DAY_MS = 24 * 3600 * 1000;

export class Proofs {
  /** `change` with the id of a job that is another one now. */
  readonly events = new EventEmitter().setMaxListeners(0);
  private readonly jobs = new Map<string, Job>();
  private readonly accepting = new Map<string, Promise<Job>>();
  private now: { id: string; step?: StepNow } | undefined;
  private work: Promise<void> | undefined;
  private timer: NodeJS.Timeout | undefined;
  private closed = false;

  private constructor(
    private readonly options: ProofsOptions,
    private readonly journal: Journal,
  ) {}

  /** Takes up what an earlier process had accepted. @throws BAD_FILE for a damaged journal */
  static async open(options: ProofsOptions): Promise<Proofs> {
    const { dataDir, commitment } = options;
    const journal = await Journal.open(join(dataDir, 'jobs'));
    await mkdir(join(dataDir, 'proofs'), { recursive: true, mode: 0o700 });
    const proofs = new Proofs(options, journal);
    for (const job of await journal.read()) {
      const found = job.state === 'proving' ? { ...job, state: 'queued' as const } : job;
      proofs.jobs.set(job.id, found);
      if (isOver(found) || found.modelRoot === commitment.modelRoot) continue;
      const error = new AttensorError({
        code: 'MODEL_CHANGED',
        what: 'the answer was given by another model than the one that is served now',
      });
      await proofs.fail(found, error);
    }
    await proofs.prune();
    proofs.pump();
    return proofs;
  }

  get commitment(): CommitmentFile {
    return this.options.commitment;
  }

  get attests(): boolean {
    return this.options.attests;
  }

  get notReady(): string | undefined {
    return this.options.runner.notReady;
  }

  get unfinished(): number {
    return this.waiting().length;
  }

  /** @throws RequestError when nothing more is accepted */
  requireRoom(client: string | undefined): void {
    const { unfinished, unfinishedOfClient } = this.options.limits;
    const waiting = this.waiting();
    const own = waiting.filter((job) => job.client === client).length;
    const full = waiting.length >= unfinished;
    if (!full && (client === undefined || own < unfinishedOfClient)) return;
    throw new RequestError({
      status: 429,
      code: 'too_many_proofs',
      message: full
        ? `The service has ${waiting.length} unfinished proofs and takes no more`
        : `This API key has ${own} unfinished proofs and gets no more`,
      retryAfter: 60,
    });
  }

  /**
   * Returns when the proof would be made even if this process ended at once. A repeated request, by its idempotency key, gets the
   * proof of the first one.
   *
   * @throws RequestError, AttensorError WRITE_FAILED
   */
  async accept(asked: Acceptance): Promise<Job> {
    const { client = '', idempotency } = asked;
    if (idempotency === undefined) return await this.acceptNew(asked);
    const key = createHash('sha256').update(`${client}\n${idempotency.key}`).digest('hex');
    const known =
      this.accepting.get(key) ??
      [...this.jobs.values()].find((job) => job.idempotency?.key === key);
    if (known !== undefined) return repeated(await known, idempotency.fingerprint);
    const { fingerprint } = idempotency;
    const accepting = this.acceptNew({ ...asked, idempotency: { key, fingerprint } });
    this.accepting.set(key, accepting);
    try {
      return await accepting;
    } finally {
      this.accepting.delete(key);
    }
  }

  private async acceptNew(asked: Acceptance): Promise<Job> {
    const { promptIds, outputIds, text, ...rest } = asked;
    this.requireRoom(asked.client);
    const numbers = [...this.jobs.values()].map(({ number }) => number);
    const revealed: RevealedText | undefined = text && { ...text, promptIds, outputIds };
    const job: Job = {
      format: 'attensor-job',
      version: 1,
      id: randomUUID(),
      number: Math.max(-1, ...numbers) + 1,
      accepted: new Date().toISOString(),
      ...rest,
      modelRoot: this.commitment.modelRoot,
      state: 'queued',
      task: { promptIds, outputIds, ...(revealed && { text: revealed }) },
      losses: 0,
    };
    // counts for the limits while it is written
    this.jobs.set(job.id, job);
    try {
      await this.journal.save(job);
    } catch (error) {
      this.jobs.delete(job.id);
      throw error;
    }
    this.options.log('proof accepted', { proof: job.id, key: job.client });
    this.tell(job);
    this.pump();
    return job;
  }

  /** @param client whose proofs; all where the service has no keys. The newest come first. */
  list(client: string | undefined, limit: number, after?: string): Job[] {
    const own = [...this.jobs.values()]
      .filter((job) => job.client === client)
      .sort((a, b) => b.number - a.number);
    const from = after === undefined ? 0 : own.findIndex(({ id }) => id === after) + 1;
    return own.slice(from, from + limit);
  }

  /** @throws RequestError for one that does not exist, or is somebody else's */
  get(id: string, client: string | undefined): Job {
    const job = this.jobs.get(id);
    if (job !== undefined && job.client === client) return job;
    throw new RequestError({
      status: 404,
      code: 'proof_not_found',
      param: 'id',
      message: 'There is no such proof',
    });
  }

  view(job: Job): ProofView {
    const { steps } = this.options.runner;
    const price = steps?.reduce((sum, { seconds }) => sum + seconds, 0);
    const { modelRoot, inputHash, outputHash } = job;
    const step = this.now?.id === job.id ? this.now.step : undefined;
    return {
      id: job.id,
      object: 'proof',
      created: Math.floor(Date.parse(job.accepted) / 1000),
      state: job.state,
      step: job.state === 'proving' ? (step?.step ?? null) : null,
      seconds: {
        price: price ?? null,
        left: isOver(job) ? 0 : (this.leftOf(job) ?? null),
        taken: job.seconds ?? null,
      },
      statement: { modelRoot, inputHash, outputHash },
      attest: job.attest,
      error: job.error ?? null,
    };
  }

  /** Those before it count too. */
  private leftOf(job: Job): number | undefined {
    const { steps } = this.options.runner;
    if (steps === undefined) return undefined;
    const until = this.waiting().filter(({ number }) => number <= job.number);
    const each = until.map(({ id }) =>
      secondsLeft(steps, this.now?.id === id ? this.now.step : undefined, performance.now()),
    );
    return Math.ceil(each.reduce((a, b) => a + b, 0));
  }

  /** The proof file of a proved job. @throws RequestError unless it is there */
  async file(job: Job): Promise<string> {
    if (job.state === 'proved') return await readFile(this.fileOf(job.id), 'utf8');
    throw new RequestError({
      status: 409,
      code: 'not_proved',
      message: `The proof is ${job.state}, so there is no file`,
    });
  }

  fileOf(id: string): string {
    return join(this.options.dataDir, 'proofs', `${id}.json`);
  }

  /** @throws RequestError when it is over already */
  async cancel(job: Job): Promise<Job> {
    if (isOver(job))
      throw new RequestError({
        status: 409,
        code: 'proof_is_over',
        message: `The proof is ${job.state} and cannot be cancelled`,
      });
    const cancelled = await this.finish(job, { state: 'cancelled' });
    if (this.now?.id === job.id) this.options.runner.cancel(job.id);
    else await this.options.runner.forget(job.id);
    return cancelled;
  }

  /** Starts nothing more. What is unfinished stays in the journal. */
  async close(): Promise<void> {
    this.closed = true;
    clearTimeout(this.timer);
    this.events.emit('closed');
    await this.options.runner.close();
    await this.work;
    await this.journal.idle();
  }

  private waiting(): Job[] {
    return [...this.jobs.values()].filter((job) => !isOver(job));
  }

  private pump(): void {
    if (this.closed || this.work !== undefined) return;
    const next = this.waiting()
      .filter(({ state }) => state === 'queued')
      .sort((a, b) => a.number - b.number)
      .at(0);
    if (next === undefined) return;
    this.now = { id: next.id };
    this.work = this.prove(next).then(
      () => this.pumpAgain(0),
      (error: unknown) => {
        this.options.log('a proof waits', { proof: next.id, error: errorJson(error) });
        this.pumpAgain(PAUSE_MS);
      },
    );
  }

  private pumpAgain(after: number): void {
    this.work = undefined;
    this.now = undefined;
    if (this.closed) return;
    clearTimeout(this.timer);
    this.timer = setTimeout(() => this.pump(), after);
  }

  /** @throws what may pass: the job is still queued then */
  private async prove(queued: Job): Promise<void> {
    const { runner, check, log, metrics } = this.options;
    await check();
    if (this.closed || this.stateOf(queued.id) !== 'queued') return;
    const { id, task } = queued;
    if (task === undefined) return void (await this.fail(queued, Error('the task is gone')));
    const job = await this.change(queued, { state: 'proving' });
    if (this.closed) return;
    const start = performance.now();
    try {
      const file = await runner.start({ id, ...task }, (step) => {
        this.now = { id, step: { step, since: performance.now() } };
        this.tell(job);
      });
      if (this.stateOf(id) === 'cancelled') return;
      const { inputHash, outputHash, modelRoot } = file.statement;
      const same =
        inputHash === job.inputHash && outputHash === job.outputHash && modelRoot === job.modelRoot;
      if (!same) throw Error('the proof is about another answer than the one that was given');
      await writeAtomic(this.fileOf(id), `${JSON.stringify(file)}\n`, PRIVATE_FILE);
      const seconds = (performance.now() - start) / 1000;
      metrics.proofSeconds.observe(seconds);
      await this.finish(job, { state: 'proved', seconds });
      await runner.forget(id);
      log('proved', { proof: id, seconds });
    } catch (error) {
      if (this.closed) return; // it goes on in the next process
      if (this.stateOf(id) === 'cancelled') return await runner.forget(id);
      if (error instanceof RunnerLost && job.losses + 1 < MAX_LOSSES)
        return void (await this.change(job, { state: 'queued', losses: job.losses + 1 }));
      if (error instanceof AttensorError && error.code === 'WRITE_FAILED') {
        this.jobs.set(id, { ...job, state: 'queued' });
        throw error;
      }
      await this.fail(job, error);
      await runner.forget(id);
    }
  }

  private stateOf(id: string): Job['state'] | undefined {
    return this.jobs.get(id)?.state;
  }

  private async fail(job: Job, error: unknown): Promise<Job> {
    this.options.log('not proved', { proof: job.id, error: errorJson(error) });
    return await this.finish(job, { state: 'failed', error: errorJson(error) });
  }

  private async finish(job: Job, change: Partial<Job>): Promise<Job> {
    const finished = new Date().toISOString();
    return await this.change(job, { ...change, finished, task: undefined });
  }

  private async change(job: Job, change: Partial<Job>): Promise<Job> {
    const changed = { ...job, ...change };
    this.jobs.set(job.id, changed);
    await this.journal.save(changed);
    if (changed.state !== 'queued') this.options.metrics.proofs.inc({ state: changed.state });
    this.tell(changed);
    return changed;
  }

  private tell({ id }: Job): void {
    this.events.emit('change', id);
  }

  /** Forgets what was finished long ago. */
  private async prune(): Promise<void> {
    const before = Date.now() - this.options.limits.days * DAY_MS;
    for (const { id, finished } of this.jobs.values()) {
      if (finished === undefined || Date.parse(finished) >= before) continue;
      await rm(this.fileOf(id), { force: true });
      await this.journal.remove(id);
      this.jobs.delete(id);
    }
  }
}

function repeated(job: Job, fingerprint: string): Job {
  if (job.idempotency?.fingerprint === fingerprint) return job;
  throw new RequestError({
    status: 422,
    code: 'idempotency_key_reused',
    param: 'idempotency-key',
    message: 'The idempotency key came with another request before',
  });
}
