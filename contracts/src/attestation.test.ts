import './testing/native-backend.js';
import { describe, expect, it } from '@jest/globals';
import { Bool, Field, MerkleTree } from 'o1js';
import { OPENED } from './actions.js';
import { Attestation, AttestationWitness, TREE_DEPTH } from './attestation.js';
import { AttestationHistory } from './history.js';
import { EMPTY_ROOT, RecordTree } from './record.js';
import { attestation, stateOf } from './testing/histories.js';

const many = Array.from({ length: 9 }, (_, i) => attestation(1, 2, 3, i, 5));
const keys = many.map(Attestation.key);

describe('an attestation', () => {
  it('has a key that binds every field, and the place of each', () => {
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
  /** o1js's tree after each insertion. */
  const reference = new MerkleTree(TREE_DEPTH + 1);
  const roots = [reference.getRoot().toBigInt()];
  keys.forEach((key, i) => {
    reference.setLeaf(BigInt(i), key);
    roots.push(reference.getRoot().toBigInt());
  });

  it("is o1js's Merkle tree, after any number of insertions", () => {
    expect(EMPTY_ROOT.toBigInt()).toBe(roots[0]);
    const tree = RecordTree.of(keys);
    roots.forEach((root, count) => {
      expect(tree.root(count).toBigInt()).toBe(root);
      expect(RecordTree.of(keys.slice(0, count)).root().toBigInt()).toBe(root);
    });
  });

  it('is the same from an earlier tree, whatever they have in common', () => {
    const other = [...keys.slice(0, 5), Field(1), Field(2), Field(3), Field(4), Field(5)];
    for (const common of [0, 1, 4, 5])
      expect(RecordTree.of(keys, RecordTree.of(other), common).root().toBigInt()).toBe(roots[9]);
    expect(RecordTree.of(keys.slice(0, 3), RecordTree.of(keys), 3).root().toBigInt()).toBe(
      roots[3],
    );
  });

  it('has paths from nodes of any height', () => {
    const tree = RecordTree.of(keys);
    // node 1 of height 2: leaves 4 to 7, of which 4 and 5 are there
    const [a, b] = tree.path(2, 1, 6);
    const below = RecordTree.of(keys.slice(0, 6));
    expect(a).toMatchObject({ isLeft: false });
    expect(b).toMatchObject({ isLeft: true });
    expect(tree.path(2, 1, 6).map(({ sibling }) => sibling.toBigInt())).toEqual(
      below.path(2, 1, 6).map(({ sibling }) => sibling.toBigInt()),
    );
  });

  it('has no state after more submissions than there are, or part of one', () => {
    const tree = RecordTree.of(keys);
    for (const count of [-1, 10, 1.5, NaN]) expect(() => tree.root(count)).toThrow(RangeError);
  });
});

describe('a witness', () => {
  const state = stateOf(many, many.length);
  const history = AttestationHistory.replay(state, many);
  const root = state.root.toBigInt();

  it('leads from each recorded attestation to the root of the record, at every size', () => {
    for (let settled = 1; settled <= many.length; settled++) {
      const state = stateOf(many, settled);
      const partly = AttestationHistory.replay(state, many);
      for (const each of many.slice(0, settled)) {
        const found = AttestationWitness.root(partly.witness(each), each);
        expect(found.toBigInt()).toBe(state.root.toBigInt());
      }
    }
  });

  it('leads elsewhere from any other attestation, and with any part changed', () => {
    const changed = (change: (witness: AttestationWitness) => void, of = many[4]) => {
      const witness = history.witness(many[4]);
      change(witness);
      return AttestationWitness.root(witness, of).toBigInt();
    };
    expect(changed(() => undefined)).toBe(root);
    expect(changed(() => undefined, many[5])).not.toBe(root);
    expect(changed(() => undefined, attestation(1, 2, 3, 99, 5))).not.toBe(root);
    expect(changed(({ isLeft }) => (isLeft[2] = Bool(!isLeft[2].toBoolean())))).not.toBe(root);
    expect(changed(({ path }) => (path[31] = path[31].add(1)))).not.toBe(root);
  });

  it('survives JSON', () => {
    const json = JSON.stringify(AttestationWitness.toJSON(history.witness(many[0])));
    const again = AttestationWitness.fromJSON(JSON.parse(json));
    expect(AttestationWitness.root(again, many[0]).toBigInt()).toBe(root);
  });

  it('does not exist for what is not in the record', () => {
    expect(() => history.witness(attestation(1, 2, 3, 99, 5))).toThrow(/NOT_SETTLED.*never/);
    const none = { ...state, root: EMPTY_ROOT, settledActions: OPENED, count: 0 };
    const pending = AttestationHistory.replay(none, many);
    expect(() => pending.witness(many[0])).toThrow(/NOT_SETTLED.*pending/);
    expect(pending.isSettled(many[0])).toBe(false);
    expect(history.isSettled(many[0])).toBe(true);
  });
});
