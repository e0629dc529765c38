/** Between the service and the process that proves. */
import type { ErrorJson } from '@attensor/core';
import type { ProofFile } from '@attensor/prover';
import type { PlannedStep, ProofTask } from './runner.js';

/** What the process is started with. */
export interface ProverSettings {
  modelDir: string;
  /** of keys; the prover's default if absent */
  cacheDir?: string;
  /** of unfinished proofs, each in a folder by its id */
  stepsDir: string;
}

export type ToProver = { call: 'prove'; task: ProofTask } | { call: 'cancel'; id: string };

export type FromProver =
  | { event: 'planned'; steps: PlannedStep[] }
  | { event: 'ready' }
  | { event: 'failed'; error: ErrorJson }
  | { event: 'step'; id: string; step: string }
  | { event: 'proved'; id: string; file: ProofFile }
  | { event: 'unproved'; id: string; error: ErrorJson };
