/** How every command is built: the shared options, and the frame its work runs in. */
import type { Device } from '@attensor/native';
import { Command, InvalidArgumentError, type OptionValues } from 'commander';
import { chooseDevice, deviceOption } from './device.js';
import { ExitCode } from './errors.js';
import { Output, type Result, type Streams } from './output.js';

/** What a command's work may use. */
export interface Context {
  output: Output;
  /** Aborted by Ctrl-C, if the command is cancellable. */
  signal: AbortSignal;
}

/** `printed`: the result was told while the work went on. */
export type Done = Result & { exitCode?: ExitCode; printed?: boolean };

/** One run of the program: its streams, and what it will exit with. */
export interface Session {
  streams: Streams;
  exitCode: ExitCode;
}

export function command(name: string, description: string): Command {
  return new Command(name)
    .description(description)
    .option('--json', 'print one JSON object on stdout, and logs on stderr');
}

/** A command with work for a GPU. */
export function computing(name: string, description: string): Command {
  return command(name, description).addOption(deviceOption());
}

type Work<O> = (context: Context, options: O, ...positional: string[]) => Promise<Done>;
type Action = (...args: unknown[]) => Promise<void>;

/**
 * The action of a command: runs the work, prints its result, notes the exit code.
 *
 * Ctrl-C ends the process: right for proving, which blocks the event loop for minutes, writes files
 * whole or not at all, and resumes from what is on disk.
 */
export function works<O extends OptionValues>(session: Session, work: Work<O>): Action {
  return action(session, work, false);
}

/** The same, but Ctrl-C aborts `signal`, so that the work can clean up. */
export function cancellable<O extends OptionValues>(session: Session, work: Work<O>): Action {
  return action(session, work, true);
}

function action<O extends OptionValues>(
  session: Session,
  work: Work<O>,
  abortable: boolean,
): Action {
  return async (...args) => {
    // commander passes the positional arguments, the options, and the command itself
    const positional = args.slice(0, -2) as string[];
    const options = args.at(-2) as O & { json?: boolean; device?: Device };
    const output = new Output(session.streams, options.json ?? false);
    const interrupt = new AbortController();
    const onInterrupt = () => interrupt.abort();
    // once: a second Ctrl-C ends the process
    if (abortable) process.once('SIGINT', onInterrupt);
    try {
      if (options.device !== undefined) await chooseDevice(options.device, output);
      const done = await work({ output, signal: interrupt.signal }, options, ...positional);
      if (!done.printed) output.result(done);
      session.exitCode = done.exitCode ?? ExitCode.done;
    } finally {
      process.removeListener('SIGINT', onInterrupt);
    }
  };
}

/** Ctrl-C, or the signal that service managers send. */
export async function stopped(signal: AbortSignal): Promise<void> {
  if (signal.aborted) return;
  await new Promise<void>((resolve) => {
    signal.addEventListener('abort', () => resolve(), { once: true });
    process.once('SIGTERM', () => resolve());
  });
}

export function positiveInteger(text: string): number {
  const value = Number(text);
  if (!/^\d+$/.test(text) || !Number.isSafeInteger(value) || value < 1) {
    throw new InvalidArgumentError(`expected a positive integer, got '${text}'`);
  }
  return value;
}

const UNITS = { '': 1, K: 2 ** 10, M: 2 ** 20, G: 2 ** 30, T: 2 ** 40 };

/** Bytes: 8G, 512M, or a plain number. */
export function byteCount(text: string): number {
  const [, number, unit] = /^(\d+(?:\.\d+)?)([KMGT]?)$/.exec(text) ?? [];
  const bytes = Number(number) * UNITS[unit as keyof typeof UNITS];
  if (!(bytes >= 1)) {
    throw new InvalidArgumentError(`expected bytes like 8G or 512M, got '${text}'`);
  }
  return Math.floor(bytes);
}

export function tokenList(text: string): number[] {
  if (!/^\d{1,10}(,\d{1,10})*$/.test(text)) {
    throw new InvalidArgumentError(`expected token ids like 12,7,300, got '${text}'`);
  }
  return text.split(',').map(Number);
}
