/** Errors of inference: what went wrong, where, what was expected, what was found, and what to do. */

/** Codes a program can match on. */
export type ErrorCode =
  | 'BAD_CONFIG'
  | 'UNSUPPORTED_CONFIG'
  | 'BAD_SAFETENSORS'
  | 'MISSING_TENSOR'
  | 'EXTRA_TENSOR'
  | 'BAD_SHAPE'
  | 'BAD_DTYPE'
  | 'NON_FINITE_WEIGHT'
  | 'WEIGHT_RANGE'
  | 'NOT_FOUND'
  | 'OUTPUT_EXISTS'
  | 'BAD_MODEL'
  | 'MODEL_CORRUPT'
  | 'UNKNOWN_TENSOR'
  | 'BAD_TOKENIZER'
  | 'EMPTY_PROMPT'
  | 'BAD_TOKENS'
  | 'TOO_LONG'
  | 'OVERFLOW'
  | 'ZERO_SUM'
  | 'BAD_ARGUMENT'
  | 'BAD_REFERENCE'
  | 'ENGINE_UNAVAILABLE'
  | 'BAD_FILE'
  | 'UNSUPPORTED_VERSION'
  | 'INSECURE_FILE'
  | 'WRONG_COMMITMENT'
  | 'WRONG_TEXT'
  | 'CANCELLED'
  | 'DEVICE_MISSING'
  | 'DEVICE_OUT_OF_MEMORY'
  | 'DEVICE_FAILED'
  | 'INTERNAL';

export interface ErrorDetails {
  code: ErrorCode;
  /** One sentence: what went wrong. */
  what: string;
  /** File, tensor, layer or argument. */
  where?: string;
  expected?: string;
  got?: string;
  /** What to do next. */
  hint?: string;
  cause?: unknown;
}

export class AttensorError extends Error {
  readonly code: ErrorCode;
  readonly what: string;
  readonly where?: string;
  readonly expected?: string;
  readonly got?: string;
  readonly hint?: string;

  constructor(details: ErrorDetails) {
    const { code, what, where, expected, got, hint, cause } = details;
    let message = `${code}: ${what}`;
    if (where !== undefined) message += ` (${where})`;
    if (expected !== undefined) message += `; expected ${expected}`;
    if (got !== undefined) message += `${expected === undefined ? ';' : ','} got ${got}`;
    if (hint !== undefined) message += `. ${hint}`;
    super(message, cause === undefined ? undefined : { cause });
    this.name = 'AttensorError';
    this.code = code;
    this.what = what;
    this.where = where;
    this.expected = expected;
    this.got = got;
    this.hint = hint;
  }
}

/** The CANCELLED error of an aborted signal; does nothing while the signal is live. */
export function throwIfAborted(signal: AbortSignal | undefined, where: string): void {
  if (signal?.aborted) {
    throw new AttensorError({ code: 'CANCELLED', what: 'the work was cancelled', where });
  }
}
