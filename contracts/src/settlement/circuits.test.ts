/**
 * What each constraint of a settlement is for. Every forger here is consistent but for one thing, so that it would
 * pass if the constraint were not there.
 */
import '../testing/native-backend.js';
import { describe, expect, it } from '@jest/globals';
import { Bool, Field } from 'o1js';
import { MARKER_HASH, nextActionState, OPENED } from '../actions.js';
import { Attestation } from '../attestation.js';
import { RecordTree } from '../record.js';
import { attestations, historyOf } from '../testing/histories.js';
import { type Block, requireJoined, requireReached, requireTaken } from './circuits.js';
import { blockFor, statementOf } from './settler.js';
import { RecordState, Settlement } from './statement.js';

const DEPTH = 3;
const SIZE = 2 ** DEPTH;
const submitted = attestations(21);
const history = historyOf(submitted);
const keys = submitted.map(Attestation.key);

interface Edit {
  before?: Partial<RecordState>;
  after?: Partial<RecordState>;
  reached?: Field;
  block?: Partial<Block>;
}

/** Takes the submissions from one position to another, with something changed. */
function take(from: number, to: number, edit: Edit = {}): () => void {
  const honest = statementOf(history, from, to, to);
  const statement = new Settlement({
    before: new RecordState({ ...honest.before, ...edit.before }),
    after: new RecordState({ ...honest.after, ...edit.after }),
    reached: edit.reached ?? edit.after?.actions ?? honest.reached,
  });
  const block = { ...blockFor(history, from, to, DEPTH), ...edit.block };
  return () => requireTaken(statement, block);
}

const flags = (...values: number[]) =>
  Array.from({ length: SIZE }, (_, i) => Bool((values[i] ?? 0) === 1));

const filled = (leaves: Field[]) => [
  ...leaves,
  ...Array<Field>(SIZE - leaves.length).fill(Field(0)),
];

/** Root of a record with these leaves, zeros among them. */
const rootOf = (leaves: Field[]) => RecordTree.of(filled(leaves)).root();

describe('taking submissions into a block', () => {
  it('holds for every stretch within a block', () => {
    for (let from = 0; from < submitted.length; from++)
      for (let to = from; to <= Math.min(submitted.length, from - (from % SIZE) + SIZE); to++)
        expect(take(from, to)).not.toThrow();
  });

  it('demands that the record ends where the new ones begin', () => {
    const before = { count: Field(3) };
    expect(take(2, 5, { before })).toThrow('not where the record ends');
    // the same leaves, one block further
    const isLeft = blockFor(history, 2, 5, DEPTH).isLeft.map((each, i) =>
      i === 0 ? Bool(false) : each,
    );
    expect(take(2, 5, { block: { isLeft } })).toThrow('not where the record ends');
  });

  it('demands the number of submissions afterwards', () => {
    expect(take(2, 5, { after: { count: Field(6) } })).toThrow('another number of submissions');
  });

  it('demands all submissions of the queue, in its order, and no others', () => {
    const wrong = (...leaves: Field[]) => {
      const block = { leaves: filled(leaves), kept: flags(...leaves.map(() => 1)) };
      const after = { root: rootOf(leaves), count: Field(leaves.length) };
      return take(0, 3, { block, after });
    };
    const [a, b, c, d] = keys;
    expect(wrong(a, b, c)).not.toThrow();
    for (const leaves of [
      [a, c],
      [b, c],
      [a, b],
      [a, a, b, c],
      [b, a, c],
      [a, b, c, d],
      [a, b, Field(1)],
    ])
      expect(wrong(...leaves)).toThrow('the queue holds other submissions');
  });

  it('demands the record that was there before', () => {
    expect(take(2, 5, { before: { root: Field(1) } })).toThrow(
      'the record holds other submissions',
    );
    const leaves = filled([keys[1], keys[0], ...keys.slice(2, 5)]);
    const after = { root: rootOf(leaves.slice(0, 5)) };
    expect(take(2, 5, { block: { leaves }, after })).toThrow('the record holds other submissions');
  });

  it('demands the record that becomes of it', () => {
    expect(take(2, 5, { after: { root: Field(1) } })).toThrow('settlement: another record');
    const block = { siblings: blockFor(history, 2, 5, DEPTH).siblings.map(() => Field(1)) };
    expect(take(2, 5, { block })).toThrow('the record holds other submissions');
  });

  it('leaves nothing out of the record that was in it', () => {
    const [a, b] = keys;
    const taken = () => {
      // two were there, one stays: the walk goes backwards over the other
      const first = nextActionState(OPENED, a);
      const { actions } = history.recordState(2);
      const after = {
        root: rootOf([a]),
        count: Field(1),
        actions: actions.sub(nextActionState(actions, b).sub(actions)),
      };
      expect(first.toBigInt()).not.toBe(actions.toBigInt());
      return take(2, 2, { block: { leaves: filled([a, b]), kept: flags(1) }, after });
    };
    expect(taken()).toThrow('a leaf is taken out');
  });

  it('leaves no gap', () => {
    const [a, b] = keys;
    const leaves = filled([a, Field(0), b]);
    const after = { root: rootOf([a, Field(0), b]), count: Field(2) };
    const block = { leaves, kept: flags(1, 0, 1) };
    expect(take(0, 2, { block, after })).toThrow('a gap in the record');
  });

  it('never passes a marker', () => {
    const [a] = keys;
    const after = {
      root: rootOf([a, MARKER_HASH]),
      count: Field(2),
      actions: nextActionState(nextActionState(OPENED, a), MARKER_HASH),
    };
    expect(take(0, 2, { block: { leaves: filled([a, MARKER_HASH]) }, after })).toThrow(
      'opened a second time',
    );
  });

  it('reaches the action state after the last one', () => {
    expect(take(0, 2, { reached: history.actionState(3) })).toThrow('was not reached');
  });
});

