/** Both implementations of Poseidon, and the parameters that are public. */
import { describe, expect, it } from '@jest/globals';
import { engine } from '@attensor/native';
import { mod, P, power } from './field.js';
import {
  CONSTANTS,
  hash,
  hashByO1js,
  MATRIX,
  permute,
  permuteByO1js,
  roundStates,
  roundStatesInJavaScript,
  type State,
} from './poseidon.js';

const STATES: State[] = [
  [0n, 0n, 0n],
  [1n, 2n, 3n],
  [P - 1n, P - 2n, P - 3n],
  [power(3n, 1000n), power(5n, 2000n), power(7n, 3000n)],
];

describe('Poseidon', () => {
  it('is the same permutation in the addon, in o1js, and by the parameters', () => {
    for (const state of STATES) {
      const expected = engine.permute(state);
      expect(permuteByO1js(state)).toEqual(expected);
      expect(permute(state)).toEqual(expected);
      let s: bigint[] = state;
      for (const constants of CONSTANTS) {
        const powers = s.map((x) => power(x, 7n));
        s = MATRIX.map((row, i) =>
          mod(row.reduce((sum, m, j) => sum + m * powers[j], constants[i])),
        );
      }
      expect(s).toEqual(expected);
    }
  });

  it('has the same states inside, in the addon and in JavaScript', () => {
    for (const state of STATES) {
      const expected = engine.roundStates(state);
      expect(roundStatesInJavaScript(state)).toEqual(expected);
      expect(roundStates(state)).toEqual(expected);
    }
  });

  it('is the same hash in both, of every length', () => {
    for (let length = 0; length < 8; length++) {
      const values = STATES.flat().slice(2, 2 + length);
      expect(hashByO1js(values)).toBe(engine.hash(values));
      expect(hash(values)).toBe(engine.hash(values));
    }
  });
});
