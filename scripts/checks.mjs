// What `npm test` checks besides the test suites: format, lint, and what is generated. Each counts as one test.
import { spawn } from 'node:child_process';
import { root, say } from './setup.mjs';

const module = (path, ...args) => ({ command: process.execPath, args: [path, ...args] });

export const CHECKS = {
  eslint: module('node_modules/eslint/bin/eslint.js', '.'),
  prettier: module('node_modules/prettier/bin/prettier.cjs', '--check', '--log-level=warn', '.'),
  'table of planned circuits': module('scripts/docs-circuits.mjs', '--check'),
  'API reference': module(
    'node_modules/typedoc/bin/typedoc',
    '--emit',
    'none',
    '--logLevel',
    'Warn',
  ),
};

/** All side by side. @returns as a project of suites: counts, and seconds of each check */
export async function runChecks(checks = CHECKS) {
  const start = performance.now();
  const suites = await Promise.all(
    Object.entries(checks).map(async ([name, { command, args }]) => {
      const passed = await succeeds(command, args);
      const seconds = (performance.now() - start) / 1000;
      say(`check: ${name}: ${passed ? 'passed' : 'FAILED'} (${seconds.toFixed(1)} s)`);
      return { name, passed, seconds };
    }),
  );
  return {
    name: 'checks',
    seconds: (performance.now() - start) / 1000,
    passed: suites.filter(({ passed }) => passed).length,
    failed: suites.filter(({ passed }) => !passed).length,
    suites,
  };
}

/** Its output is shown whole, after it has ended, if it fails. */
async function succeeds(command, args) {
  const child = spawn(command, args, { cwd: root, stdio: ['ignore', 'pipe', 'pipe'] });
  const output = [];
  for (const stream of [child.stdout, child.stderr])
    stream.on('data', (chunk) => output.push(chunk));
  const status = await new Promise((resolve) => {
    child.once('error', (error) => {
      output.push(`${error.message}\n`);
      resolve(null);
    });
    child.once('close', resolve);
  });
  if (status !== 0) process.stderr.write(Buffer.concat(output.map((chunk) => Buffer.from(chunk))));
  return status === 0;
}
