/** How every command is built: the shared options, and the frame its work runs in. */
import { Command, InvalidArgumentError, type OptionValues } from 'commander';
import { ExitCode } from './errors.js';
import { Output, type Result, type Streams } from './output.js';

export { command, works, positiveInteger, tokenList, type Context, type Done, type Session };

/** What a command's work may use. */
interface Context {
  output: Output;
  /** Aborted by Ctrl-C. */
  signal: AbortSignal;
}

type Done = Result & { exitCode?: ExitCode };

/** One run of the program: its streams, and what it will exit with. */
interface Session {
  streams: Streams;
  signal: AbortSignal;
  exitCode: ExitCode;
}

function command(name: string, description: string): Command {
  return new Command(name)
    .description(description)
    .option('--json', 'one JSON object on stdout, logs on stderr');
}

/** The action of a command: runs the work, prints its result, notes the exit code. */
function works<O extends OptionValues>(
  session: Session,
  work: (context: Context, options: O, ...positional: string[]) => Promise<Done>,
): (...args: unknown[]) => Promise<void> {
  return async (...args) => {
    // commander passes the positional arguments, the options, and the command itself
    const positional = args.slice(0, -2) as string[];
    const options = args.at(-2) as O & { json?: boolean };
    const output = new Output(session.streams, options.json ?? false);
    const done = await work({ output, signal: session.signal }, options, ...positional);
    output.result(done);
    session.exitCode = done.exitCode ?? ExitCode.done;
  };
}

function positiveInteger(text: string): number {
  const value = Number(text);
  if (!/^\d+$/.test(text) || !Number.isSafeInteger(value) || value < 1) {
    throw new InvalidArgumentError(`expected a positive integer, got '${text}'`);
  }
  return value;
}

function tokenList(text: string): number[] {
  if (!/^\d{1,10}(,\d{1,10})*$/.test(text)) {
    throw new InvalidArgumentError(`expected token ids like 12,7,300, got '${text}'`);
  }
  return text.split(',').map(Number);
}
