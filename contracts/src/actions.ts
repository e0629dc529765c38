/**
 * The queue of submissions: Mina's actions of the contract's account.
 *
 * The ledger keeps one hash of all actions ever dispatched, the action state. Each account update
 * with actions extends it by their hash. `initialize` dispatches a marker, which opens the queue;
 * every `attest` dispatches one attestation.
 */
import { AccountUpdate, type Field, Poseidon } from 'o1js';
import { domain } from './hashes.js';

/**
 * Version of the queue and the record as this code keeps them; the contract has it in its state.
 * Versions 1 and 2 kept a map of attestations instead of a tree of submissions.
 */
export const RECORD_VERSION = 3;

/** Mina's hashes of actions: Poseidon, started from the hash of a prefix. */
const EVENT = salt('MinaZkappEvent******');
const ACTIONS = salt('MinaZkappSeqEvents**');
const NO_ACTIONS = AccountUpdate.Actions.empty().hash;

/** Action state of an account that never dispatched any. */
export const EMPTY_ACTION_STATE = AccountUpdate.Actions.emptyActionState();

/** The action that opens a queue. No attestation has as few fields. */
export const MARKER = [domain('attensor-record-3')];

/** Hash of the marker. No settlement passes over it, so in a queue that can be settled it comes first, and only once. */
export const MARKER_HASH = actionsHash(MARKER);

/** The action state of a queue that was opened and holds no submission. */
export const OPENED = nextActionState(EMPTY_ACTION_STATE, MARKER_HASH);

/** Adds one action to those of `update`. */
export function dispatch(update: AccountUpdate, action: Field[]): void {
  const { body } = update;
  body.actions = AccountUpdate.Actions.pushEvent(body.actions, action);
}

/** Hash of the actions of an account update that dispatches this one and no other. */
export function actionsHash(action: Field[]): Field {
  const [hash] = Poseidon.update(EVENT, action);
  return Poseidon.update(ACTIONS, [NO_ACTIONS, hash])[0];
}

/** The action state after an account update whose actions hash to `hash`. */
export function nextActionState(state: Field, hash: Field): Field {
  return Poseidon.update(ACTIONS, [state, hash])[0];
}

/** Once per prefix: a reader hashes thousands of actions. */
function salt(prefix: string): [Field, Field, Field] {
  return Poseidon.update(Poseidon.initialState(), [domain(prefix)]);
}
