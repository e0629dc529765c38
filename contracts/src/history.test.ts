import { present } from '@attensor/core';
import './testing/native-backend.js';
import { describe, expect, it } from '@jest/globals';
import { Field } from 'o1js';
import {
  actionPath,
  actionsHash,
  EMPTY_ACTION_STATE,
  nextActionState,
  PIN_PATH,
  SETTLE_PATH,
} from './actions.js';
import { Attestation, EMPTY_ROOT } from './attestation.js';
import { AttestationHistory, type HistoryState } from './history.js';
import { RecordTree } from './record.js';
import { BATCH, settleBatch } from './settlement.js';

const attestation = (answer: number) =>
  new Attestation(Attestation.fromFields([1, 2, 3, answer, 5].map(Field)));

function queueOf(submitted: Attestation[]): Field {
  return submitted.reduce(
    (state, each) => nextActionState(state, actionsHash(each)),
    EMPTY_ACTION_STATE,
  );
}

/** State of a contract that was told `submitted` and settled the first few. */
function stateOf(submitted: Attestation[], settled = 0): HistoryState {
  const keys = submitted.slice(0, settled).map(Attestation.key);
  const different = new Map(keys.map((key) => [key.toBigInt(), key]));
  const record = RecordTree.of([...different.values()]);
  return {
    root: record.root,
    count: different.size,
    settledActions: queueOf(submitted.slice(0, settled)),
    pinnedActions: Field(0),
    actionState: queueOf(submitted),
  };
}

/** What the contract does with the history's arguments, on plain values. */
class Simulation {
  state: HistoryState;
  history: AttestationHistory | undefined;
  pins = 0;
  settles = 0;

  constructor(readonly submitted: Attestation[]) {
    this.state = stateOf(submitted);
  }

  /** @returns false if there is nothing left to do */
  step(): boolean {
    const history = AttestationHistory.replay(this.state, this.submitted, this.history);
    this.history = history;
    const pin = history.pin();
    if (pin !== undefined) {
      const [pinned, path, fromPinned] = pin;
      this.expectReached(actionPath(pinned, path), fromPinned.toBoolean());
      this.state = { ...this.state, pinnedActions: pinned };
      this.pins++;
      return true;
    }
    const settlement = history.settlement();
    if (settlement === undefined) return false;
    expect(settlement.record.root.toBigInt()).toBe(this.state.root.toBigInt());
    const { record, settledActions } = settleBatch(settlement, this.state.settledActions);
    const toPinned = settlement.toPinned.toBoolean();
    this.expectReached(actionPath(settledActions, settlement.path), toPinned);
    const served = !toPinned || settledActions.toBigInt() === this.state.pinnedActions.toBigInt();
    this.state = {
      ...this.state,
      root: record.root,
      count: Number(record.length.toBigInt()) - 1,
      settledActions,
      pinnedActions: served ? Field(0) : this.state.pinnedActions,
    };
    this.settles++;
    return true;
  }

  private expectReached(end: Field, pinned: boolean): void {
    const wanted = pinned ? this.state.pinnedActions : this.state.actionState;
    expect(end.toBigInt()).toBe(wanted.toBigInt());
  }
}

describe('replay', () => {
  const submitted = [7, 8, 7, 9].map(attestation);

  it('tells settled from pending, and repeats from first submissions', () => {
    const history = AttestationHistory.replay(stateOf(submitted, 3), submitted);
    expect(history.attestations.map(({ index }) => index)).toEqual([0, 1, 2, 3]);
    expect(history.attestations.map(({ first }) => first)).toEqual([0, 1, 0, 3]);
    expect(history.attestations.map(({ settled }) => settled)).toEqual([true, true, true, false]);
    expect(history.pending).toHaveLength(1);
    expect(history.find(attestation(7))?.index).toBe(0);
    expect(history.find(attestation(1))).toBeUndefined();
  });

  it('is the same from an earlier one, whatever they have in common', () => {
    const plain = (history: AttestationHistory) =>
      JSON.stringify([history.attestations, history.settlement()?.record.root]);
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

  it('ignores what an archive knows beyond the account', () => {
    const history = AttestationHistory.replay(stateOf(submitted.slice(0, 2)), submitted);
    expect(history.attestations).toHaveLength(2);
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
    expect(() =>
      AttestationHistory.replay({ ...stateOf(submitted, 3), root: EMPTY_ROOT }, submitted),
    ).toThrow(/ARCHIVE_MISMATCH.*record/);
    expect(() =>
      AttestationHistory.replay({ ...stateOf(submitted, 3), settledActions: Field(1) }, submitted),
    ).toThrow(/ARCHIVE_MISMATCH.*settled/);
  });
});

describe('settling', () => {
  const settleAll = (simulation: Simulation) => {
    while (simulation.step());
    return simulation;
  };

  it('has nothing to do where nothing is pending', () => {
    const history = AttestationHistory.replay(stateOf([]), []);
    expect(history.settlement()).toBeUndefined();
    expect(history.pin()).toBeUndefined();
  });

  it.each([1, BATCH - 1, BATCH, BATCH + 1])('takes %i in as few batches as it can', (length) => {
    const submitted = Array.from({ length }, (_, i) => attestation(i));
    const { state, settles, pins } = settleAll(new Simulation(submitted));
    expect({ settles, pins }).toEqual({ settles: Math.ceil(length / BATCH), pins: 0 });
    expect(state).toMatchObject({ count: length, settledActions: state.actionState });
  });

  it('counts repeats once', () => {
    const submitted = [7, 8, 7, 7, 8, 9, 7, 7, 8, 10].map(attestation);
    expect(settleAll(new Simulation(submitted)).state.count).toBe(4);
  });

  it('reaches the front of any queue with pins', () => {
    const length = SETTLE_PATH + BATCH + PIN_PATH + 20;
    const submitted = Array.from({ length }, (_, i) => attestation(i % 5));
    const simulation = new Simulation(submitted);
    for (let i = 0; i < 4; i++) {
      if (i === 1)
        expect(() => present(simulation.history).settlement()).toThrow(/BAD_ARGUMENT.*pin/);
      simulation.step();
    }
    // back over the whole queue in two, then batches towards the pinned state
    expect(simulation).toMatchObject({ pins: 2, settles: 2 });
    expect(simulation.state.count).toBe(5);
  });

  it('aims at a pinned state only where that allows a whole batch', () => {
    const submitted = Array.from({ length: 20 }, (_, i) => attestation(i));
    const pinnedAt = (position: number) =>
      present(
        AttestationHistory.replay(
          { ...stateOf(submitted, 4), pinnedActions: queueOf(submitted.slice(0, position)) },
          submitted,
        ).settlement(),
      );
    expect(pinnedAt(20).toPinned.toBoolean()).toBe(true);
    expect(pinnedAt(12).toPinned.toBoolean()).toBe(true);
    expect(pinnedAt(11).toPinned.toBoolean()).toBe(false);
    expect(pinnedAt(4).toPinned.toBoolean()).toBe(false);
    expect(pinnedAt(2).toPinned.toBoolean()).toBe(false);
  });
});
