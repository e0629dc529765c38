/**
 * A batch of submitted attestations, on its way from the queue into the record.
 */
import { Bool, Field, Provable, Struct } from 'o1js';
import { actionsHash, nextActionState, SettlePath } from './actions.js';
import { Attestation, AttestationMap, RECORDED } from './attestation.js';

/** Attestations that one `settle` takes. */
export const BATCH = 8;

/** What `settle` works on. `AttestationHistory.settlement` makes it. */
export class Settlement extends Struct({
  /** The record before. */
  record: AttestationMap.provable,
  /** The next ones in the queue, then anything. */
  attestations: Provable.Array(Attestation, BATCH),
  /** True for those of `attestations` that are from the queue. */
  present: Provable.Array(Bool, BATCH),
  /** From the batch's last action to where `toPinned` says. */
  path: SettlePath,
  /** Is the path's end the state's `pinnedActions`, not the account's action state? */
  toPinned: Bool,
}) {}

/** Event of `settle`: the record after it. */
export class SettledEvent extends Struct({ root: Field, count: Field, settledActions: Field }) {}

/**
 * Takes the batch from the queue that starts at `start`, and enters each attestation into the record
 * once.
 *
 * @returns the record and the action state after it
 */
export function settleBatch({ record: before, attestations, present }: Settlement, start: Field) {
  // a transaction runs its methods twice, when it is built and when it is proved
  const record = before.clone();
  const settledActions = attestations.reduce((state, attestation, i) => {
    record.setIf(present[i], Attestation.key(attestation), RECORDED);
    return Provable.if(present[i], nextActionState(state, actionsHash(attestation)), state);
  }, start);
  return { record, settledActions };
}
