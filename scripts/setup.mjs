// Brings a checkout to a state where what is asked for runs: packages, compiled TypeScript, native addon, libraries for devices.
// Does only what is stale. `node scripts/setup.mjs`, or `await setup()` from another script.
import { spawn, spawnSync } from 'node:child_process';
import { createHash } from 'node:crypto';
import { existsSync, readdirSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import { availableParallelism } from 'node:os';
import { dirname, join, relative } from 'node:path';
import { fileURLToPath } from 'node:url';

export const root = dirname(dirname(fileURLToPath(import.meta.url)));

/** A step failed; its output is already on the terminal. */
export class StepFailed extends Error {}

/**
 * @param needs.workspaces what to compile, with everything it depends on; `.` is all
 * @param needs.addon the native addon
 * @param needs.programs with the programs that test and measure its kernels
 * @param needs.emulatedDevice the library that runs a GPU's kernels on the CPU: only tests use it
 * @param needs.cudaLibrary the library that drives a GPU, where there is an nvcc
 * @throws {StepFailed}
 */
export async function setup({
  workspaces = ['.'],
  addon = true,
  programs = false,
  emulatedDevice = false,
  cudaLibrary = false,
} = {}) {
  checkNode();
  await installPackages();
  // TypeScript takes one core and nothing of the native build
  const work = await Promise.allSettled([
    compile(workspaces),
    buildNative({ addon, programs, emulatedDevice, cudaLibrary }),
  ]);
  const failed = work.find(({ status }) => status === 'rejected');
  if (failed !== undefined) throw failed.reason;
}

async function buildNative({ addon, programs, emulatedDevice, cudaLibrary }) {
  if (addon) await buildAddon({ programs });
  if (emulatedDevice) await buildDevice(EMULATED_DEVICE);
  if (cudaLibrary) await buildDevice(CUDA_LIBRARY);
}

function checkNode() {
  const major = Number(process.versions.node.split('.')[0]);
  if (major < 20) throw new StepFailed(`Node 20 or later is needed, this is ${process.version}`);
}

// --- packages ---

async function installPackages() {
  if (packagesInstalled()) return say('packages: up to date');
  await step('packages: installing', 'npm', [
    'ci',
    // no package needs its install script; the addon is built below, where progress is visible
    '--ignore-scripts',
    '--no-audit',
    '--no-fund',
    // also where NODE_ENV=production
    '--include=dev',
  ]);
}

/** Does node_modules hold, version by version, what the lockfile asks for? */
function packagesInstalled() {
  const hidden = join(root, 'node_modules/.package-lock.json');
  if (!existsSync(hidden)) return false;
  // `npx attensor`: npm links a workspace's command only while it installs
  if (!existsSync(join(root, 'node_modules/.bin/attensor'))) return false;
  const installed = readJson(hidden).packages;
  const wanted = Object.entries(readJson(join(root, 'package-lock.json')).packages);
  return wanted
    .filter(([path, entry]) => path.includes('node_modules/') && !entry.optional && !entry.link)
    .every(
      ([path, { version }]) =>
        installed[path]?.version === version && existsSync(join(root, path, 'package.json')),
    );
}

// --- native addon ---

async function buildAddon({ programs }) {
  const native = join(root, 'native');
  const stamp = join(native, 'build/sources.sha256');
  const addon = join(native, 'build/Release/attensor_native.node');
  const sources = hashOf([
    ...files(join(native, 'src')).filter((file) => /\.(cc|cu|h|cuh)$/.test(file)),
    ...files(join(native, 'test')),
    ...files(join(native, 'bench/cuda')),
    ...files(join(native, 'scripts')),
    join(native, 'binding.gyp'),
    join(native, 'package.json'),
  ]);
  const stampOf = (targets) =>
    `${sources} node ${process.version} ${process.platform}-${process.arch} ${targets}\n`;
  const wanted = stampOf(programs ? 'all' : 'addon');
  const found = existsSync(addon) && existsSync(stamp) ? readFileSync(stamp, 'utf8') : undefined;
  if (found === wanted || found === stampOf('all')) return say('native addon: up to date');
  const targets = programs ? [] : ['attensor_native'];
  await step(`native addon${programs ? ' and its programs' : ''}: building`, process.execPath, [
    join(native, 'scripts/build.mjs'),
    ...['configure', 'build', '-j', `${availableParallelism()}`, ...targets],
  ]);
  writeFileSync(stamp, wanted);
}

// --- libraries for GPUs, and the emulation that tests them ---

const EMULATED_DEVICE = {
  title: 'emulated device',
  library: 'attensor_cuda_emulated.so',
  script: 'build:cuda-emulated',
  compiler: process.env.CXX ?? 'c++',
};
const CUDA_LIBRARY = {
  title: 'CUDA library',
  library: 'attensor_cuda.so',
  script: 'build:cuda',
  compiler: process.env.NVCC ?? 'nvcc',
};

async function buildDevice({ title, library, script, compiler }) {
  const version = spawnSync(compiler, ['--version'], { encoding: 'utf8' });
  if (version.error !== undefined) return say(`${title}: skipped, no ${compiler}`);
  const native = join(root, 'native');
  const sources = hashOf([
    ...files(join(native, 'cuda')).filter((file) => !file.endsWith('.md')),
    ...files(join(native, 'src/device')),
    ...files(join(native, 'src/prover')),
    ...files(join(native, 'src/common')),
    join(native, 'scripts/build-cuda.mjs'),
  ]);
  const stamp = join(native, 'build', `${library}.sha256`);
  const stampOf = (architectures) => `${sources} ${architectures} ${version.stdout}`;
  const wanted = stampOf(process.env.ATTENSOR_CUDA_ARCH ?? 'all');
  const file = join(native, 'build', library);
  const found = existsSync(file) && existsSync(stamp) ? readFileSync(stamp, 'utf8') : undefined;
  // one for all architectures is one for each
  if (found === wanted || found === stampOf('all')) return say(`${title}: up to date`);
  await step(`${title}: building`, 'npm', ['run', '--silent', '--workspace', 'native', script]);
  writeFileSync(stamp, wanted);
}

// --- TypeScript ---

async function compile(workspaces) {
  if (workspaces.length === 0) return;
  readJson(join(root, 'package.json'))
    .workspaces.map((name) => join(root, name))
    .forEach(pruneOutputs);
  await step('TypeScript: compiling what changed', process.execPath, [
    join(root, 'node_modules/typescript/bin/tsc'),
    '--build',
    ...workspaces,
  ]);
}

/** Removes compiled files whose source is gone: their tests would still run. */
function pruneOutputs(workspace) {
  const [src, dist] = [join(workspace, 'src'), join(workspace, 'dist')];
  const stale = files(dist).filter((file) => {
    const stem = relative(dist, file).replace(/(\.d\.ts|\.js)(\.map)?$/, '');
    const source = ['.ts', '.tsx'].some((extension) => existsSync(join(src, stem + extension)));
    return !source && /\.(js|ts|map)$/.test(file);
  });
  stale.forEach((file) => rmSync(file));
}

// --- helpers ---

export function say(line) {
  console.error(`setup: ${line}`);
}

/** Runs a command with its output on stderr: stdout belongs to the caller's result. */
export async function step(title, command, args) {
  say(title);
  const start = performance.now();
  const child = spawn(command, args, { cwd: root, stdio: ['ignore', 2, 2] });
  const [error, status] = await new Promise((resolve) => {
    child.once('error', (failure) => resolve([failure, null]));
    child.once('close', (code, signal) => resolve([undefined, code ?? signal]));
  });
  if (error !== undefined) throw new StepFailed(`${title}: ${error.message}`);
  if (status !== 0) throw new StepFailed(`${title}: ${command} ended with status ${status}`);
  say(`${title}: done in ${((performance.now() - start) / 1000).toFixed(1)} s`);
}

function readJson(path) {
  return JSON.parse(readFileSync(path, 'utf8'));
}

/** All files below a folder; none if there is no such folder. */
export function files(folder) {
  if (!existsSync(folder)) return [];
  return readdirSync(folder, { withFileTypes: true, recursive: true })
    .filter((entry) => entry.isFile())
    .map((entry) => join(entry.parentPath ?? entry.path, entry.name))
    .sort();
}

export function hashOf(paths) {
  const hash = createHash('sha256');
  for (const path of paths)
    hash.update(relative(root, path)).update('\0').update(readFileSync(path));
  return hash.digest('hex');
}

if (process.argv[1] === fileURLToPath(import.meta.url)) {
  try {
    await setup({ programs: true, cudaLibrary: true });
  } catch (error) {
    if (!(error instanceof StepFailed)) throw error;
    console.error(`setup: failed: ${error.message}`);
    process.exitCode = 1;
  }
}
