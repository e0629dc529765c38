import { execFileSync, spawnSync } from 'node:child_process';
import { describe, expect, test } from '@jest/globals';
import { existsSync } from 'node:fs';
import { fileURLToPath } from 'node:url';

const addon = new URL('./addon.js', import.meta.url).href;
const index = new URL('./index.js', import.meta.url).href;
const SETS = ['portable', 'adx', 'avx2', 'ifma'];
const program = fileURLToPath(new URL('../build/Release/kernels_test', import.meta.url));

describe('kernels without Node', () => {
  test('the program is built', () => {
    expect(existsSync(program)).toBe(true);
  });

  const run = (isa: string) =>
    execFileSync(program, { env: { ...process.env, ATTENSOR_ISA: isa }, encoding: 'utf8' });
  const best = SETS.indexOf(/backend (\w+)/.exec(run('ifma'))?.[1] ?? '');

  test.each(SETS)('instruction set %s, or the best that the CPU has', (isa) => {
    const chosen = SETS[Math.min(best, SETS.indexOf(isa))];
    expect(run(isa)).toContain(`all passed (backend ${chosen})`);
  });

  test.each(SETS)('the engine names the kernels that it runs: %s', (isa) => {
    const name = `(await import(${JSON.stringify(index)})).engine.instructionSet()`;
    const { stdout } = spawnSync(
      process.execPath,
      ['--input-type=module', '-e', `process.stdout.write(${name})`],
      { env: { ...process.env, ATTENSOR_ISA: isa }, encoding: 'utf8' },
    );
    expect(stdout).toBe(SETS[Math.min(best, SETS.indexOf(isa))]);
  });

  test('an instruction set of another name is an error when the addon is loaded', () => {
    const { status, stderr } = spawnSync(
      process.execPath,
      ['--input-type=module', '-e', `(await import(${JSON.stringify(addon)})).loadAddon()`],
      { env: { ...process.env, ATTENSOR_ISA: 'avx' }, encoding: 'utf8' },
    );
    expect(status).toBe(1);
    expect(stderr).toContain("ATTENSOR_ISA: expected portable, adx, avx2 or ifma, got 'avx'");
  });
});
