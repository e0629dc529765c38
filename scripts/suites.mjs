// Which test suites there are, to which project each belongs, and what must be built before it runs. Everything follows from
// names: set-up reads it before anything is compiled.
import { existsSync, readFileSync } from 'node:fs';
import { join, relative } from 'node:path';
import { files, root } from './setup.mjs';

/** In the order in which they run: what a proof suite proves, a browser suite uses. */
export const PROJECTS = ['unit', 'whole', 'proof', 'browser'];

/**
 * All suites, by their sources: `contracts/src/read.test.ts`.
 * @returns paths relative to the root
 */
export function allSuites() {
  const { workspaces } = readJson(join(root, 'package.json'));
  const inWorkspaces = workspaces
    .flatMap((name) => files(join(root, name, 'src')))
    .filter((file) => file.endsWith('.test.ts'));
  const ofScripts = files(join(root, 'scripts')).filter((file) => file.endsWith('.test.mjs'));
  return [...inWorkspaces, ...ofScripts].map((file) => relative(root, file));
}

/**
 * - `browser`: needs Chromium and the built page; in `tests/src/browser`.
 * - `proof`: compiles circuits and makes Pickles proofs; `*.proof.test.ts`. Minutes and gigabytes, so each has a process of its own.
 * - `whole`: a node that answers over HTTP, a whole command, a whole model's messages or evaluation, all kernels on the emulated
 *   device; `*.whole.test.ts`. Each takes many seconds, none gigabytes, so several run side by side.
 * - `unit`: everything else, which is what a developer runs all the time: seconds a suite.
 */
export function projectOf(suite) {
  if (suite.startsWith('tests/src/browser/')) return 'browser';
  return /\.(whole|proof)\.test\.ts$/.exec(suite)?.[1] ?? 'unit';
}

/** The file that jest runs. */
export function compiled(suite) {
  return suite.replace('/src/', '/dist/').replace(/\.ts$/, '.js');
}

/** The suites whose source or compiled path contains one of `paths`; all if there is none. */
export function select(suites, paths) {
  if (paths.length === 0) return suites;
  const wanted = paths.map((path) => path.replace(/^\.\//, ''));
  return suites.filter((suite) =>
    wanted.some((path) => suite.includes(path) || compiled(suite).includes(path)),
  );
}

/**
 * What `setup` must make for these suites.
 * - What a workspace depends on, its `package.json` says; whoever depends on `native` needs the addon.
 * - `device.whole.test.ts` runs kernels of a GPU on the emulated device; that the CUDA library compiles is seen where all suites run.
 * - Suites of `native` run its test programs.
 * - Suites of queues start servers of Redis and PostgreSQL.
 */
export function needsOf(suites) {
  const workspaces = new Set(suites.map((suite) => suite.split('/')[0]));
  workspaces.delete('scripts');
  const onDevice = suites.some((suite) => suite.endsWith('/device.whole.test.ts'));
  const browser = suites.some((suite) => projectOf(suite) === 'browser');
  const databases = suites.some((suite) => /queue.*\.test\.ts$/.test(suite));
  return {
    workspaces: [...workspaces],
    addon: [...workspaces].some((name) => dependencies(name).has('native')),
    programs: workspaces.has('native'),
    emulatedDevice: onDevice,
    cudaLibrary: suites.includes('native/src/device.whole.test.ts'),
    browser,
    databases,
  };
}

/** A workspace and all workspaces it depends on, by folder. */
export function dependencies(workspace, found = new Set()) {
  if (found.has(workspace)) return found;
  found.add(workspace);
  const path = join(root, workspace, 'package.json');
  if (!existsSync(path)) return found;
  const { dependencies: direct = {} } = readJson(path);
  for (const name of Object.keys(direct))
    if (name.startsWith('@attensor/')) dependencies(name.slice('@attensor/'.length), found);
  return found;
}

function readJson(path) {
  return JSON.parse(readFileSync(path, 'utf8'));
}
