#!/usr/bin/env node
/** The `attensor` command. */
import { run } from './program.js';

process.exitCode = await run(process.argv.slice(2), {
  stdin: process.stdin,
  stdout: process.stdout,
  stderr: process.stderr,
});
// worker threads of the proof system stay alive on their own
process.exit();
