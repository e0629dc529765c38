/**
 * The constraints of the settlement program.
 *
 * The record is a tree of depth 32, worked on in aligned blocks of 2^depth leaves. A proof takes
 * submissions into one block: it hashes the block twice, as it was and as it becomes, and climbs one
 * path with both. It walks the queue over the new leaves at the same time, so that a leaf is what the
 * queue holds, in the queue's order, each once.
 */
import { Bool, Field, Poseidon, Provable, Struct } from 'o1js';
import { MARKER_HASH, nextActionState } from '../actions.js';
import { TREE_DEPTH } from '../attestation.js';
import { Settlement } from './statement.js';

/** Depth of the block that the method `few` takes submissions into. */
export const FEW = 6;
/** Depth of the block that the method `many` takes submissions into. */
export const MANY = 9;
/** Actions that a settlement walks over behind its last submission. */
export const REACH = 1024;

/** A block of the record, before and after submissions are taken into it. */
export interface Block {
  /** Leaves, zeros behind the last one. */
  leaves: Field[];
  /** True for the leaves that were there before: the first ones. */
  old: Bool[];
  /** True for the leaves that are there afterwards: the first ones. */
  kept: Bool[];
  /** From the block's root up: is the node a left child, and its sibling. */
  isLeft: Bool[];
  siblings: Field[];
}

/** The type of a block for circuits. */
export function blockOf(depth: number) {
  const size = 2 ** depth;
  return Struct({
    leaves: Provable.Array(Field, size),
    old: Provable.Array(Bool, size),
    kept: Provable.Array(Bool, size),
    isLeft: Provable.Array(Bool, TREE_DEPTH - depth),
    siblings: Provable.Array(Field, TREE_DEPTH - depth),
  });
}

/** Hashes of actions to walk over, filled up with zeros (no hash is zero). */
export class Stretch extends Struct({ hashes: Provable.Array(Field, REACH) }) {}

/** The statement follows from taking submissions into one block. */
export function requireTaken({ before, after, reached }: Settlement, block: Block): void {
  const { leaves, old, kept } = block;
  const start = blockStart(block);
  start.add(countOf(old)).assertEquals(before.count, 'settlement: not where the record ends');
  start.add(countOf(kept)).assertEquals(after.count, 'settlement: another number of submissions');
  requireNoMarker(leaves);

  const end = leaves.reduce((state, leaf, i) => {
    // an old leaf stays
    old[i].and(kept[i]).assertEquals(old[i], 'settlement: a leaf is taken out of the record');
    const isNew = kept[i].toField().sub(old[i].toField());
    return state.add(isNew.mul(nextActionState(state, leaf).sub(state))).seal();
  }, before.actions);
  end.assertEquals(after.actions, 'settlement: the queue holds other submissions');
  reached.assertEquals(after.actions, 'settlement: the action state was not reached');

  const rootWith = (present: Bool[]) =>
    climb(treeRoot(leaves.map((leaf, i) => leaf.mul(present[i].toField()))), block);
  rootWith(old).assertEquals(before.root, 'settlement: the record holds other submissions');
  rootWith(kept).assertEquals(after.root, 'settlement: another record');
}

/** Two settlements, one after the other. Only the later one may have gone on along the queue. */
export function requireJoined(whole: Settlement, first: Settlement, second: Settlement): void {
  const wrong = 'settlement: the parts do not follow each other';
  requireSame(whole.before, first.before);
  first.reached.assertEquals(first.after.actions, wrong);
  requireSame(first.after, second.before);
  requireSame(second.after, whole.after);
  second.reached.assertEquals(whole.reached, wrong);

  function requireSame(a: Settlement['before'], b: Settlement['before']) {
    a.root.assertEquals(b.root, wrong);
    a.count.assertEquals(b.count, wrong);
    a.actions.assertEquals(b.actions, wrong);
  }
}

/** The statement is a proved one, gone on along the queue. */
export function requireReached(
  further: Settlement,
  proved: Settlement,
  stretch: { hashes: Field[] },
): void {
  const same = Settlement.toFields(new Settlement({ ...proved, reached: further.reached }));
  Settlement.toFields(further).forEach((field, i) => {
    field.assertEquals(same[i], 'settlement: another one was proved');
  });
  requireNoMarker(stretch.hashes);
  stretch.hashes
    .reduce(
      (state, hash) => Provable.if(hash.equals(0), state, nextActionState(state, hash)),
      proved.reached,
    )
    .assertEquals(further.reached, 'settlement: the action state was not reached');
}

/** A marker behind the first action belongs to a queue that was filled before it was opened. */
function requireNoMarker(hashes: Field[]): void {
  hashes
    .reduce((product, hash) => product.mul(hash.sub(MARKER_HASH)).seal(), Field(1))
    .assertNotEquals(0, 'settlement: the queue is opened a second time');
}

/** Number of the block's first leaf. The block's place in the tree has as many bits as it has siblings: no count overflows. */
function blockStart({ leaves, isLeft }: Block): Field {
  return isLeft
    .reduce(
      (sum, each, i) =>
        sum.add(
          each
            .not()
            .toField()
            .mul(2 ** i),
        ),
      Field(0),
    )
    .mul(leaves.length)
    .seal();
}

/** How many flags are true, if those are the first ones. */
function countOf(flags: Bool[]): Field {
  flags.slice(1).forEach((flag, i) => {
    flag.and(flags[i]).assertEquals(flag, 'settlement: a gap in the record');
  });
  return flags.reduce((sum, flag) => sum.add(flag.toField()), Field(0)).seal();
}

function treeRoot(nodes: Field[]): Field {
  if (nodes.length === 1) return nodes[0];
  return treeRoot(
    Array.from({ length: nodes.length / 2 }, (_, i) =>
      Poseidon.hash([nodes[2 * i], nodes[2 * i + 1]]),
    ),
  );
}

function climb(node: Field, { isLeft, siblings }: Block): Field {
  return siblings.reduce((below, sibling, i) => {
    const left = Provable.if(isLeft[i], below, sibling);
    const right = Provable.if(isLeft[i], sibling, below);
    return Poseidon.hash([left, right]);
  }, node);
}
