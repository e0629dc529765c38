/**
 * The record outside circuits: a Merkle tree to which submissions are appended, as it is after any
 * number of them.
 *
 * o1js's `MerkleTree` could hold it: an insertion takes 32 hashes there, one here, and it knows its
 * last state only, where a settlement is proved from one state to another.
 */
import { Field, Poseidon } from 'o1js';
import { TREE_DEPTH } from './attestation.js';

/** A node next to a path, seen from below. */
export interface Sibling {
  /** Is the path's own node the left child? */
  isLeft: boolean;
  sibling: Field;
}

export class RecordTree {
  private constructor(
    /** By height, then from left to right, as far as all leaves below are there. */
    private readonly nodes: readonly (readonly bigint[])[],
  ) {}

  /**
   * @param known an earlier tree, which makes this one cheaper
   * @param common leaves that both begin with
   */
  static of(leaves: readonly Field[], known?: RecordTree, common = 0): RecordTree {
    const nodes = [leaves.map((leaf) => leaf.toBigInt())];
    for (let level = 0; level < TREE_DEPTH; level++) {
      const below = nodes[level];
      const above = known?.nodes[level + 1].slice(0, Math.floor(common / 2 ** (level + 1))) ?? [];
      for (let i = above.length; 2 * i + 1 < below.length; i++)
        above.push(hash(below[2 * i], below[2 * i + 1]));
      nodes.push(above);
    }
    return new RecordTree(nodes);
  }

  /** Leaves of the whole tree. */
  get length(): number {
    return this.nodes[0].length;
  }

  /** Root of the tree of the first `count` leaves. */
  root(count = this.length): Field {
    return Field(this.border(count)[TREE_DEPTH]);
  }

  /**
   * The path from a node up to the root, in the tree of the first `count` leaves.
   *
   * @param level of the node: 0 for a leaf
   * @param index of the node in its level
   */
  path(level: number, index: number, count: number): Sibling[] {
    const border = this.border(count);
    return Array.from({ length: TREE_DEPTH - level }, (_, up) => {
      const at = Math.floor(index / 2 ** up);
      const isLeft = at % 2 === 0;
      const sibling = this.node(level + up, isLeft ? at + 1 : at - 1, count, border);
      return { isLeft, sibling: Field(sibling) };
    });
  }

  private node(level: number, index: number, count: number, border: bigint[]): bigint {
    if ((index + 1) * 2 ** level <= count) return this.nodes[level][index];
    return index * 2 ** level <= count ? border[level] : emptyNode(level);
  }

  /** By height: the node above the first leaf that is not there. */
  private border(count: number): bigint[] {
    if (!Number.isInteger(count) || count < 0 || count > this.length)
      throw RangeError(`RecordTree: count must be from 0 to ${this.length}, got ${count}`);
    const border = [0n];
    for (let level = 0; level < TREE_DEPTH; level++) {
      const index = Math.floor(count / 2 ** level);
      border.push(
        index % 2 === 1
          ? hash(this.nodes[level][index - 1], border[level])
          : hash(border[level], emptyNode(level)),
      );
    }
    return border;
  }
}

/** Roots of trees without leaves, by height, as far as they were asked for. */
const EMPTY_NODES = [0n];

function emptyNode(level: number): bigint {
  for (let i = EMPTY_NODES.length; i <= level; i++)
    EMPTY_NODES.push(hash(EMPTY_NODES[i - 1], EMPTY_NODES[i - 1]));
  return EMPTY_NODES[level];
}

/** Root of a record without submissions. */
export const EMPTY_ROOT = Field(emptyNode(TREE_DEPTH));

function hash(left: bigint, right: bigint): bigint {
  return Poseidon.hash([Field(left), Field(right)]).toBigInt();
}
