// What `npm test` checks besides the test suites: format, lint, and what is generated. Each counts as one test. By itself:
// `node scripts/checks.mjs eslint prettier` runs those named, or all.
import { spawn } from 'node:child_process';
import { join, relative } from 'node:path';
import { fileURLToPath } from 'node:url';
import { files, root, say } from './setup.mjs';

const module = (path, ...args) => ({ command: process.execPath, args: [path, ...args] });

/** C++ and CUDA of the native package; native/.clang-format-ignore excepts what is generated. */
const nativeSources = ['src', 'cuda', 'test', 'bench']
  .flatMap((folder) => files(join(root, 'native', folder)))
  .filter((file) => /\.(cc|cu|h)$/.test(file))
  .map((file) => relative(root, file));

export const CHECKS = {
  eslint: module('node_modules/eslint/bin/eslint.js', '.'),
  prettier: module('node_modules/prettier/bin/prettier.cjs', '--check', '--log-level=warn', '.'),
  'clang-format': module(
    'node_modules/clang-format-node/build/cli.js',
    ...['--dry-run', '--Werror', ...nativeSources],
  ),
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

if (process.argv[1] === fileURLToPath(import.meta.url)) {
  const named = process.argv.slice(2);
  const unknown = named.find((name) => !(name in CHECKS));
  if (unknown !== undefined)
    throw new Error(`checks: '${unknown}' is none of ${Object.keys(CHECKS).join(', ')}`);
  const chosen = Object.entries(CHECKS).filter(
    ([name]) => named.length === 0 || named.includes(name),
  );
  const { failed } = await runChecks(Object.fromEntries(chosen));
  process.exitCode = failed === 0 ? 0 : 1;
}
