/** Embedding: x(t,i) = E(token_t, i). */
import { AttensorError } from '@attensor/core';

/** @throws BAD_TOKENS for an id outside 0 .. vocabSize - 1. */
export function checkTokens(tokens: ArrayLike<number>, vocabSize: number, where: string): void {
  for (let t = 0; t < tokens.length; t++) {
    const id = tokens[t];
    if (!Number.isInteger(id) || id < 0 || id >= vocabSize) {
      throw new AttensorError({
        code: 'BAD_TOKENS',
        what: 'a token id is outside the vocabulary',
        where: `${where}, position ${t}`,
        expected: `an integer 0 <= id < ${vocabSize}`,
        got: String(id),
        hint: 'Encode the text with the tokenizer of this model',
      });
    }
  }
}

/** @param table (vocab, width) rows of the tokens. */
export function embedding(
  table: Int32Array,
  tokens: ArrayLike<number>,
  width: number,
): BigInt64Array {
  const x = new BigInt64Array(tokens.length * width);
  for (let t = 0; t < tokens.length; t++) {
    for (let i = 0; i < width; i++) x[t * width + i] = BigInt(table[tokens[t] * width + i]);
  }
  return x;
}
