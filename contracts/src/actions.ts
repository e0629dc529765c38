/**
 * The queue of submitted attestations: Mina's actions of the contract's account.
 *
 * The ledger keeps one hash of all actions ever dispatched, the action state. Each account update
 * with actions extends it by their hash. Every `attest` dispatches exactly one.
 */
import { AccountUpdate, Field, Poseidon, Provable, Struct } from 'o1js';
import { Attestation } from './attestation.js';
import { domain } from './hashes.js';

/** Actions that may be pending behind a settled batch; see `AttestationContract.pin` for more. */
export const SETTLE_PATH = 248;
/** Actions that one `pin` walks over. */
export const PIN_PATH = 480;

/** Mina's hashes of actions: Poseidon, started from the hash of a prefix. */
const EVENT = salt('MinaZkappEvent******');
const ACTIONS = salt('MinaZkappSeqEvents**');
const NO_ACTIONS = AccountUpdate.Actions.empty().hash;

/** Action state of an account that never dispatched any. */
export const EMPTY_ACTION_STATE = AccountUpdate.Actions.emptyActionState();

/** Adds the attestation to the actions of `update`. */
export function dispatch(update: AccountUpdate, attestation: Attestation): void {
  const { body } = update;
  body.actions = AccountUpdate.Actions.pushEvent(body.actions, Attestation.toFields(attestation));
}

/** Hash of the actions of an account update that submits `attestation` and nothing else. */
export function actionsHash(attestation: Attestation): Field {
  const [action] = Poseidon.update(EVENT, Attestation.toFields(attestation));
  return Poseidon.update(ACTIONS, [NO_ACTIONS, action])[0];
}

/** The action state after an account update whose actions hash to `hash`. */
export function nextActionState(state: Field, hash: Field): Field {
  return Poseidon.update(ACTIONS, [state, hash])[0];
}

/** Once per prefix: a reader hashes thousands of actions. */
function salt(prefix: string): [Field, Field, Field] {
  return Poseidon.update(Poseidon.initialState(), [domain(prefix)]);
}

/**
 * Hashes of account updates that lead from one action state to a later one, oldest first, filled up
 * with zeros (no hash is zero).
 */
export interface ActionPath {
  hashes: Field[];
}

/** Hashes that lead from the end of a settled batch to an action state that the ledger accepts, padded. */
export class SettlePath extends Struct({ hashes: Provable.Array(Field, SETTLE_PATH) }) {}
/** Hashes that lead from a pinned action state to one that the ledger accepts, padded. */
export class PinPath extends Struct({ hashes: Provable.Array(Field, PIN_PATH) }) {}

/** The action state at the path's end. */
export function actionPath(start: Field, { hashes }: ActionPath): Field {
  return hashes.reduce(
    (state, hash) => Provable.if(hash.equals(0), state, nextActionState(state, hash)),
    start,
  );
}
