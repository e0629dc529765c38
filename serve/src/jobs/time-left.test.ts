import { expect, it } from '@jest/globals';
import { secondsLeft } from './time-left.js';

const steps = [
  { step: 'run', seconds: 2 },
  { step: 'messages', seconds: 10 },
  { step: 'circuit-0', seconds: 20 },
];

it.each([
  [undefined, 0, 32],
  [{ step: 'run', since: 0 }, 0, 32],
  [{ step: 'run', since: 0 }, 500, 31.5],
  [{ step: 'messages', since: 1000 }, 5000, 26],
  // slower than planned
  [{ step: 'messages', since: 0 }, 60_000, 20],
  [{ step: 'circuit-0', since: 0 }, 60_000, 0],
  // of another plan
  [{ step: 'join', since: 0 }, 60_000, 32],
])('step %j at %d ms: %d s', (now, clock, left) => {
  expect(secondsLeft(steps, now, clock)).toBe(left);
});
