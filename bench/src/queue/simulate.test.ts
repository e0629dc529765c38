/** Schedules that can be worked out by hand. */
import { describe, expect, it } from '@jest/globals';
import { drawSchedule, modelSteps, simulate } from './simulate.js';

const times = { run: 1, messages: 4, circuits: [2, 3], join: 2 };

describe('a schedule', () => {
  it('is the sum of all steps on one machine', () => {
    const steps = modelSteps(4, 2, times);
    expect(steps).toHaveLength(2 * (1 + 4 * 3 + 3));
    expect(simulate(steps, 1)).toMatchObject({ seconds: 2 * (1 + 4 * 9 + 3 * 2), efficiency: 1 });
  });

  it('is no shorter than the longest path', () => {
    // run, a unit, two joins
    expect(simulate(modelSteps(4, 1, times), 4).seconds).toBe(1 + 9 + 2 + 2);
    expect(simulate(modelSteps(4, 1, times), 64).seconds).toBe(14);
  });

  it('has a machine take what has waited longest', () => {
    const two = simulate(modelSteps(2, 1, times), 2);
    expect(two.seconds).toBe(1 + 9 + 2);
    expect(two.efficiency).toBeCloseTo((1 + 18 + 2) / 24);
    const drawn = drawSchedule(two, 12).split('\n');
    expect(drawn[0]).toBe('  1 rm---c-c--j-');
    expect(drawn[1]).toBe('  2 .m---c-c--..');
  });

  it('counts what the queue takes', () => {
    expect(simulate(modelSteps(1, 1, times), 1, 0.5).seconds).toBe(1 + 9 + 4 * 0.5);
  });

  it('joins any number of units', () => {
    const joins = modelSteps(5, 1, times).filter(({ name }) => name.startsWith('join'));
    expect(joins).toHaveLength(4);
  });
});
