/** What makes proofs: a process beside this one, or a queue with workers behind it. */
import { AttensorError } from '@attensor/core';
import type { ProofFile, RevealedText } from '@attensor/prover';

export interface ProofTask {
  id: string;
  promptIds: number[];
  outputIds: number[];
  /** Written into the proof file. */
  text?: RevealedText;
}

/** A step of a proof with the time that it is expected to take, in seconds. */
export interface PlannedStep {
  step: string;
  seconds: number;
}

export interface ProofRunner {
  /** The steps of every proof of the model, once they are known. */
  readonly steps: readonly PlannedStep[] | undefined;
  /** Why nothing can be proved now, in words; undefined when something can. */
  readonly notReady: string | undefined;
  /**
   * Proves it, or goes on where an earlier start of the same task stopped.
   *
   * @param onStep told of each step that begins
   * @throws AttensorError CANCELLED after `cancel`; RunnerLost when starting it again may help
   */
  start(task: ProofTask, onStep: (step: string) => void): Promise<ProofFile>;
  cancel(id: string): void;
  /** Forgets what is kept of an unfinished proof. */
  forget(id: string): Promise<void>;
  /** Stops at once; what is finished of a proof is kept. */
  close(): Promise<void>;
}

/** The process that proved is gone. */
export class RunnerLost extends AttensorError {
  constructor(got: string) {
    super({
      code: 'INTERNAL',
      what: 'the process that proves ended before its work was done',
      got,
      hint: 'Give the service more memory, if the system ended it',
    });
  }
}
