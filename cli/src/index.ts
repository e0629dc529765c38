export { run } from './program.js';
export { ExitCode } from './errors.js';
export type { Streams } from './output.js';
