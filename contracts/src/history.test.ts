import './testing/native-backend.js';
import { describe, expect, it } from '@jest/globals';
import { Field } from 'o1js';
import { AttestationHistory } from './history.js';
import { EMPTY_ROOT } from './record.js';
import { attestation as five, queueOf, stateOf } from './testing/histories.js';

const attestation = (answer: number) => five(1, 2, 3, answer, 5);

describe('replay', () => {
  const submitted = [7, 8, 7, 9].map(attestation);

  it('tells settled from pending, and repeats from first submissions', () => {
    const history = AttestationHistory.replay(stateOf(submitted, 3), submitted);
    expect(history.attestations.map(({ index }) => index)).toEqual([0, 1, 2, 3]);
    expect(history.attestations.map(({ first }) => first)).toEqual([0, 1, 0, 3]);
    expect(history.attestations.map(({ settled }) => settled)).toEqual([true, true, true, false]);
    expect(history.pending.map(({ index }) => index)).toEqual([3]);
    expect(history.find(attestation(7))?.index).toBe(0);
    expect(history.find(attestation(1))).toBeUndefined();
  });

  it('is the same from an earlier one, whatever they have in common', () => {
    const plain = (history: AttestationHistory) =>
      JSON.stringify([history.attestations, history.recordState(2), history.recordState(4)]);
    const earlier = [
      AttestationHistory.replay(stateOf([]), []),
      AttestationHistory.replay(stateOf(submitted.slice(0, 2), 1), submitted.slice(0, 2)),
      AttestationHistory.replay(stateOf(submitted, 3), submitted),
      AttestationHistory.replay(stateOf([8, 7].map(attestation), 2), [8, 7].map(attestation)),
    ];
    const fresh = AttestationHistory.replay(stateOf(submitted, 3), submitted);
    for (const known of earlier) {
      const again = AttestationHistory.replay(stateOf(submitted, 3), submitted, known);
      expect(plain(again)).toBe(plain(fresh));
    }
    const edited = [submitted[0], attestation(1), ...submitted.slice(2)];
    expect(() => AttestationHistory.replay(stateOf(submitted, 3), edited, fresh)).toThrow(
      'ARCHIVE_MISMATCH',
    );
  });

  it('knows the record after any number of submissions', () => {
    const history = AttestationHistory.replay(stateOf(submitted, 1), submitted);
    for (let count = 0; count <= submitted.length; count++) {
      const { root, settledActions } = stateOf(submitted, count);
      const state = history.recordState(count);
      expect(state.root.toBigInt()).toBe(root.toBigInt());
      expect(state.count.toBigInt()).toBe(BigInt(count));
      expect(state.actions.toBigInt()).toBe(settledActions.toBigInt());
    }
  });

  it('ignores what an archive knows beyond the account', () => {
    const history = AttestationHistory.replay(stateOf(submitted.slice(0, 2)), submitted);
    expect(history.attestations).toHaveLength(2);
    expect(history.find(attestation(9))).toBeUndefined();
  });

  it('rejects a list with anything missing, edited, moved or added', () => {
    const state = stateOf(submitted, 3);
    const [a, b, c, d] = submitted;
    for (const list of [
      [],
      [a, b, c],
      [a, b, d],
      [b, a, c, d],
      [a, b, c, attestation(10)],
      [a, a, b, c, d],
    ])
      expect(() => AttestationHistory.replay(state, list)).toThrow(
        /ARCHIVE_MISMATCH.*action state/,
      );
  });

  it('rejects a record that the settled submissions do not make', () => {
    const state = stateOf(submitted, 3);
    const replay = (change: Partial<typeof state>) => () =>
      AttestationHistory.replay({ ...state, ...change }, submitted);
    expect(replay({ root: EMPTY_ROOT })).toThrow(/ARCHIVE_MISMATCH.*record/);
    expect(replay({ settledActions: Field(1) })).toThrow(/ARCHIVE_MISMATCH.*settled action state/);
    expect(replay({ count: 2 })).toThrow(/ARCHIVE_MISMATCH.*number of settled/);
    expect(replay({ settledActions: queueOf(submitted.slice(0, 2)) })).toThrow('ARCHIVE_MISMATCH');
  });
});
