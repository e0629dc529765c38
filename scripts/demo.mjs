// `npm run demo`: setup, then the whole story on one screen (see `attensor demo --help`).
import { spawn } from 'node:child_process';
import { once } from 'node:events';
import { constants } from 'node:os';
import { join } from 'node:path';
import { root, setup, StepFailed } from './setup.mjs';

try {
  await setup({ workspaces: ['cli'] });
  const main = join(root, 'cli/dist/main.js');
  const child = spawn(process.execPath, [main, 'demo', ...process.argv.slice(2)], {
    cwd: root,
    stdio: 'inherit',
  });
  // what ends this process ends the demo
  for (const signal of ['SIGINT', 'SIGTERM', 'SIGHUP'])
    process.on(signal, () => child.kill(signal));
  const [code, signal] = await once(child, 'exit');
  process.exitCode = code ?? 128 + constants.signals[signal];
} catch (error) {
  if (!(error instanceof StepFailed)) throw error;
  console.error(`setup: failed: ${error.message}`);
  process.exitCode = 1;
}
