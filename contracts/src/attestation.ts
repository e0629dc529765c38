/**
 * An attestation, and the path that shows it in the record: a Merkle tree over all settled
 * submissions, oldest first. The tree's root is on chain.
 */
import { Field, MerkleWitness, Struct } from 'o1js';
import { actionsHash } from './actions.js';
import { Commitment } from './commitment.js';
import { Statement } from './statement.js';

/** Levels of the record's tree below its root: room for 2^32 submissions. */
export const TREE_DEPTH = 32;

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

  /**
   * Its leaf in the record: the hash of the action that submits it. It binds the model: an answer of one
   * model never passes for another's.
   */
  static key(attestation: Attestation): Field {
    return actionsHash(Attestation.toFields(attestation));
  }

  /** The model that it is about. */
  static commitment({ statement, verifierKeyHash }: Attestation): Commitment {
    const { modelRoot, vocabularyRoot } = statement;
    return new Commitment({ modelRoot, vocabularyRoot, verifierKeyHash });
  }
}

/** Shows that an attestation is in the record: the path from its leaf to the root. */
export class AttestationWitness extends MerkleWitness(TREE_DEPTH + 1) {
  /** The root of a record that holds `attestation` where the witness says. */
  static root(witness: AttestationWitness, attestation: Attestation): Field {
    return witness.calculateRoot(Attestation.key(attestation));
  }
}
