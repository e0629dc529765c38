/** What verifying a proof ends with. */
export interface Outcome {
  /**
   * 'unverified program': the proof verifies with the key that its file brings, but nothing trusted says whose key that is. A program
   * that checks nothing has such proofs of every statement.
   */
  result: 'valid' | 'unverified program' | 'invalid';
  /** whether the result is 'valid' */
  valid: boolean;
  /** why not, in words */
  reason?: string;
}

export const UNVERIFIED_PROGRAM =
  'no trusted key was compared: the proof may be of a program that checks nothing';

/** @param reason why the proof is refused, if it is; the key was compared if `checked` names it */
export function outcome(checked: readonly string[], reason?: string): Outcome {
  if (reason !== undefined) return { result: 'invalid', valid: false, reason };
  if (!checked.includes('verifierKeyHash'))
    return { result: 'unverified program', valid: false, reason: UNVERIFIED_PROGRAM };
  return { result: 'valid', valid: true };
}
