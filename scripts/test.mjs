// `npm test [-- jest arguments]`: setup, all tests, and a last line `N passed, N failed`.
import { spawnSync } from 'node:child_process';
import { existsSync, mkdirSync, mkdtempSync, readFileSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { prepareBrowser } from './browser.mjs';
import { root, setup, StepFailed } from './setup.mjs';

/** Counts of a jest run; a suite that could not run counts as one failed test. */
function runJest(args) {
  const folder = mkdtempSync(join(tmpdir(), 'attensor-test-'));
  const report = join(folder, 'report.json');
  // what one suite proves, another may use
  const shared = join(folder, 'shared');
  mkdirSync(shared);
  try {
    const jest = join(root, 'node_modules/jest/bin/jest.js');
    const options = [process.env.NODE_OPTIONS, '--experimental-vm-modules', '--no-warnings'];
    const { status } = spawnSync(
      process.execPath,
      [jest, '--json', `--outputFile=${report}`, ...args],
      {
        cwd: root,
        // the report goes to the file, and jest's own output to stderr
        stdio: ['ignore', 'ignore', 'inherit'],
        env: {
          ...process.env,
          NODE_OPTIONS: options.filter(Boolean).join(' '),
          ATTENSOR_TEST_RUN: shared,
        },
      },
    );
    if (!existsSync(report)) return { passed: 0, failed: 1 };
    const results = JSON.parse(readFileSync(report, 'utf8'));
    const failed = results.numFailedTests + results.numRuntimeErrorTestSuites;
    return { passed: results.numPassedTests, failed: failed === 0 && status !== 0 ? 1 : failed };
  } finally {
    rmSync(folder, { recursive: true, force: true });
  }
}

function run() {
  // that it compiles is seen by one architecture, and sooner
  process.env.ATTENSOR_CUDA_ARCH ??= 'sm_90';
  try {
    setup();
    prepareBrowser();
  } catch (error) {
    if (!(error instanceof StepFailed)) throw error;
    console.error(`setup: failed: ${error.message}`);
    return { passed: 0, failed: 1 };
  }
  return runJest(process.argv.slice(2));
}

const { passed, failed } = run();
process.exitCode = failed === 0 && passed > 0 ? 0 : 1;
console.log(`${passed} passed, ${failed} failed`);
