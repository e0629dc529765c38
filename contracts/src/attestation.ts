import { Field, Poseidon, Struct } from 'o1js';
import { domain } from './hashes.js';
import { Statement } from './statement.js';

export { Attestation, ATTESTATION_DOMAIN, EMPTY_ATTESTATIONS, attestationsHash };

const ATTESTATION_DOMAIN = domain('attensor-attestation-1');

/** Commitment to the empty list of attestations. */
const EMPTY_ATTESTATIONS = Field(0);

/**
 * One entry of the contract's record, and its event.
 *
 * Entries form a hash chain: `previous` commits to all earlier ones, `attestationsHash` to this one
 * too, and that is what the contract stores. So a list of events can be checked against the state:
 * complete, in order, unedited (see `read.ts`).
 *
 * A chain, not a Merkle tree: appending needs nothing but the state itself, so a prover can submit
 * without an archive node, and nobody can withhold a path. Readers check the list as a whole.
 */
class Attestation extends Struct({
  index: Field,
  statement: Statement,
  verifierKeyHash: Field,
  previous: Field,
}) {}

/** Commitment to an attestation and all before it. */
function attestationsHash(attestation: Attestation): Field {
  return Poseidon.hash([ATTESTATION_DOMAIN, ...Attestation.toFields(attestation)]);
}