describe('joining', () => {
  const part = (from: number, to: number, reach = to) => statementOf(history, from, to, reach);
  const joined = (whole: Settlement, first: Settlement, second: Settlement) => () =>
    requireJoined(whole, first, second);

  it('puts one settlement behind another, which may have gone on', () => {
    expect(joined(part(1, 9), part(1, 4), part(4, 9))).not.toThrow();
    expect(joined(part(1, 9, 12), part(1, 4), part(4, 9, 12))).not.toThrow();
  });

  it.each<[string, Settlement, Settlement, Settlement]>([
    ['a gap', part(1, 9), part(1, 4), part(5, 9)],
    ['an overlap', part(1, 9), part(1, 5), part(4, 9)],
    ['the wrong order', part(1, 9), part(4, 9), part(1, 4)],
    ['an earlier start than proved', part(0, 9), part(1, 4), part(4, 9)],
    ['a later end than proved', part(1, 10), part(1, 4), part(4, 9)],
    ['an action state that was not reached', part(1, 9, 12), part(1, 4), part(4, 9)],
    ['a first part that has gone on', part(1, 9), part(1, 4, 6), part(4, 9)],
  ])('refuses %s', (_, whole, first, second) => {
    expect(joined(whole, first, second)).toThrow('do not follow each other');
  });

  it('compares every field of the records', () => {
    for (const field of ['root', 'count', 'actions'] as const) {
      const off = (state: RecordState) =>
        new RecordState({ ...state, [field]: state[field].add(1) });
      const first = part(1, 4);
      const second = part(4, 9);
      const whole = part(1, 9);
      const edited: [Settlement, Settlement, Settlement][] = [
        [new Settlement({ ...whole, before: off(whole.before) }), first, second],
        [new Settlement({ ...whole, after: off(whole.after) }), first, second],
        [whole, first, new Settlement({ ...second, before: off(second.before) })],
      ];
      for (const each of edited) expect(joined(...each)).toThrow('do not follow each other');
    }
  });
});

describe('going on along the queue', () => {
  const proved = statementOf(history, 1, 4, 6);
  const reaches = (further: Settlement, hashes: Field[]) => () =>
    requireReached(further, proved, { hashes: filled(hashes) });

  it('holds for what the queue holds', () => {
    expect(reaches(statementOf(history, 1, 4, 9), keys.slice(6, 9))).not.toThrow();
    expect(reaches(proved, [])).not.toThrow();
  });

  it('refuses another queue, and a marker', () => {
    const further = statementOf(history, 1, 4, 9);
    const [a, b, c] = keys.slice(6, 9);
    for (const hashes of [
      [a, b],
      [b, c],
      [a, c, b],
      [a, b, c, c],
    ])
      expect(reaches(further, hashes)).toThrow('was not reached');
    const opened = nextActionState(proved.reached, MARKER_HASH);
    expect(reaches(new Settlement({ ...proved, reached: opened }), [MARKER_HASH])).toThrow(
      'opened a second time',
    );
  });

  it('changes nothing of what was proved', () => {
    const further = statementOf(history, 1, 4, 9);
    const hashes = keys.slice(6, 9);
    for (const side of ['before', 'after'] as const)
      for (const field of ['root', 'count', 'actions'] as const) {
        const state = new RecordState({ ...further[side], [field]: further[side][field].add(1) });
        expect(reaches(new Settlement({ ...further, [side]: state }), hashes)).toThrow(
          'another one was proved',
        );
      }
  });
});
