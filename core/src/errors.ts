/** The one error of Attensor: what went wrong, where, what was expected, what was found, and what to do. */

/** Codes a program can match on; docs/operations.md says when each appears. */
export type ErrorCode =
  // arguments and files
  | 'USAGE'
  | 'BAD_ARGUMENT'
  | 'BAD_INPUT'
  | 'BAD_FILE'
  | 'INSECURE_FILE'
  | 'NOT_FOUND'
  | 'OUTPUT_EXISTS'
  | 'WRITE_FAILED'
  | 'UNSUPPORTED_VERSION'
  // models and tokens
  | 'BAD_CONFIG'
  | 'UNSUPPORTED_CONFIG'
  | 'BAD_SAFETENSORS'
  | 'MISSING_TENSOR'
  | 'EXTRA_TENSOR'
  | 'UNKNOWN_TENSOR'
  | 'BAD_SHAPE'
  | 'BAD_DTYPE'
  | 'NON_FINITE_WEIGHT'
  | 'WEIGHT_RANGE'
  | 'BAD_MODEL'
  | 'MODEL_CORRUPT'
  | 'BAD_TOKENIZER'
  | 'NO_TOKENIZER'
  | 'EMPTY_PROMPT'
  | 'BAD_TOKENS'
  | 'TOO_LONG'
  | 'OVERFLOW'
  | 'ZERO_SUM'
  | 'BAD_REFERENCE'
  // commitments and proofs
  | 'NOT_COMMITTED'
  | 'WRONG_COMMITMENT'
  | 'WRONG_MODEL'
  | 'WRONG_TEXT'
  // the chain
  | 'UNKNOWN_ALIAS'
  | 'UNREACHABLE'
  | 'NODE_UNAVAILABLE'
  | 'ARCHIVE_UNAVAILABLE'
  | 'BAD_ANSWER'
  | 'ARCHIVE_MISMATCH'
  | 'NODES_DISAGREE'
  | 'NO_CONTRACT'
  | 'NOT_GENUINE'
  | 'NOT_SETTLED'
  | 'OVERTAKEN'
  | 'WRONG_OWNER'
  | 'ALREADY_DEPLOYED'
  | 'REJECTED'
  | 'TRANSACTION_FAILED'
  | 'NONCE_USED'
  | 'NOT_INCLUDED'
  | 'NOT_SIGNED'
  | 'UNKNOWN_ACCOUNT'
  | 'INSUFFICIENT_FUNDS'
  // the local node
  | 'BAD_TRANSACTION'
  | 'INVALID_SIGNATURE'
  | 'INVALID_PROOF'
  | 'INVALID_NONCE'
  | 'INSUFFICIENT_FEE'
  | 'EXPIRED'
  | 'DUPLICATE'
  | 'UNKNOWN_ACTION_STATE'
  | 'QUERY_TOO_LARGE'
  | 'NO_ACCOUNT_LEFT'
  | 'BAD_DATA_DIR'
  | 'DATA_DIR_IN_USE'
  | 'LOG_WRITE_FAILED'
  | 'BAD_CLOCK'
  | 'PORT_IN_USE'
  // the page
  | 'BAD_LINK'
  | 'BAD_SETTINGS'
  | 'UNSUPPORTED_BROWSER'
  | 'LOADING_FAILED'
  | 'WORKER_CRASHED'
  | 'NO_WALLET'
  | 'WALLET'
  // artifacts and queues
  | 'BAD_ARTIFACT'
  | 'STEP_FAILED'
  // this program and its machine
  | 'ENGINE_UNAVAILABLE'
  | 'UNSUPPORTED_O1JS'
  | 'DEVICE_MISSING'
  | 'DEVICE_OUT_OF_MEMORY'
  | 'DEVICE_FAILED'
  | 'CANCELLED'
  | 'INTERNAL';

export interface ErrorDetails {
  code: ErrorCode;
  /** One sentence: what went wrong. */
  what: string;
  /** File, tensor, layer, account or argument. */
  where?: string;
  expected?: string;
  got?: string;
  /** What to do next. */
  hint?: string;
  cause?: unknown;
}

/** As `--json`, workers and servers pass an error on. Absent parts have no field. */
export type ErrorJson = Omit<ErrorDetails, 'code' | 'cause'> & { code: string };

export class AttensorError extends Error {
  override readonly name = 'AttensorError';
  readonly code: ErrorCode;
  readonly what: string;
  readonly where?: string;
  readonly expected?: string;
  readonly got?: string;
  readonly hint?: string;

  constructor({ code, what, where, expected, got, hint, cause }: ErrorDetails) {
    let message = `${code}: ${what}`;
    if (where !== undefined) message += ` (${where})`;
    if (expected !== undefined) message += `; expected ${expected}`;
    if (got !== undefined) message += `${expected === undefined ? ';' : ','} got ${got}`;
    if (hint !== undefined) message += `. ${hint}`;
    super(message, cause === undefined ? undefined : { cause });
    this.code = code;
    this.what = what;
    this.where = where;
    this.expected = expected;
    this.got = got;
    this.hint = hint;
  }

  toJSON(): ErrorJson {
    const { code, what } = this;
    const details = (['where', 'expected', 'got', 'hint'] as const).flatMap((name) => {
      const value = this[name];
      return value === undefined ? [] : [[name, value] as const];
    });
    return { code, what, ...Object.fromEntries(details) };
  }

  /** An error that another thread or process passed on. */
  static fromJSON(json: ErrorJson): AttensorError {
    return new AttensorError(json as ErrorDetails);
  }
}

/** Any error in the one form; what is not an AttensorError is INTERNAL, with its message. */
export function errorJson(error: unknown): ErrorJson {
  if (error instanceof AttensorError) return error.toJSON();
  return { code: 'INTERNAL', what: error instanceof Error ? error.message : String(error) };
}

/** The CANCELLED error of an aborted signal; does nothing while the signal is live. */
export function throwIfAborted(signal: AbortSignal | undefined, where: string): void {
  if (signal?.aborted) {
    throw new AttensorError({ code: 'CANCELLED', what: 'the work was cancelled', where });
  }
}

/**
 * A value that is there by an invariant that the types do not know.
 *
 * @param what in words
 * @throws AttensorError INTERNAL when it is not there after all
 */
export function present<T>(value: T, what = 'a value that must be there'): NonNullable<T> {
  if (value !== undefined && value !== null) return value;
  throw new AttensorError({ code: 'INTERNAL', what: `${what} is missing` });
}
