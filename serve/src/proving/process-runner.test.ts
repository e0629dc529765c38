import { afterEach, expect, it } from '@jest/globals';
import { mkdir, mkdtemp, rm, stat } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { setTimeout as pause } from 'node:timers/promises';
import { fileURLToPath } from 'node:url';
import { ProcessRunner } from './process-runner.js';
import { RunnerLost } from './runner.js';

const script = fileURLToPath(new URL('../testing/fake-prover-process.js', import.meta.url));
const logged: string[] = [];
let runner: ProcessRunner;
afterEach(() => runner.close());

function start(modelDir = 'model', stepsDir = 'steps') {
  logged.length = 0;
  runner = new ProcessRunner({
    settings: { modelDir, stepsDir },
    log: (what) => logged.push(what),
    script,
  });
}
const task = (id: string) => ({ id, promptIds: [1], outputIds: [2] });
const ready = async () => {
  while (runner.notReady !== undefined) await pause(20);
};

it('proves in a process of its own, and tells its steps', async () => {
  start();
  expect(runner.notReady).toBeDefined();
  const steps: string[] = [];
  const file = await runner.start(task('one'), (step) => steps.push(step));
  expect(Number(file.statement.inputHash)).toBe(runner.pid);
  expect(runner.pid).not.toBe(process.pid);
  expect(steps).toEqual(['run']);
  expect(runner.steps).toEqual([{ step: 'run', seconds: 1 }]);
  expect(runner.notReady).toBeUndefined();
});

it('a process that ends loses what it proved, and is started again', async () => {
  start();
  await expect(runner.start(task('crash'), () => undefined)).rejects.toThrow(RunnerLost);
  expect(runner.notReady).toContain('SIGKILL');
  // told while nobody is there: the next process does it
  const file = await runner.start(task('two'), () => undefined);
  expect(Number(file.statement.inputHash)).toBe(runner.pid);
  await ready();
  expect(logged.filter((what) => what === 'keys are there')).toHaveLength(2);
});

it('cancels, and forgets what was kept', async () => {
  const steps = await mkdtemp(join(tmpdir(), 'attensor-steps-'));
  start('model', steps);
  const waiting = runner.start(task('wait'), () => undefined);
  await ready();
  runner.cancel('wait');
  await expect(waiting).rejects.toMatchObject({ code: 'CANCELLED' });
  await mkdir(join(steps, 'wait'));
  await runner.forget('wait');
  await expect(stat(join(steps, 'wait'))).rejects.toMatchObject({ code: 'ENOENT' });
  await rm(steps, { recursive: true });
});

it('a model that cannot be proved is a reason not to be ready', async () => {
  start('nowhere');
  while (!logged.includes('the process that proves ended')) await pause(20);
  expect(logged).toContain('keys cannot be loaded');
  expect(runner.notReady).toBe('the model is not committed');
});
