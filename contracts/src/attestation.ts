/**
 * An attestation, its name in the record, and the record itself: an indexed Merkle map from names to
 * 1. The map's root is on chain, so anyone can prove with a path that an attestation is in it.
 */
import { Bool, Field, IndexedMerkleMap, Poseidon, Provable, Struct } from 'o1js';
import { Commitment } from './commitment.js';
import { domain } from './hashes.js';
import { Statement } from './statement.js';

/** Domain of an attestation's name in the record. */
export const ATTESTATION_DOMAIN = domain('attensor-attestation-2');

/** Levels of the record's tree below its root: room for 2^32 - 1 attestations. */
export const TREE_DEPTH = 32;

/** The value of every recorded attestation: recording one again changes nothing. */
export const RECORDED = Field(1);

/** What was proved to the contract: a statement, and the circuits that proved it. */
export class Attestation extends Struct({
  statement: Statement,
  verifierKeyHash: Field,
}) {
  /** That the model of `commitment` answers `inputHash` with `outputHash`. */
  static of(commitment: Commitment, inputHash: Field, outputHash: Field): Attestation {
    const { modelRoot, vocabularyRoot, verifierKeyHash } = commitment;
    const statement = new Statement({ modelRoot, vocabularyRoot, inputHash, outputHash });
    return new Attestation({ statement, verifierKeyHash });
  }

  /** Name in the record. It binds the model: an answer of one model never passes for another's. */
  static key(attestation: Attestation): Field {
    return Poseidon.hash([ATTESTATION_DOMAIN, ...Attestation.toFields(attestation)]);
  }

  /** The model that it is about. */
  static commitment({ statement, verifierKeyHash }: Attestation): Commitment {
    const { modelRoot, vocabularyRoot } = statement;
    return new Commitment({ modelRoot, vocabularyRoot, verifierKeyHash });
  }
}

/** The record: `Attestation.key` to `RECORDED`. `root` is what the contract stores. */
export class AttestationMap extends IndexedMerkleMap(TREE_DEPTH + 1) {}

/** Root of a record without attestations. */
export const EMPTY_ROOT = new AttestationMap().root;

/**
 * Shows that an attestation is in the record: its leaf's successor and its path.
 *
 * A path instead of the whole map: it has 66 field elements, and can be handed on as JSON.
 */
export class AttestationWitness extends Struct({
  nextKey: Field,
  /** From the leaf up: is the node a right child, and its sibling. */
  isRight: Provable.Array(Bool, TREE_DEPTH),
  siblings: Provable.Array(Field, TREE_DEPTH),
  /** Leaves of the tree, of which one is there from the start. */
  length: Field,
}) {
  /** The root of a record that holds `attestation` where the witness says. */
  static root(witness: AttestationWitness, attestation: Attestation): Field {
    // the leaf and the root as `IndexedMerkleMap` hashes them
    let node = Poseidon.hash([Attestation.key(attestation), RECORDED, witness.nextKey]);
    witness.siblings.forEach((sibling, level) => {
      const isRight = witness.isRight[level];
      const left = Provable.if(isRight, sibling, node);
      const right = Provable.if(isRight, node, sibling);
      node = Poseidon.hash([left, right]);
    });
    return Poseidon.hash([node, witness.length]);
  }
}
