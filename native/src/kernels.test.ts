import { execFileSync } from 'node:child_process';
import { describe, expect, test } from '@jest/globals';
import { existsSync } from 'node:fs';
import { fileURLToPath } from 'node:url';

const program = fileURLToPath(new URL('../build/Release/kernels_test', import.meta.url));

describe('kernels without Node', () => {
  test('the program is built', () => {
    expect(existsSync(program)).toBe(true);
  });

  // A name the CPU does not have runs the best it has.
  test.each(['portable', 'adx', 'avx2', 'ifma'])('instruction set %s', (isa) => {
    const out = execFileSync(program, {
      env: { ...process.env, ATTENSOR_ISA: isa },
      encoding: 'utf8',
    });
    expect(out).toContain('all passed');
  });
});
