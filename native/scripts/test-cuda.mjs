// Runs the kernels' tests on the GPU; with --emulated on the emulation. `--sanitize [tool]` runs them under
// compute-sanitizer (memcheck, racecheck, initcheck or synccheck; memcheck if none is named).
import { spawnSync } from 'node:child_process';
import { dirname, join } from 'node:path';
import { fileURLToPath } from 'node:url';

const build = join(dirname(dirname(fileURLToPath(import.meta.url))), 'build');
const args = process.argv.slice(2);
const library = args.includes('--emulated') ? 'attensor_cuda_emulated.so' : 'attensor_cuda.so';
const test = [join(build, 'Release/attensor_cuda_test'), join(build, library)];
const at = args.indexOf('--sanitize');
const sanitizer = [
  'compute-sanitizer',
  '--error-exitcode',
  '1',
  '--tool',
  args[at + 1] ?? 'memcheck',
];
const [program, ...rest] = at < 0 ? test : [...sanitizer, ...test];
const { status, error } = spawnSync(program, rest, { stdio: 'inherit' });
if (error !== undefined) {
  const hint =
    at < 0 ? 'Run `npm run build:native` first.' : 'compute-sanitizer comes with the CUDA toolkit.';
  console.error(`test-cuda: ${error.message}. ${hint}`);
}
process.exit(status ?? 1);
