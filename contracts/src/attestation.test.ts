import { present } from '@attensor/core';
import './testing/native-backend.js';
import { describe, expect, it } from '@jest/globals';
import { Bool, Field } from 'o1js';
import { Attestation, AttestationMap, AttestationWitness, EMPTY_ROOT } from './attestation.js';
import { RecordTree } from './record.js';
import { AttestationHistory } from './history.js';
import { EMPTY_ACTION_STATE, actionsHash, nextActionState } from './actions.js';

/** Five fields, as they stand in an attestation. */
function attestation(...fields: number[]): Attestation {
  const value = Attestation.fromFields(fields.map(Field));
  return new Attestation(value);
}

const many = Array.from({ length: 9 }, (_, i) => attestation(1, 2, 3, i, 5));

describe('an attestation', () => {
  it('has a name that binds every field, and the place of each', () => {
    const variants = [
      [1, 2, 3, 4, 5],
      [9, 2, 3, 4, 5],
      [1, 9, 3, 4, 5],
      [1, 2, 9, 4, 5],
      [1, 2, 3, 9, 5],
      [1, 2, 3, 4, 9],
      [2, 1, 3, 4, 5],
    ];
    const names = variants.map((fields) => Attestation.key(attestation(...fields)).toString());
    expect(new Set(names).size).toBe(variants.length);
  });
});

describe('the record', () => {
  it('made at once is the map that insertions make', () => {
    const inserted = new AttestationMap();
    for (let length = 0; length <= many.length; length++) {
      const keys = many.slice(0, length).map(Attestation.key);
      if (length > 0) inserted.insert(present(keys.at(-1)), 1n);
      const tree = RecordTree.of(keys);
      expect(tree.root.toBigInt()).toBe(inserted.root.toBigInt());
      expect(tree.map().root.toBigInt()).toBe(inserted.root.toBigInt());
      expect(tree.map().data.get().sortedLeaves).toEqual(inserted.data.get().sortedLeaves);
    }
    expect(RecordTree.of([]).root.toBigInt()).toBe(EMPTY_ROOT.toBigInt());
    // and can be inserted into
    const map = RecordTree.of(many.slice(0, 4).map(Attestation.key)).map();
    many.slice(4).forEach((each) => map.insert(Attestation.key(each), 1n));
    expect(map.root.toBigInt()).toBe(inserted.root.toBigInt());
  });
});

describe('a witness', () => {
  const map = RecordTree.of(many.map(Attestation.key));
  const queue = many.reduce((s, each) => nextActionState(s, actionsHash(each)), EMPTY_ACTION_STATE);
  const state = {
    root: map.root,
    count: many.length,
    settledActions: queue,
    pinnedActions: Field(0),
    actionState: queue,
  };
  const history = AttestationHistory.replay(state, many);

  it('leads from each recorded attestation to the root of the map', () => {
    for (const each of many) {
      const root = AttestationWitness.root(history.witness(each), each);
      expect(root.toBigInt()).toBe(map.root.toBigInt());
    }
  });

  it('leads elsewhere from any other attestation, and with any part changed', () => {
    const witness = history.witness(many[4]);
    const root = (changed: Partial<AttestationWitness>, of = many[4]) =>
      AttestationWitness.root(new AttestationWitness({ ...witness, ...changed }), of).toBigInt();
    expect(root({})).toBe(map.root.toBigInt());
    expect(root({}, many[5])).not.toBe(map.root.toBigInt());
    expect(root({}, attestation(1, 2, 3, 99, 5))).not.toBe(map.root.toBigInt());
    expect(root({ nextKey: Field(1) })).not.toBe(map.root.toBigInt());
    expect(root({ length: Field(9) })).not.toBe(map.root.toBigInt());
    const turned = witness.isRight.map((bit, i) => (i === 2 ? bit.not() : bit));
    expect(root({ isRight: turned })).not.toBe(map.root.toBigInt());
    const siblings = witness.siblings.map((each, i) => (i === 31 ? each.add(1) : each));
    expect(root({ siblings })).not.toBe(map.root.toBigInt());
  });

  it('survives JSON', () => {
    const json = JSON.stringify(AttestationWitness.toJSON(history.witness(many[0])));
    const again = AttestationWitness.fromJSON(JSON.parse(json));
    expect(AttestationWitness.root(again, many[0]).toBigInt()).toBe(map.root.toBigInt());
  });

  it('does not exist for what is not in the record', () => {
    expect(() => history.witness(attestation(1, 2, 3, 99, 5))).toThrow(/NOT_SETTLED.*never/);
    const none = { ...state, root: EMPTY_ROOT, settledActions: EMPTY_ACTION_STATE };
    const pending = AttestationHistory.replay(none, many);
    expect(() => pending.witness(many[0])).toThrow(/NOT_SETTLED.*pending/);
    expect(pending.isSettled(many[0])).toBe(false);
    expect(Bool(history.isSettled(many[0])).toBoolean()).toBe(true);
  });
});
