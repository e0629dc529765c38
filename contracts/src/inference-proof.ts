import { DynamicProof, FeatureFlags, Field } from 'o1js';
import { Statement } from './statement.js';

/**
 * Public output of a finished run. An inference is proved as a chain of segments in one program;
 * every proof of the chain carries the same statement, and outputs the hash of the work that is
 * still to be done. Only the last one outputs zero.
 *
 * **Warning**: a verified proof whose output is not `COMPLETE` says nothing about the statement.
 */
export const COMPLETE = Field(0);

/**
 * An inference proof of any program with the right public types, verified against a key given at
 * run time (side-loaded). This is what lets one contract serve every model and every circuit.
 *
 * **Warning**: `verify(key)` accepts any program. Compare `key.hash` with a committed hash.
 */
export class InferenceProof extends DynamicProof<Statement, Field> {
  static override publicInputType = Statement;
  static override publicOutputType = Field;
  /** A segment verifies its predecessor. */
  static override maxProofsVerified = 1 as const;
  /** Inference circuits use generic and Poseidon gates only; see the row counts in the tests. */
  static override featureFlags = FeatureFlags.allNone;
}
