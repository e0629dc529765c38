// `npm run demo`: setup, then the whole story on one screen (see `attensor demo --help`).
import { spawnSync } from 'node:child_process';
import { join } from 'node:path';
import { root, setup, StepFailed } from './setup.mjs';

try {
  await setup({ workspaces: ['cli'] });
  const main = join(root, 'cli/dist/main.js');
  const { status } = spawnSync(process.execPath, [main, 'demo', ...process.argv.slice(2)], {
    cwd: root,
    stdio: 'inherit',
  });
  process.exitCode = status ?? 3;
} catch (error) {
  if (!(error instanceof StepFailed)) throw error;
  console.error(`setup: failed: ${error.message}`);
  process.exitCode = 1;
}
