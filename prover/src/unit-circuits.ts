/**
 * @module unit-circuits
 * The circuits of equal units in a process of their own: keys of circuits take gigabytes that a process does not give back, so that one
 * which proved all units of a model would hold the keys of all.
 */
import { AttensorError, type ErrorJson } from '@attensor/core';
import type { JsonProof } from 'o1js';
import { fork } from 'node:child_process';
import { fileURLToPath } from 'node:url';

/** What the process is asked. Field elements are in decimal. */
export interface UnitCircuitsCall {
  modelDir: string;
  cacheDir: string;
  /** Where results of finished circuits are kept. */
  jobsDir: string;
  /** Any of the equal units: their keys are compiled, or loaded from the cache. */
  unit: number;
  /** What is to be proved, by the number of the unit. */
  transcripts: { unit: number; statement: string[]; messages: string[] }[];
}

export interface UnitCircuitsResult {
  key: { data: string; hash: string };
  /** in the order of the transcripts */
  proofs: JsonProof[];
  /** circuits proved, and those found where an interrupted run had left them */
  ran: number;
  loaded: number;
  keySeconds: number;
  picklesSeconds: number;
  /** of the process */
  peakRssBytes: number;
}

export type UnitCircuitsMessage =
  | { kind: 'proved'; unit: number; circuit: number }
  | { kind: 'result'; result: UnitCircuitsResult }
  | { kind: 'error'; error: ErrorJson; stack?: string };

const SCRIPT = fileURLToPath(new URL('./unit-circuits-process.js', import.meta.url));

/**
 * @param onProved called with each circuit that was proved
 * @throws what the process throws; INTERNAL when it ends before its work is done
 */
export function unitCircuits(
  call: UnitCircuitsCall,
  {
    signal,
    onProved,
  }: { signal?: AbortSignal; onProved?: (unit: number, circuit: number) => void } = {},
): Promise<UnitCircuitsResult> {
  signal?.throwIfAborted();
  return new Promise((resolve, reject) => {
    // its stdout would spoil that of a command
    const child = fork(SCRIPT, [], { stdio: ['ignore', 2, 2, 'ipc'] });
    const abort = (): void => {
      child.kill('SIGKILL');
      reject(signal?.reason as Error);
    };
    signal?.addEventListener('abort', abort, { once: true });
    // Only when it has ended, its memory is free.
    let finish: (() => void) | undefined;
    const ended = (got: string): void => {
      signal?.removeEventListener('abort', abort);
      if (finish) return finish();
      reject(
        new AttensorError({
          code: 'INTERNAL',
          what: 'the process that proves circuits ended before its work was done',
          got,
          hint: 'Free memory if the system ended it, and start again: finished steps are kept',
        }),
      );
    };
    child.once('error', (error) => {
      ended(error.message);
    });
    child.once('exit', (code, by) => {
      ended(by ?? `exit code ${code}`);
    });
    child.on('message', (message: UnitCircuitsMessage) => {
      if (message.kind === 'proved') {
        onProved?.(message.unit, message.circuit);
        return;
      }
      finish = () => {
        if (message.kind === 'result') resolve(message.result);
        else reject(errorOf(message.error, message.stack));
      };
      child.disconnect();
    });
    child.send(call);
  });
}

function errorOf(error: ErrorJson, stack: string | undefined): Error {
  if (error.code !== 'INTERNAL') return AttensorError.fromJSON(error);
  return Object.assign(Error(error.what), stack === undefined ? {} : { stack });
}
