/** `npm run bench`: what this machine takes. */
import { runProgram } from '@attensor/cli/frame';
import { benchProgram } from './program.js';

const { stdin, stdout, stderr } = process;
process.exitCode = await runProgram(benchProgram, process.argv.slice(2), {
  stdin,
  stdout,
  stderr,
});
// worker threads of the proof system stay alive on their own
process.exit();
