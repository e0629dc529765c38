/** What a settlement proof states. */
import { Field, Struct } from 'o1js';

/** The record, and the queue up to where the record holds it. */
export class RecordState extends Struct({
  /** Root of the tree of settled submissions. */
  root: Field,
  /** Settled submissions. */
  count: Field,
  /** Action state after the last settled submission. */
  actions: Field,
}) {}

/**
 * That appending the submissions between two action states turns one record into another, and that
 * the queue goes on from there to a further action state.
 */
export class Settlement extends Struct({
  before: RecordState,
  after: RecordState,
  /** An action state at or behind `after.actions`: `settle` compares it with the account's. */
  reached: Field,
}) {}

/** Fields in order, for comparing outside circuits. */
export const plain = (value: RecordState | Settlement): string =>
  (value instanceof Settlement ? Settlement.toFields(value) : RecordState.toFields(value)).join();
