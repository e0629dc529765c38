/**
 * @module step-process
 * A process that runs steps, one after the other, so that the worker's event loop is free for its locks while a step computes for minutes.
 */
import { AttensorError, type ErrorJson } from '@attensor/core';
import { fork, type ChildProcess } from 'node:child_process';
import { readFileSync } from 'node:fs';
import { fileURLToPath } from 'node:url';
import type { Hash } from './artifacts/artifact-store.js';
import { BadInput } from './kind.js';

const SCRIPT = fileURLToPath(new URL('./step-child.js', import.meta.url));
const PAGE_BYTES = 4096;

/** What a process is started with. */
export interface ProcessSettings {
  /** address of the artifacts */
  artifacts: string;
  cacheDir: string;
  /** module that exports `kinds` */
  kinds: string;
  device: 'cpu' | 'cuda';
}

export interface StepRequest {
  plan: Hash;
  step: string;
  inputs: Record<string, Hash>;
}

export type StepAnswer =
  | { progress: number }
  | { done: { hash: Hash; bytes: number } }
  | { bad: { input: string; reason: string } }
  | { error: ErrorJson };

/** The process ended before its step was done: it was killed, or had no memory. */
export class ProcessDied extends Error {}

export class StepProcess {
  private readonly child: ChildProcess;
  private died: ProcessDied | undefined;

  constructor(settings: ProcessSettings) {
    // its stdout would spoil that of the command
    this.child = fork(SCRIPT, [JSON.stringify(settings)], { stdio: ['ignore', 2, 2, 'ipc'] });
    const ended = (reason: string) => {
      this.died = new ProcessDied(`the process of the step ended: ${reason}`);
    };
    this.child.once('exit', (code, signal) => ended(signal ?? `exit code ${code}`));
    this.child.once('error', (error) => ended(error.message));
  }

  get alive(): boolean {
    return this.died === undefined;
  }

  /** Bytes in memory now. */
  get memory(): number {
    try {
      const statm = readFileSync(`/proc/${this.child.pid}/statm`, 'utf8');
      return Number(statm.split(' ')[1]) * PAGE_BYTES;
    } catch {
      return 0;
    }
  }

  /** @throws BadInput, ProcessDied, and what the step throws as AttensorError */
  run(
    request: StepRequest,
    onProgress: (fraction: number) => void,
  ): Promise<{ hash: Hash; bytes: number }> {
    return new Promise((resolve, reject) => {
      if (this.died) return reject(this.died);
      const onMessage = (answer: StepAnswer) => {
        if ('progress' in answer) return onProgress(answer.progress);
        finish();
        if ('done' in answer) resolve(answer.done);
        else if ('bad' in answer) reject(new BadInput(answer.bad.input, answer.bad.reason));
        else reject(AttensorError.fromJSON(answer.error));
      };
      // after the listener of the constructor, which knows the reason
      const onEnd = () => {
        finish();
        reject(this.died ?? new ProcessDied('the process of the step ended'));
      };
      const finish = () => {
        this.child.off('message', onMessage).off('exit', onEnd).off('error', onEnd);
      };
      this.child.on('message', onMessage).once('exit', onEnd).once('error', onEnd);
      this.child.send(request);
    });
  }

  kill(): void {
    this.child.kill('SIGKILL');
  }
}
