/** Histories without a chain: what a contract's state is after certain submissions. */
import { Field } from 'o1js';
import { nextActionState, OPENED } from '../actions.js';
import { Attestation } from '../attestation.js';
import { AttestationHistory, type HistoryState } from '../history.js';
import { RecordTree } from '../record.js';

/** Five fields, as they stand in an attestation. */
export function attestation(...fields: number[]): Attestation {
  return new Attestation(Attestation.fromFields(fields.map(Field)));
}

/** As many different attestations. */
export function attestations(length: number): Attestation[] {
  return Array.from({ length }, (_, i) => attestation(1, 2, 3, i, 5));
}

export function queueOf(submitted: readonly Attestation[]): Field {
  return submitted.reduce((state, each) => nextActionState(state, Attestation.key(each)), OPENED);
}

/** State of a contract that was told `submitted` and settled the first few. */
export function stateOf(submitted: readonly Attestation[], settled = 0): HistoryState {
  const done = submitted.slice(0, settled);
  return {
    root: RecordTree.of(done.map(Attestation.key)).root(),
    count: settled,
    settledActions: queueOf(done),
    actionState: queueOf(submitted),
  };
}

export function historyOf(submitted: readonly Attestation[], settled = 0): AttestationHistory {
  return AttestationHistory.replay(stateOf(submitted, settled), submitted);
}
