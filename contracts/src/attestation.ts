import { Field, Poseidon, Struct } from 'o1js';
import { domain } from './hashes.js';
import { Statement } from './statement.js';

export { Attestation, ATTESTATION_DOMAIN, EMPTY_ATTESTATIONS, nextAttestations };

const ATTESTATION_DOMAIN = domain('attensor-attestation-1');

/** Commitment to the empty list of attestations. */
const EMPTY_ATTESTATIONS = Field(0);

/**
 * One entry of the contract's record, and its event.
 *
 * `attestations` commits to this entry and to all before it, so a list of events can be checked
 * against the contract's state: complete, in order, unedited (see `read.ts`).
 */
class Attestation extends Struct({
  index: Field,
  statement: Statement,
  verifierKeyHash: Field,
  attestations: Field,
}) {}

/**
 * Appends to the hash chain that commits to all attestations.
 *
 * A chain, not a Merkle tree: appending needs nothing but the state itself, so a prover can submit
 * without an archive node, and nobody can withhold a path. Lists are checked as a whole by readers.
 */
function nextAttestations(
  attestations: Field,
  entry: { index: Field; statement: Statement; verifierKeyHash: Field },
): Field {
  return Poseidon.hash([
    ATTESTATION_DOMAIN,
    attestations,
    entry.index,
    ...Statement.toFields(entry.statement),
    entry.verifierKeyHash,
  ]);
}
