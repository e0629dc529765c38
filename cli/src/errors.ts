/** What a command ends with, and how a failure is told. */
import { AttensorError } from '@attensor/inference';

export { ExitCode, CliError, describeFailure, type CliErrorCode, type Failure };

const ExitCode = {
  done: 0,
  /** Usage, or input that can't be worked with. */
  badInput: 1,
  /** A proof or an attestation was looked at and is not valid. */
  verificationFailed: 2,
  /** A fault of this program or this machine. */
  internal: 3,
  /** Ctrl-C, as shells number it. */
  interrupted: 130,
} as const;
type ExitCode = (typeof ExitCode)[keyof typeof ExitCode];

interface Failure {
  exitCode: ExitCode;
  /** For `--json`. */
  json: { error: Record<string, string> };
  /** For people. */
  text: string;
}

type CliErrorCode =
  | 'USAGE'
  | 'BAD_FILE'
  | 'NOT_FOUND'
  | 'OUTPUT_EXISTS'
  | 'UNKNOWN_ALIAS'
  | 'UNREACHABLE'
  | 'REJECTED'
  | 'TRANSACTION_FAILED'
  | 'NONCE_USED'
  | 'NOT_INCLUDED'
  | 'NOT_SIGNED'
  | 'UNKNOWN_ACCOUNT'
  | 'INSUFFICIENT_FUNDS'
  | 'ALREADY_DEPLOYED'
  | 'NOT_COMMITTED'
  | 'WRONG_MODEL'
  | 'WRONG_OWNER'
  | 'DEVICE_MISSING';

/** A mistake in how the command was called. Same fields as the libraries' errors. */
class CliError extends Error {
  override readonly name = 'CliError';
  readonly code: CliErrorCode;
  readonly what: string;
  readonly where?: string;
  readonly expected?: string;
  readonly got?: string;
  readonly hint?: string;

  constructor(details: Pick<CliError, 'code' | 'what' | 'where' | 'expected' | 'got' | 'hint'>) {
    super(details.what);
    this.code = details.code;
    this.what = details.what;
    this.where = details.where;
    this.expected = details.expected;
    this.got = details.got;
    this.hint = details.hint;
  }
}

const OTHER_EXIT_CODES: Record<string, ExitCode> = {
  CANCELLED: ExitCode.interrupted,
  ABORT_ERR: ExitCode.interrupted,
  VERIFICATION_FAILED: ExitCode.verificationFailed,
  INTERNAL: ExitCode.internal,
  ENGINE_UNAVAILABLE: ExitCode.internal,
  UNSUPPORTED_O1JS: ExitCode.internal,
  LOG_WRITE_FAILED: ExitCode.internal,
};

/** Fields shown to the user, in this order. */
const DETAILS = ['where', 'expected', 'got', 'hint'] as const;

/** Mistakes are explained; faults are shown with their stack, for a report. */
function describeFailure(error: unknown): Failure {
  if (isExplained(error)) {
    const exitCode = OTHER_EXIT_CODES[error.code] ?? ExitCode.badInput;
    const details = DETAILS.flatMap((name) => {
      const value = error[name];
      return value === undefined ? [] : [[name, value] as const];
    });
    const lines = details.map(([name, value]) => `  ${`${name}:`.padEnd(10)}${value}`);
    return {
      exitCode,
      json: { error: { code: error.code, what: error.what, ...Object.fromEntries(details) } },
      text: [`error: ${error.what} [${error.code}]`, ...lines].join('\n'),
    };
  }
  const { code, message, stack } = toError(error);
  const exitCode = OTHER_EXIT_CODES[code] ?? ExitCode.internal;
  const explained = exitCode === ExitCode.internal ? (stack ?? message) : message;
  return {
    exitCode,
    json: { error: { code, what: message } },
    text: exitCode === ExitCode.internal ? `internal error: ${explained}` : `error: ${explained}`,
  };
}

/**
 * An error of one of our packages: it says what, where, expected, got and what to do. Some are known by
 * their names: their classes would load the proof system, before a backend is chosen.
 */
function isExplained(error: unknown): error is CliError {
  const late = ['NodeError', 'ContractError'];
  return (
    error instanceof AttensorError ||
    error instanceof CliError ||
    (error instanceof Error && late.includes(error.name))
  );
}

function toError(error: unknown): { code: string; message: string; stack?: string } {
  if (!(error instanceof Error)) return { code: 'INTERNAL', message: String(error) };
  // an aborted signal rejects with a DOMException, whose code is a number
  if (error.name === 'AbortError') return { code: 'ABORT_ERR', message: 'interrupted' };
  const code = 'code' in error && typeof error.code === 'string' ? error.code : 'INTERNAL';
  return { code, message: error.message, stack: error.stack };
}
