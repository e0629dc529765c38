/** Errors of reading: what went wrong, where, what was expected, what was found, and what to do. */

export { ContractError, type ContractErrorCode };

/** Codes a program can match on. */
type ContractErrorCode =
  /** There is no attestation contract at the address. */
  | 'NO_CONTRACT'
  /** The node could not be asked. */
  | 'NODE_UNAVAILABLE'
  /** The node's answer is malformed. */
  | 'BAD_ANSWER'
  /** The archive's actions are not those that the chain commits to. */
  | 'ARCHIVE_MISMATCH'
  /** The archive could not be asked. */
  | 'ARCHIVE_UNAVAILABLE'
  /** The attestation is not in the record. */
  | 'NOT_SETTLED'
  /** A file or an argument is not what it should be. */
  | 'BAD_ARGUMENT';

interface Details {
  code: ContractErrorCode;
  /** One sentence: what went wrong. */
  what: string;
  where?: string;
  expected?: string;
  got?: string;
  /** What to do next. */
  hint?: string;
  cause?: unknown;
}

class ContractError extends Error {
  override readonly name = 'ContractError';
  readonly code: ContractErrorCode;
  readonly what: string;
  readonly where?: string;
  readonly expected?: string;
  readonly got?: string;
  readonly hint?: string;

  constructor({ code, what, where, expected, got, hint, cause }: Details) {
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
}
