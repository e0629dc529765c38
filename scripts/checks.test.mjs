import { expect, test } from '@jest/globals';
import { existsSync } from 'node:fs';
import { join } from 'node:path';
import { CHECKS, runChecks } from './checks.mjs';
import { root } from './setup.mjs';

test('checks count as tests: what ends well, what does not, and what is not there', async () => {
  const evaluate = (code) => ({ command: process.execPath, args: ['-e', code] });
  const { passed, failed, suites } = await runChecks({
    good: evaluate(''),
    bad: evaluate('process.exit(3)'),
    none: { command: '/no/such/program', args: [] },
  });
  expect({ passed, failed }).toEqual({ passed: 1, failed: 2 });
  expect(suites.map((each) => [each.name, each.passed])).toEqual([
    ['good', true],
    ['bad', false],
    ['none', false],
  ]);
});

test('the tools are installed', () => {
  for (const { args } of Object.values(CHECKS)) expect(existsSync(join(root, args[0]))).toBe(true);
});
