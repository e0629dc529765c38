import { describe, expect, it } from '@jest/globals';
import { searched } from './history.js';

describe('the blocks that an archive searches', () => {
  it('are the last ones without bounds, else as many from there on or up to there', () => {
    expect(searched({}, 50, 120)).toEqual({ from: 70 });
    expect(searched({ from: 10 }, 50, 120)).toEqual({ from: 10, to: 60 });
    expect(searched({ to: 90 }, 50, 120)).toEqual({ from: 40, to: 90 });
    expect(searched({ from: 10, to: 60 }, 50, 120)).toEqual({ from: 10, to: 60 });
  });

  it('are never more than it allows', () => {
    for (const [from, to] of [
      [10, 61],
      [1, 10_000],
      [60, 10],
    ]) {
      expect(() => searched({ from, to }, 50, 120)).toThrow(
        expect.objectContaining({ code: 'BAD_ARGUMENT', got: `from ${from} to ${to}` }),
      );
    }
  });
});
