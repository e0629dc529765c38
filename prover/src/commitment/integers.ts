/**
 * @module integers
 * Integers that are read by ranges, since there may be more of them than memory holds.
 */

/** A sequence of 32-bit integers, wherever they are. */
export interface Integers {
  readonly length: number;
  /** Fills `into` with the integers from `from` on; all of them exist. If it returns a promise, it is done when that settles. */
  read(from: number, into: Int32Array): unknown;
}

export const inMemory = (values: Int32Array): Integers => ({
  length: values.length,
  read(from, into) {
    into.set(values.subarray(from, from + into.length));
  },
});

/** Of a short sequence. */
export async function allOf(integers: Integers): Promise<Int32Array> {
  const values = new Int32Array(integers.length);
  await integers.read(0, values);
  return values;
}
