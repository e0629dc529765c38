// Builds the library that drives a GPU, build/attensor_cuda.so, with nvcc; with --emulated the one that runs the
// same kernels on the CPU, build/attensor_cuda_emulated.so, with a C++ compiler. `--arch sm_90`, or
// ATTENSOR_CUDA_ARCH=sm_90, builds for one architecture only, `--verbose` prints what ptxas says.
import { spawnSync } from 'node:child_process';
import { existsSync, mkdirSync, readdirSync, renameSync, rmSync, statSync } from 'node:fs';
import { basename, dirname, join, relative } from 'node:path';
import { fileURLToPath } from 'node:url';

/** Compute capabilities that machine code is made for; the last one also as PTX, for those that come after it. */
const ARCHITECTURES = ['sm_80', 'sm_89', 'sm_90', 'sm_100', 'sm_120'];

const root = dirname(dirname(fileURLToPath(import.meta.url)));
const cuda = join(root, 'cuda');
const args = process.argv.slice(2);
const emulated = args.includes('--emulated');
const only = args.includes('--arch')
  ? args[args.indexOf('--arch') + 1]
  : process.env.ATTENSOR_CUDA_ARCH;
const verbose = args.includes('--verbose');

const nvcc = process.env.NVCC ?? 'nvcc';
const cxx = process.env.CXX ?? 'c++';
const compiler = emulated ? cxx : nvcc;
if (spawnSync(compiler, ['--version']).error !== undefined) {
  console.error(
    `cuda: ${compiler} is not found. Install the CUDA toolkit (13 or later), or name its compiler in NVCC.`,
  );
  process.exit(1);
}

const names = (folder, ...kinds) =>
  readdirSync(folder)
    .filter((name) => kinds.some((kind) => name.endsWith(kind)))
    .map((name) => join(folder, name));
const host = [join(root, 'src/prover/fp.cc'), join(root, 'src/common/cpu.cc')];
const sources = emulated
  ? [
      ...names(cuda, '.cu', '.cc').filter((name) => basename(name) !== 'runtime_cuda.cu'),
      ...names(join(cuda, 'emulation'), '.cc'),
      ...host,
    ]
  : [...names(cuda, '.cu', '.cc'), ...host];

const library = join(root, 'build', emulated ? 'attensor_cuda_emulated.so' : 'attensor_cuda.so');
const objects = join(root, 'build', emulated ? 'cuda-emulated' : 'cuda');
mkdirSync(objects, { recursive: true });

const shared = ['-std=c++20', '-DATTENSOR_X86=0', `-I${join(root, 'src')}`, `-I${cuda}`];
const warnings = ['-Wall', '-Wextra', '-Wno-psabi'];
const hostFlags = ['-fPIC', '-fvisibility=hidden', ...warnings];

function architectures() {
  const chosen = only === undefined ? ARCHITECTURES : [only];
  return chosen.flatMap((name, i) => {
    const number = name.replace('sm_', '');
    const code =
      only === undefined && i === chosen.length - 1 ? `[sm_${number},compute_${number}]` : name;
    return ['-gencode', `arch=compute_${number},code=${code}`];
  });
}

function compileArguments(source, object) {
  if (emulated) return [...shared, ...hostFlags, '-O2', '-x', 'c++', '-c', source, '-o', object];
  const own = ['-O3', '-Xcompiler', hostFlags.join(','), '--threads', '2'];
  const kernels = source.endsWith('.cu')
    ? [...architectures(), ...(verbose ? ['-Xptxas', '-v'] : [])]
    : [];
  return [...shared, ...own, ...kernels, '-c', source, '-o', object];
}

function execute(program, parameters) {
  const { status, error } = spawnSync(program, parameters, { stdio: 'inherit' });
  if (error !== undefined) console.error(`cuda: ${error.message}`);
  if (status !== 0) process.exit(1);
}

const newest = (files) => Math.max(...files.map((file) => statSync(file).mtimeMs));
const headers = newest([
  ...names(cuda, '.h'),
  ...names(join(cuda, 'emulation'), '.h'),
  ...names(join(root, 'src/device'), '.h'),
  ...names(join(root, 'src/prover'), '.h'),
  fileURLToPath(import.meta.url),
]);

const start = performance.now();
const built = sources.map((source) => {
  const object = join(objects, `${basename(source)}${only === undefined ? '' : `.${only}`}.o`);
  if (
    !existsSync(object) ||
    verbose ||
    statSync(object).mtimeMs < Math.max(headers, newest([source]))
  )
    execute(compiler, compileArguments(source, object));
  return object;
});
// Renamed when it is whole: a process may have the old one open.
const fresh = `${library}.new`;
rmSync(fresh, { force: true });
execute(compiler, ['-shared', ...built, '-o', fresh]);
renameSync(fresh, library);
console.error(
  `cuda: ${relative(process.cwd(), library)} in ${((performance.now() - start) / 1000).toFixed(1)} s`,
);
