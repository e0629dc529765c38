/** The command tree, and one run of it. */
import { Command, CommanderError } from 'commander';
import { readFileSync } from 'node:fs';
import type { Session } from './command.js';
import { attestationsCommand } from './commands/attestations.js';
import { chatCommand } from './commands/chat.js';
import { demoCommand } from './commands/demo.js';
import { deployCommand } from './commands/deploy.js';
import { evalCommand } from './commands/eval.js';
import { generateCommand } from './commands/generate.js';
import { keysCommand } from './commands/keys.js';
import { modelCommitCommand } from './commands/model-commit.js';
import { modelImportCommand } from './commands/model-import.js';
import { modelRandomCommand } from './commands/model-random.js';
import { proveComponentCommand } from './commands/prove-component.js';
import { nodeCommand } from './commands/node.js';
import { pageCommand } from './commands/page.js';
import { proveCommand } from './commands/prove.js';
import { queueCommand } from './commands/queue.js';
import { rotateCommand } from './commands/rotate.js';
import { settleCommand } from './commands/settle.js';
import { submitCommand } from './commands/submit.js';
import { txCommand } from './commands/tx.js';
import { verifyCommand } from './commands/verify.js';
import { workerCommand } from './commands/worker.js';
import { describeFailure, ExitCode } from './errors.js';
import { Output, type Streams } from './output.js';

/** Runs `attensor` with these arguments. @returns the exit code; errors have been printed */
export function run(args: string[], streams: Streams): Promise<number> {
  return runProgram(program, args, streams);
}

/**
 * Runs a program of our kind with these arguments.
 *
 * @param build makes the command tree
 * @returns the exit code; errors have been printed
 */
export async function runProgram(
  build: (session: Session) => Command,
  args: string[],
  streams: Streams,
): Promise<number> {
  const restoreConsole = keepLibrariesOffStdout();
  // the proof system reads it when it is loaded; its WebAssembly backend is 4.5 times slower
  process.env.O1JS_BACKEND ??= 'native';

  const session: Session = { streams, exitCode: ExitCode.done };
  const output = new Output(streams, args.includes('--json'));
  try {
    const root = build(session);
    everyCommand(root, (each) => {
      each.exitOverride().configureOutput({
        writeOut: (text) => void streams.stdout.write(text),
        writeErr: (text) => void streams.stderr.write(text),
      });
      // shown by `usage`, after the error
      each.showSuggestionAfterError(true);
    });
    await root.parseAsync(args, { from: 'user' });
    return session.exitCode;
  } catch (error) {
    if (error instanceof CommanderError) return usage(error, output);
    const failure = describeFailure(error);
    output.log(failure.text);
    if (output.json) output.result({ json: failure.json, text: '' });
    return failure.exitCode;
  } finally {
    restoreConsole();
  }
}

function program(session: Session): Command {
  const model = new Command('model')
    .description('Import, make and commit models')
    .addCommand(modelImportCommand(session))
    .addCommand(modelRandomCommand(session))
    .addCommand(modelCommitCommand(session));
  return new Command('attensor')
    .description('Verifiable inference of DeepSeek-V3 models, attested on Mina')
    .version(version())
    .addCommand(model)
    .addCommand(generateCommand(session))
    .addCommand(chatCommand(session))
    .addCommand(evalCommand(session))
    .addCommand(proveCommand(session))
    .addCommand(proveComponentCommand(session))
    .addCommand(workerCommand(session))
    .addCommand(queueCommand(session))
    .addCommand(verifyCommand(session))
    .addCommand(keysCommand(session))
    .addCommand(demoCommand(session))
    .addCommand(deployCommand(session))
    .addCommand(submitCommand(session))
    .addCommand(settleCommand(session))
    .addCommand(attestationsCommand(session))
    .addCommand(rotateCommand(session))
    .addCommand(txCommand(session))
    .addCommand(nodeCommand(session))
    .addCommand(pageCommand(session))
    .addHelpText(
      'after',
      '\nExit codes: 0 done, 1 wrong usage or unusable input, 2 verification failed, 3 internal fault, 4 proof of an unverified program, 130 interrupted.',
    );
}

function everyCommand(root: Command, visit: (each: Command) => void): void {
  visit(root);
  root.commands.forEach((each) => everyCommand(each, visit));
}

/** Commander has printed its message; help and version are no mistakes. */
function usage(error: CommanderError, output: Output): number {
  if (error.exitCode === 0) return ExitCode.done;
  if (output.json) {
    const what = error.message.replace(/^error: /, '');
    output.result({ json: { error: { code: 'USAGE', what } }, text: '' });
  }
  return ExitCode.badInput;
}

/** Libraries that log must not spoil the one JSON object. */
function keepLibrariesOffStdout(): () => void {
  const { log, info } = console;
  console.log = console.error;
  console.info = console.error;
  return () => Object.assign(console, { log, info });
}

function version(): string {
  const file = readFileSync(new URL('../package.json', import.meta.url), 'utf8');
  return (JSON.parse(file) as { version: string }).version;
}
