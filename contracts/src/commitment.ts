import { Field, Struct } from 'o1js';

/**
 * What a model's owner publishes, and what every attestation of it is checked against.
 *
 * `verifierKeyHash` is the hash of the verification key of the inference program: it fixes which
 * circuits may speak for the model.
 */
export class Commitment extends Struct({
  modelRoot: Field,
  vocabularyRoot: Field,
  verifierKeyHash: Field,
}) {}
