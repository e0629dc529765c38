/** What a command ends with, and how a failure is told. */
import { AttensorError, type ErrorJson, printable } from '@attensor/core';

export const ExitCode = {
  done: 0,
  /** Usage, or input that can't be worked with. */
  badInput: 1,
  /** A proof or an attestation was looked at and is not valid. */
  verificationFailed: 2,
  /** A fault of this program or this machine. */
  internal: 3,
  /** A proof verifies, but nothing trusted says of which program it is. */
  unverifiedProgram: 4,
  /** Ctrl-C, as shells number it. */
  interrupted: 130,
} as const;
export type ExitCode = (typeof ExitCode)[keyof typeof ExitCode];

export interface Failure {
  exitCode: ExitCode;
  /** For `--json`. */
  json: { error: ErrorJson };
  /** For people. */
  text: string;
}

const OTHER_EXIT_CODES: Record<string, ExitCode> = {
  CANCELLED: ExitCode.interrupted,
  ABORT_ERR: ExitCode.interrupted,
  VERIFICATION_FAILED: ExitCode.verificationFailed,
  NOT_GENUINE: ExitCode.verificationFailed,
  INTERNAL: ExitCode.internal,
  ENGINE_UNAVAILABLE: ExitCode.internal,
  UNSUPPORTED_O1JS: ExitCode.internal,
  LOG_WRITE_FAILED: ExitCode.internal,
  WRITE_FAILED: ExitCode.internal,
};

/** Mistakes are explained; faults are shown with their stack, for a report. */
export function describeFailure(error: unknown): Failure {
  if (error instanceof AttensorError) {
    const { code, what, ...details } = error.toJSON();
    const lines = Object.entries(details).map(
      // names of files, answers of nodes: what comes from elsewhere must not steer the terminal
      ([name, value]) => `  ${`${name}:`.padEnd(10)}${printable(value)}`,
    );
    return {
      exitCode: OTHER_EXIT_CODES[code] ?? ExitCode.badInput,
      json: { error: { code, what, ...details } },
      text: [`error: ${printable(what)} [${code}]`, ...lines].join('\n'),
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

function toError(error: unknown): { code: string; message: string; stack?: string } {
  if (!(error instanceof Error)) return { code: 'INTERNAL', message: String(error) };
  // an aborted signal rejects with a DOMException, whose code is a number
  if (error.name === 'AbortError') return { code: 'ABORT_ERR', message: 'interrupted' };
  const code = 'code' in error && typeof error.code === 'string' ? error.code : 'INTERNAL';
  return { code, message: error.message, stack: error.stack };
}
