/**
 * The verification keys of this version's circuits, those of the contract and of the settlement program.
 *
 * To compile is to make a proving key of every method, and from it the method's verification key. A verification key that is known
 * leaves the proving key to the first proof of that method: who deploys, submits or settles makes only the keys he proves with.
 *
 * **Note**: that is all they are used for. Each is found by the hash of its circuit, so a changed circuit has none. Proofs by a wrong
 * key would not verify, and what compiles is compared with `CONTRACT_KEY_HASH` and `SETTLEMENT_KEY_HASH` as before.
 */
import type { Cache } from 'o1js';
import { KNOWN_KEYS } from './known-keys-data.js';

/** A cache in which this version's verification keys are found too, as if an earlier run had kept them. */
export const withKnownKeys = (cache: Cache): Cache => ({
  ...cache,
  read(header) {
    const known = KNOWN_KEYS[header.uniqueId];
    return known === undefined ? cache.read(header) : new TextEncoder().encode(known);
  },
});
