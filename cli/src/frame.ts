/** For other programs with commands like ours: options, streams, JSON, exit codes. */
export {
  command,
  computing,
  works,
  positiveInteger,
  type Context,
  type Done,
  type Session,
} from './command.js';
export type { ComponentReport } from './commands/prove-component.js';
export { ExitCode } from './errors.js';
export type { Streams } from './output.js';
export { runProgram } from './program.js';
export { duration } from './progress.js';
