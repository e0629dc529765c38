import { describe, expect, it } from '@jest/globals';
import { inMina, nanomina } from './alias.js';

describe('amounts', () => {
  it('go through MINA and back', () => {
    for (const amount of [0n, 1n, 10_000_000n, 1_500_000_000n, 123_456_789_012n]) {
      expect(nanomina(inMina(amount), '')).toBe(amount);
    }
    expect(() => nanomina('1e9', '')).toThrow();
    expect(() => nanomina('0.0000000001', '')).toThrow();
  });
});
