/** Errors of the page: what went wrong, where, what was expected, what was found, and what to do. */

/** Codes a program can match on; those of the packages (`BAD_FILE`, `TOO_LONG`, …) appear as they are. */
export type PageErrorCode =
  | 'BAD_LINK'
  | 'BAD_SETTINGS'
  | 'BAD_INPUT'
  | 'FILE_TOO_LARGE'
  | 'NODE_UNAVAILABLE'
  | 'BAD_ANSWER'
  | 'NO_ACCOUNT'
  | 'NO_CONTRACT'
  | 'NODES_DISAGREE'
  | 'ARCHIVE_MISMATCH'
  | 'MEMBERSHIP'
  | 'NO_TOKENIZER'
  | 'UNSUPPORTED_BROWSER'
  | 'LOADING_FAILED'
  | 'CANCELLED'
  | 'WORKER_CRASHED'
  | 'NO_WALLET'
  | 'WALLET'
  | 'INTERNAL';

/** An error as it crosses from the worker, and as it is shown. */
export interface ErrorView {
  code: string;
  what: string;
  where?: string;
  expected?: string;
  got?: string;
  hint?: string;
}

export class PageError extends Error implements ErrorView {
  override readonly name = 'PageError';
  readonly code: PageErrorCode;
  readonly what: string;
  readonly where?: string;
  readonly expected?: string;
  readonly got?: string;
  readonly hint?: string;

  constructor(view: ErrorView & { code: PageErrorCode; cause?: unknown }) {
    super(`${view.code}: ${view.what}`, view.cause === undefined ? {} : { cause: view.cause });
    this.code = view.code;
    this.what = view.what;
    this.where = view.where;
    this.expected = view.expected;
    this.got = view.got;
    this.hint = view.hint;
  }
}

/** Any error as the page shows it. Errors of the packages have the same parts. */
export function errorView(error: unknown): ErrorView {
  if (typeof error === 'object' && error !== null && 'code' in error && 'what' in error) {
    const { code, what, where, expected, got, hint } = error as ErrorView;
    return { code: String(code), what: String(what), where, expected, got, hint };
  }
  const what = error instanceof Error ? error.message : String(error);
  return {
    code: 'INTERNAL',
    what,
    hint: 'Load the page again; if it happens again, please report it',
  };
}
