import { describe, expect, it } from '@jest/globals';
import { searched } from './history.js';

const LIMITS = { size: 50, height: 120 };

describe('the blocks that an archive searches', () => {
  it('are the last ones without bounds, else as many from there on or up to there', () => {
    expect(searched({}, LIMITS)).toEqual({ from: 70 });
    expect(searched({ from: 10 }, LIMITS)).toEqual({ from: 10, to: 60 });
    expect(searched({ to: 90 }, LIMITS)).toEqual({ from: 40, to: 90 });
    expect(searched({ from: 10, to: 60 }, LIMITS)).toEqual({ from: 10, to: 60 });
  });

  it('are the first ones of too many, where it cuts', () => {
    const limits = { ...LIMITS, cuts: true };
    expect(searched({ from: 10, to: 110 }, limits)).toEqual({ from: 10, to: 60 });
    expect(searched({ from: 10, to: 30 }, limits)).toEqual({ from: 10, to: 30 });
    expect(searched({ to: 90 }, limits)).toEqual({ from: 40, to: 90 });
    expect(() => searched({ from: 60, to: 10 }, limits)).toThrow(/BAD_ARGUMENT/);
  });

  it('are never more than it allows', () => {
    for (const [from, to] of [
      [10, 61],
      [1, 10_000],
      [60, 10],
    ]) {
      expect(() => searched({ from, to }, LIMITS)).toThrow(
        expect.objectContaining({ code: 'BAD_ARGUMENT', got: `from ${from} to ${to}` }),
      );
    }
  });
});
