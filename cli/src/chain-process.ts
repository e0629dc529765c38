/**
 * The embedded chain in a process of its own. Compiling is one thread of JavaScript for most of its time, so the keys of the contract
 * and of settlements are made beside the proof of the answer, on a machine with two cores.
 */
import { AttensorError, present, type ErrorJson } from '@attensor/core';
import type { ProofFile } from '@attensor/prover';
import { type ChildProcess, fork } from 'node:child_process';
import { setPriority } from 'node:os';
import { fileURLToPath } from 'node:url';
import type { Latest, Roots } from './local-chain.js';

/** What the process is asked, and in what order: one after the other, since o1js does one thing at a time. */
export type Call =
  | { call: 'deploy'; with: Roots }
  | { call: 'attest'; with: Pick<ProofFile, 'proof' | 'verificationKey'> }
  | { call: 'settle' | 'read' };

/** To each call, in order; the first one says that everything is compiled. */
export type Answer =
  { result: unknown; error?: undefined } | { error: ErrorJson; stack?: string; result?: undefined };

const SCRIPT = fileURLToPath(new URL('./local-chain-process.js', import.meta.url));
/** What it does is needed last. */
const NICE = 10;

interface Waiting {
  resolve: (result: unknown) => void;
  reject: (error: unknown) => void;
}

export class ChainProcess {
  /** Rejects when the process or anything that it was asked fails. */
  readonly failed: Promise<never>;
  private readonly waiting: Waiting[] = [];
  private failure: unknown;

  private constructor(private readonly child: ChildProcess) {
    let fail: (error: unknown) => void = () => undefined;
    this.failed = new Promise((_, reject) => (fail = reject));
    this.failed.catch(() => undefined);
    child.on('message', (answer: Answer) => {
      const next = this.waiting.shift();
      if (answer.error === undefined) return next?.resolve(answer.result);
      const error = errorOf(answer);
      next?.reject(error);
      fail(error);
    });
    const ended = (got: string) => {
      this.failure = new AttensorError({
        code: 'INTERNAL',
        what: 'the process of the embedded chain ended before its work was done',
        got,
        hint: 'Free memory if the system ended it, and run the command again: what it compiled is kept',
      });
      for (const { reject } of this.waiting.splice(0)) reject(this.failure);
      fail(this.failure);
    };
    child.once('error', (error) => ended(error.message));
    child.once('exit', (code, signal) => ended(signal ?? `exit code ${code}`));
    void this.answered();
  }

  get pid(): number {
    return present(this.child.pid, 'a process that was started');
  }

  /**
   * @param cacheDir where keys are kept
   * @param script another one, for tests
   */
  static start(cacheDir: string, script = SCRIPT): ChainProcess {
    // its stdout would spoil that of the command
    const child = fork(script, [cacheDir], { stdio: ['ignore', 2, 2, 'ipc'] });
    if (child.pid !== undefined) setPriority(child.pid, NICE);
    return new ChainProcess(child);
  }

  /** @returns the contract's address */
  deploy(roots: Roots): Promise<string> {
    return this.ask({ call: 'deploy', with: roots });
  }

  /** @returns the hash of the transaction */
  attest({ proof, verificationKey }: ProofFile): Promise<string> {
    return this.ask({ call: 'attest', with: { proof, verificationKey } });
  }

  /** @returns the hash of the transaction */
  settle(): Promise<string> {
    return this.ask({ call: 'settle' });
  }

  readLatest(): Promise<Latest> {
    return this.ask({ call: 'read' });
  }

  stop(): void {
    this.child.removeAllListeners('exit');
    this.child.kill('SIGKILL');
  }

  private ask<T>(call: Call): Promise<T> {
    if (this.failure !== undefined) return Promise.reject(this.failure);
    this.child.send(call);
    return this.answered<T>();
  }

  private answered<T>(): Promise<T> {
    const answer = new Promise<T>((resolve, reject) => {
      this.waiting.push({ resolve: resolve as Waiting['resolve'], reject });
    });
    // whoever asked hears of it when he waits for it
    answer.catch(() => undefined);
    return answer;
  }
}

function errorOf({ error, stack }: Answer & { error: ErrorJson }): Error {
  if (error.code !== 'INTERNAL') return AttensorError.fromJSON(error);
  return Object.assign(Error(error.what), stack === undefined ? {} : { stack });
}
