// What npm runs when the package is installed: builds the addon. Where that fails, the package still verifies proofs and runs the
// reference engine; whoever needs the addon is told so by the error ENGINE_UNAVAILABLE.
import { spawnSync } from 'node:child_process';
import { existsSync } from 'node:fs';
import { cpus } from 'node:os';
import { dirname, join } from 'node:path';
import { fileURLToPath } from 'node:url';

const root = dirname(dirname(fileURLToPath(import.meta.url)));
if (!existsSync(join(root, 'build/Release/attensor_native.node'))) {
  const build = ['configure', 'build', 'attensor_native', '-j', `${cpus().length}`];
  const { status } = spawnSync(process.execPath, [join(root, 'scripts/build.mjs'), ...build], {
    stdio: 'inherit',
  });
  if (status !== 0) {
    console.error(
      '@attensor/native: the addon was not built. Proving needs it: a C++20 compiler, make and Python 3, then `npm rebuild @attensor/native`.',
    );
  }
}
