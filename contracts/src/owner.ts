/** Who may change which model the contract is about. */
import { type Field, Poseidon, PublicKey, Struct } from 'o1js';
import { Commitment } from './commitment.js';
import { domain } from './hashes.js';

/** Domain of `ownerHash`. */
export const OWNER_DOMAIN = domain('attensor-owner-1');

/** The owner as the contract's state holds it: a key would take a second field. */
export function ownerHash(owner: PublicKey): Field {
  return Poseidon.hash([OWNER_DOMAIN, ...owner.toFields()]);
}

/** Event of `rotateOwner`. */
export class OwnerEvent extends Struct({ previous: PublicKey, next: PublicKey }) {}

/** Event of `updateModel`. */
export class ModelEvent extends Struct({ previous: Commitment, next: Commitment }) {}
