import './testing/native-backend.js';
import { describe, expect, it } from '@jest/globals';
import { AccountUpdate, Field } from 'o1js';
import { actionPath, actionsHash, nextActionState, SETTLE_PATH, SettlePath } from './actions.js';
import { Attestation } from './attestation.js';

describe('hashes of actions', () => {
  const { Actions } = AccountUpdate;
  const fields = [1, 2, 3, 4, 5].map(Field);
  const attestation = new Attestation(Attestation.fromFields(fields));

  it("are Mina's", () => {
    const hash = actionsHash(attestation);
    expect(hash.toBigInt()).toBe(Actions.pushEvent(Actions.empty(), fields).hash.toBigInt());
    const state = Actions.emptyActionState();
    expect(nextActionState(state, hash).toBigInt()).toBe(
      Actions.updateSequenceState(state, hash).toBigInt(),
    );
  });
});

describe('a path', () => {
  const path = (...hashes: number[]) =>
    new SettlePath({
      hashes: Array.from({ length: SETTLE_PATH }, (_, i) => Field(hashes[i] ?? 0)),
    });

  it('leads through all its hashes, and stands still at zeros', () => {
    const two = nextActionState(nextActionState(Field(5), Field(1)), Field(2));
    expect(actionPath(Field(5), path()).toBigInt()).toBe(5n);
    expect(actionPath(Field(5), path(1, 2)).toBigInt()).toBe(two.toBigInt());
    expect(actionPath(Field(5), path(1, 0, 2)).toBigInt()).toBe(two.toBigInt());
    expect(actionPath(Field(5), path(2, 1)).toBigInt()).not.toBe(two.toBigInt());
  });
});
