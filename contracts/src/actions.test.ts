import './testing/native-backend.js';
import { describe, expect, it } from '@jest/globals';
import { AccountUpdate, Field } from 'o1js';
import {
  actionsHash,
  EMPTY_ACTION_STATE,
  MARKER,
  MARKER_HASH,
  nextActionState,
  OPENED,
} from './actions.js';
import { Attestation } from './attestation.js';

describe('hashes of actions', () => {
  const { Actions } = AccountUpdate;

  it.each([
    ['an attestation', [1, 2, 3, 4, 5].map(Field)],
    ['the marker', MARKER],
  ])("are Mina's: %s", (_, fields) => {
    const hash = actionsHash(fields);
    expect(hash.toBigInt()).toBe(Actions.pushEvent(Actions.empty(), fields).hash.toBigInt());
    const state = Actions.emptyActionState();
    expect(nextActionState(state, hash).toBigInt()).toBe(
      Actions.updateSequenceState(state, hash).toBigInt(),
    );
  });

  it('open the queue with the marker, which is no attestation', () => {
    expect(OPENED.toBigInt()).toBe(nextActionState(EMPTY_ACTION_STATE, MARKER_HASH).toBigInt());
    expect(MARKER.length).toBeLessThan(Attestation.sizeInFields());
  });
});
