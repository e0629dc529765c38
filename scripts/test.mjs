// `npm test [-- paths] [-- jest options]`: set-up for the suites that the paths select (all without one), the suites, how long each
// took, and a last line `N passed, N failed`. `--project unit`, `proof` or `browser` runs one project, `--watch` keeps running it.
import { spawn, spawnSync } from 'node:child_process';
import { existsSync, mkdirSync, mkdtempSync, readFileSync, rmSync } from 'node:fs';
import { availableParallelism, tmpdir, totalmem } from 'node:os';
import { join, relative } from 'node:path';
import { prepareBrowser } from './browser.mjs';
import { runChecks } from './checks.mjs';
import { installDatabases } from './databases.mjs';
import { parseArguments, summary, timesOf, workersFor } from './report.mjs';
import { root, say, setup, StepFailed } from './setup.mjs';
import { allSuites, compiled, needsOf, projectOf, PROJECTS, select } from './suites.mjs';

const { project, watch, paths, options } = parseArguments(process.argv.slice(2));
const projects = project === undefined ? PROJECTS : [project];
const suites = select(allSuites(), paths).filter((suite) => projects.includes(projectOf(suite)));

const jest = join(root, 'node_modules/jest/bin/jest.js');
const environment = (shared) => ({
  ...process.env,
  NODE_OPTIONS: [process.env.NODE_OPTIONS, '--experimental-vm-modules', '--no-warnings']
    .filter(Boolean)
    .join(' '),
  // what one suite proves, another may use
  ATTENSOR_TEST_RUN: shared,
});

/** The suites of one project in one jest run; a suite that could not run counts as one failed test. */
function runProject(name, suites, folder) {
  const report = join(folder, `${name}.json`);
  const start = performance.now();
  const { status } = spawnSync(
    process.execPath,
    [
      ...[jest, '--json', `--outputFile=${report}`, '--selectProjects', name],
      ...workersFor(name, { cores: availableParallelism(), memory: totalmem() }),
      ...options,
      ...['--runTestsByPath', ...suites.map((suite) => join(root, compiled(suite)))],
    ],
    {
      cwd: root,
      // the report goes to the file, and jest's own output to stderr
      stdio: ['ignore', 'ignore', 'inherit'],
      env: environment(join(folder, 'shared')),
    },
  );
  const results = existsSync(report) ? JSON.parse(readFileSync(report, 'utf8')) : undefined;
  const seconds = (performance.now() - start) / 1000;
  return { name, seconds, ...summary(results, suites.length, status) };
}

async function prepare() {
  // that it compiles is seen by one architecture, and sooner
  process.env.ATTENSOR_CUDA_ARCH ??= 'sm_90';
  const { browser, databases, ...needs } = needsOf(suites);
  await setup(needs);
  if (browser) await prepareBrowser();
  if (databases) installDatabases();
}

async function run() {
  if (suites.length === 0) {
    say(`no suite's path contains ${paths.join(' or ')}`);
    return { passed: 0, failed: 1 };
  }
  try {
    await prepare();
  } catch (error) {
    if (!(error instanceof StepFailed)) throw error;
    console.error(`setup: failed: ${error.message}`);
    return { passed: 0, failed: 1 };
  }
  const folder = mkdtempSync(join(tmpdir(), 'attensor-test-'));
  mkdirSync(join(folder, 'shared'));
  try {
    const ran = PROJECTS.map((name) => [name, suites.filter((each) => projectOf(each) === name)])
      .filter(([, own]) => own.length > 0)
      .map(([name, own]) => runProject(name, own, folder));
    if (paths.length === 0 && project === undefined) ran.push(await runChecks());
    console.error(timesOf(ran, (path) => relative(root, path)));
    return {
      passed: ran.reduce((sum, { passed }) => sum + passed, 0),
      failed: ran.reduce((sum, { failed }) => sum + failed, 0),
    };
  } finally {
    rmSync(folder, { recursive: true, force: true });
  }
}

/** The compiler and jest, each watching; paths and options as above. */
async function runWatching() {
  await prepare();
  const tsc = [join(root, 'node_modules/typescript/bin/tsc'), '--build', '--watch'];
  const compiler = spawn(process.execPath, [...tsc, '--preserveWatchOutput'], {
    cwd: root,
    stdio: ['ignore', 'ignore', 2],
  });
  const names = paths.length === 0 ? [] : suites.map(compiled);
  const { status } = spawnSync(
    process.execPath,
    // names come first: --selectProjects takes all that follow it
    [jest, ...names, '--watchAll', ...options, '--selectProjects', ...projects],
    { cwd: root, stdio: 'inherit', env: environment(undefined) },
  );
  compiler.kill();
  process.exitCode = status ?? 1;
}

if (watch) await runWatching();
else {
  const { passed, failed } = await run();
  process.exitCode = failed === 0 && passed > 0 ? 0 : 1;
  console.log(`${passed} passed, ${failed} failed`);
}
