/**
 * Proofs in a process of their own: proving blocks a thread of JavaScript for many seconds, and answers go on meanwhile. A process
 * that ends is started again, and finds what it had finished of a proof.
 */
import { AttensorError, type ErrorJson } from '@attensor/core';
import type { ProofFile } from '@attensor/prover';
import { type ChildProcess, fork } from 'node:child_process';
import { rm } from 'node:fs/promises';
import { setPriority } from 'node:os';
import { join } from 'node:path';
import { fileURLToPath } from 'node:url';
import type { FromProver, ProverSettings, ToProver } from './messages.js';
import { type PlannedStep, type ProofRunner, type ProofTask, RunnerLost } from './runner.js';

const SCRIPT = fileURLToPath(new URL('./prover-process.js', import.meta.url));
/** Answers come first. */
const NICE = 10;
/** Until an ended process is started again: the first time, and at most. */
const FIRST_DELAY_MS = 1000;
const MAX_DELAY_MS = 60_000;

interface Running {
  task: ProofTask;
  onStep: (step: string) => void;
  resolve: (file: ProofFile) => void;
  reject: (error: Error) => void;
}

export interface ProcessRunnerOptions {
  settings: ProverSettings;
  /** Told when the process loads its keys, is ready, or ends. */
  log: (what: string, details: object) => void;
  /** Another one, for tests. */
  script?: string;
}

export class ProcessRunner implements ProofRunner {
  steps: readonly PlannedStep[] | undefined;
  notReady: string | undefined = 'keys are loaded, or compiled';
  private child: ChildProcess | undefined;
  private readonly running = new Map<string, Running>();
  private restart: NodeJS.Timeout | undefined;
  private delay = FIRST_DELAY_MS;
  /** Why the last process could not load its keys. */
  private failure: string | undefined;
  private closed = false;

  constructor(private readonly options: ProcessRunnerOptions) {
    this.launch();
  }

  get pid(): number | undefined {
    return this.child?.pid;
  }

  start(task: ProofTask, onStep: (step: string) => void): Promise<ProofFile> {
    return new Promise((resolve, reject) => {
      this.running.set(task.id, { task, onStep, resolve, reject });
      // a process that is not there gets it when it is started
      this.tell({ call: 'prove', task });
    });
  }

  cancel(id: string): void {
    this.tell({ call: 'cancel', id });
  }

  async forget(id: string): Promise<void> {
    await rm(join(this.options.settings.stepsDir, id), { recursive: true, force: true });
  }

  async close(): Promise<void> {
    this.closed = true;
    clearTimeout(this.restart);
    const { child } = this;
    if (child === undefined) return;
    await new Promise<void>((resolve) => {
      child.once('exit', () => resolve());
      child.kill('SIGKILL');
    });
  }

  private launch(): void {
    const { settings, log, script = SCRIPT } = this.options;
    log('keys are loaded', {});
    // its stdout would spoil that of the command
    const child = fork(script, [JSON.stringify(settings)], { stdio: ['ignore', 2, 2, 'ipc'] });
    this.child = child;
    if (child.pid !== undefined) setPriority(child.pid, NICE);
    child.on('message', (message: FromProver) => this.hear(message));
    let over = false;
    const ended = (got: string) => {
      if (over) return;
      over = true;
      this.child = undefined;
      this.ended(got);
    };
    child.once('error', (error) => ended(error.message));
    child.once('exit', (code, signal) => ended(signal ?? `exit code ${code}`));
    for (const { task } of this.running.values()) this.tell({ call: 'prove', task });
  }

  private ended(got: string): void {
    const lost = [...this.running.values()];
    this.running.clear();
    for (const { reject } of lost) reject(new RunnerLost(got));
    if (this.closed) return;
    this.notReady = this.failure ?? `the process that proves ended (${got})`;
    this.options.log('the process that proves ended', { got, again: this.delay / 1000 });
    this.restart = setTimeout(() => this.launch(), this.delay);
    this.delay = Math.min(MAX_DELAY_MS, 2 * this.delay);
  }

  private tell(message: ToProver): void {
    // what it cannot be told any more it is told again when it is started again
    if (this.child?.connected) this.child.send(message, () => undefined);
  }

  private hear(message: FromProver): void {
    switch (message.event) {
      case 'planned':
        this.steps = message.steps;
        return;
      case 'ready':
        this.notReady = undefined;
        this.failure = undefined;
        this.delay = FIRST_DELAY_MS;
        this.options.log('keys are there', {});
        return;
      case 'failed':
        this.failure = message.error.what;
        this.notReady = this.failure;
        this.options.log('keys cannot be loaded', { error: message.error });
        return;
      case 'step':
        this.running.get(message.id)?.onStep(message.step);
        return;
      case 'proved':
        this.take(message.id)?.resolve(message.file);
        return;
      case 'unproved':
        this.take(message.id)?.reject(errorOf(message.error));
    }
  }

  private take(id: string): Running | undefined {
    const found = this.running.get(id);
    this.running.delete(id);
    return found;
  }
}

/** What is not one of our errors keeps its message. */
const errorOf = (error: ErrorJson): AttensorError => AttensorError.fromJSON(error);
