/** What the page asks the worker. Results cross as plain data; so do errors, which would lose their parts otherwise. */
import type { ChainView } from '../chain/read-chain.js';
import type { CheckRequest } from '../check/check.js';
import type { CheckResult, StepId } from '../check/verdict.js';
import type { ErrorView } from '../errors.js';
import type { Source } from '../link.js';

export type Stage = 'loading' | 'starting' | StepId | 'compiling' | 'proving';
export type Report = (stage: Stage) => void;

export type Outcome<T> = { ok: true; value: T } | { ok: false; error: ErrorView };

export interface SubmissionRequest {
  file: string;
  source: Source;
  /** the wallet's account */
  sender: string;
}

export interface Submission {
  /** for the wallet, as JSON */
  transaction: string;
  seconds: { compile: number; prove: number };
}

export interface CheckerApi {
  /** Returns when the worker holds the lock, which it does as long as it lives: the page sees by it when it dies. */
  hold(lock: string): Promise<void>;
  readChain(source: Source): Promise<Outcome<ChainView>>;
  check(
    request: CheckRequest,
    source: Source | undefined,
    report: Report,
  ): Promise<Outcome<CheckResult>>;
  buildSubmission(request: SubmissionRequest, report: Report): Promise<Outcome<Submission>>;
}
