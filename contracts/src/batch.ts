/**
 * Batches: one proof of several requests. Its statement has the hash of their input hashes and that of their output hashes, and so has
 * its attestation; whoever knows the pairs can show that one of them is among them.
 */
import { Bool, Field, Provable, Struct } from 'o1js';
import { batchInputHash, batchOutputHash } from './hashes.js';

/** Hashes of one request's prompt and output, in decimal. */
export interface StatedPair {
  inputHash: string;
  outputHash: string;
}

/** The hashes that a statement about these requests has. */
export const batchHashes = (pairs: readonly StatedPair[]): { input: Field; output: Field } => ({
  input: batchInputHash(pairs.map(({ inputHash }) => Field(inputHash))),
  output: batchOutputHash(pairs.map(({ outputHash }) => Field(outputHash))),
});

/** Is the statement about these requests, in this order? */
export function holdsPairs(statement: StatedPair, pairs: readonly StatedPair[]): boolean {
  const { input, output } = batchHashes(pairs);
  return statement.inputHash === input.toString() && statement.outputHash === output.toString();
}

/**
 * The pairs of a batch as an argument of a contract's method, which may rely on one of them:
 *
 * ```ts
 * class Batch extends batchOf(16) {}
 * const { input, output } = Batch.requireHolds(batch, inputHash, outputHash);
 * await attestations.requireAttested(input, output, witness);
 * ```
 *
 * @param size of the batch: that of the model's circuits
 */
export function batchOf(size: number) {
  return class Batch extends Struct({
    inputHashes: Provable.Array(Field, size),
    outputHashes: Provable.Array(Field, size),
  }) {
    /** @throws RangeError for another number of pairs */
    static of(pairs: readonly StatedPair[]): Batch {
      if (pairs.length !== size)
        throw RangeError(`batchOf: expected ${size} pairs, got ${pairs.length}`);
      return new Batch({
        inputHashes: pairs.map(({ inputHash }) => Field(inputHash)),
        outputHashes: pairs.map(({ outputHash }) => Field(outputHash)),
      });
    }

    /**
     * Fails unless one request of the batch has these hashes.
     *
     * @returns the hashes that the batch's attestation has
     */
    static requireHolds(
      { inputHashes, outputHashes }: Batch,
      inputHash: Field,
      outputHash: Field,
    ): { input: Field; output: Field } {
      inputHashes
        .map((hash, r) => hash.equals(inputHash).and(outputHashes[r].equals(outputHash)))
        .reduce((some, one) => some.or(one), Bool(false))
        .assertTrue('requireHolds: no request of the batch has these hashes');
      return { input: batchInputHash(inputHashes), output: batchOutputHash(outputHashes) };
    }
  };
}
