/**
 * The contract's record outside circuits: made from its keys at once, and what is read from it.
 *
 * `IndexedMerkleMap` could do it: an insertion takes more than a hundred hashes there, two here; and
 * its data can't be read while the process builds or proves a transaction, when a reader must go on.
 */
import { present } from '@attensor/core';
import { Bool, Field, Poseidon } from 'o1js';
import { AttestationMap, AttestationWitness, RECORDED, TREE_DEPTH } from './attestation.js';

interface Leaf {
  key: bigint;
  value: bigint;
  nextKey: bigint;
  index: number;
}

export class RecordTree {
  private constructor(
    /** By key. */
    private readonly leaves: readonly Leaf[],
    /** By height, then from left to right; empty subtrees are left out. */
    private readonly nodes: readonly (readonly bigint[])[],
  ) {}

  /** @param keys of the attestations, in the order of their first settlement, all different */
  static of(keys: readonly Field[]): RecordTree {
    const entries = keys.map((key, i) => ({ key: key.toBigInt(), index: i + 1 }));
    // the map starts with one leaf, which is no attestation
    const sorted = [{ key: 0n, index: 0 }, ...entries.sort((a, b) => (a.key < b.key ? -1 : 1))];
    const leaves = sorted.map(({ key, index }, i) => ({
      key,
      value: index === 0 ? 0n : RECORDED.toBigInt(),
      // the last one's successor is the first one
      nextKey: sorted[(i + 1) % sorted.length].key,
      index,
    }));
    const nodes = [Array<bigint>(leaves.length)];
    for (const { key, value, nextKey, index } of leaves)
      nodes[0][index] = hash(key, value, nextKey);
    for (let level = 0; level < TREE_DEPTH; level++) {
      const below = nodes[level];
      const length = Math.ceil(below.length / 2);
      const pair = (i: number) => hash(below[2 * i], below[2 * i + 1] ?? emptyNode(level));
      nodes.push(Array.from({ length }, (_, i) => pair(i)));
    }
    return new RecordTree(leaves, nodes);
  }

  get root(): Field {
    return Field(hash(this.nodes[TREE_DEPTH][0], BigInt(this.leaves.length)));
  }

  /** For `settle`. */
  map(): AttestationMap {
    const map = new AttestationMap();
    map._internalRoot = Field(this.nodes[TREE_DEPTH][0]);
    map.length = Field(this.leaves.length);
    map.data.set({
      nodes: this.nodes.map((level) => [...level]),
      sortedLeaves: [...this.leaves],
    });
    return map;
  }

  /** @param key of an attestation that is in the record */
  witness(key: Field): AttestationWitness {
    const leaf = present(
      this.leaves.find((each) => each.key === key.toBigInt()),
      'the leaf of a key',
    );
    const levels = Array.from({ length: TREE_DEPTH }, (_, level) => level);
    const at = (level: number) => Math.floor(leaf.index / 2 ** level);
    const isRight = (level: number) => at(level) % 2 === 1;
    return new AttestationWitness({
      nextKey: Field(leaf.nextKey),
      isRight: levels.map((level) => Bool(isRight(level))),
      siblings: levels.map((level) =>
        Field(this.nodes[level][at(level) + (isRight(level) ? -1 : 1)] ?? emptyNode(level)),
      ),
      length: Field(this.leaves.length),
    });
  }
}

/** Roots of trees without leaves, by height, as far as they were asked for. */
const EMPTY_NODES = [0n];

function emptyNode(level: number): bigint {
  for (let i = EMPTY_NODES.length; i <= level; i++)
    EMPTY_NODES.push(hash(EMPTY_NODES[i - 1], EMPTY_NODES[i - 1]));
  return EMPTY_NODES[level];
}

function hash(...values: bigint[]): bigint {
  return Poseidon.hash(values.map((value) => Field(value))).toBigInt();
}
