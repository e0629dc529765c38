import { Field, Struct } from 'o1js';

/**
 * What one inference proof says, and its public input.
 *
 * There are parameters opening `modelRoot`, token embeddings opening `vocabularyRoot`, and token
 * lists hashing to `inputHash` and `outputHash` (see `hashes.ts`), such that greedy integer
 * inference of the committed model on the input yields the output.
 */
export class Statement extends Struct({
  modelRoot: Field,
  vocabularyRoot: Field,
  inputHash: Field,
  outputHash: Field,
}) {}
