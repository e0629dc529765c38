/**
 * The hashes a statement is made of, recomputable by anyone with o1js.
 *
 * Every hash starts with a domain field, so that a hash of one kind never passes for another. Token
 * lists are hashed with their length first: no list is a prefix of another one's hash input.
 */
import { Field, Poseidon } from 'o1js';

/** Token ids of a text, by the committed model's tokenizer. */
export type Tokenize = (text: string) => readonly number[] | Promise<readonly number[]>;

/** Bytes that fit below the modulus of the Pallas base field (254.0 bits) whatever they are. */
const MAX_DOMAIN_BYTES = 31;
const MAX_TOKEN_ID = 2 ** 32 - 1;

/**
 * The field element of a domain name: its ASCII bytes read as a little-endian integer.
 *
 * @throws RangeError if the name is empty, too long to be injective, or not ASCII.
 */
export function domain(name: string): Field {
  const bytes = [...name].map((character) => character.codePointAt(0) ?? 0);
  if (bytes.length === 0 || bytes.length > MAX_DOMAIN_BYTES || bytes.some((byte) => byte > 127)) {
    throw RangeError(
      `domain: name must be 1 to ${MAX_DOMAIN_BYTES} ASCII characters, got ${JSON.stringify(name)}`,
    );
  }
  return Field(bytes.reduceRight((value, byte) => value * 256n + BigInt(byte), 0n));
}

/** Domain of `inputHash`. */
export const INPUT_DOMAIN = domain('attensor-input-1');
/** Domain of `outputHash`. */
export const OUTPUT_DOMAIN = domain('attensor-output-1');
/** Domains of `batchInputHash` and `batchOutputHash`. */
export const BATCH_INPUT_DOMAIN = domain('attensor-batch-input-1');
export const BATCH_OUTPUT_DOMAIN = domain('attensor-batch-output-1');
/** Domain of `modelRoot`. */
export const MODEL_DOMAIN = domain('attensor-model-1');

/** Hash of a prompt's token ids: `Statement.inputHash`. */
export function inputHash(tokenIds: readonly number[]): Field {
  return tokensHash('inputHash', INPUT_DOMAIN, tokenIds);
}

/** Hash of a generated continuation's token ids: `Statement.outputHash`. */
export function outputHash(tokenIds: readonly number[]): Field {
  return tokensHash('outputHash', OUTPUT_DOMAIN, tokenIds);
}

/**
 * `Statement.inputHash` of a proof of several requests: hash of their input hashes, in order. No list of tokens has it, because its
 * domain is another.
 */
export const batchInputHash = (inputHashes: readonly Field[]): Field =>
  Poseidon.hash([BATCH_INPUT_DOMAIN, Field(inputHashes.length), ...inputHashes]);

/** The same of their output hashes: `Statement.outputHash`. The i-th output answers the i-th input. */
export const batchOutputHash = (outputHashes: readonly Field[]): Field =>
  Poseidon.hash([BATCH_OUTPUT_DOMAIN, Field(outputHashes.length), ...outputHashes]);

/** `inputHash` of a prompt's text. */
export async function inputHashOfText(text: string, tokenize: Tokenize): Promise<Field> {
  return inputHash(await tokenize(text));
}

/**
 * `outputHash` of a continuation's text.
 *
 * **Note**: a text has several token sequences, and a model may have generated another one than the
 * tokenizer makes of it. Where the token ids are known, use those.
 */
export async function outputHashOfText(text: string, tokenize: Tokenize): Promise<Field> {
  return outputHash(await tokenize(text));
}

/**
 * Commitment to a model: its architecture, its parameters, and a random salt that hides them.
 *
 * @param parts.configHash hash of the architecture (every number the circuits depend on)
 * @param parts.parameterRoot root of the commitment to the integer parameters
 * @param parts.salt uniformly random; kept by the owner
 */
export function modelRoot(parts: { configHash: Field; parameterRoot: Field; salt: Field }): Field {
  return Poseidon.hash([MODEL_DOMAIN, parts.configHash, parts.parameterRoot, parts.salt]);
}

/**
 * `Poseidon([domain, length, id_0, 0, id_1, 0, ...])`. One permutation absorbs two elements, so the
 * zeros give each token a permutation of its own: a circuit can stop after any of them.
 */
function tokensHash(caller: string, domain: Field, tokenIds: readonly number[]): Field {
  if (tokenIds.length === 0) throw RangeError(`${caller}: expected at least one token, got none`);
  tokenIds.forEach((id, position) => {
    if (!Number.isInteger(id) || id < 0 || id > MAX_TOKEN_ID) {
      throw RangeError(
        `${caller}: token ${position} must be an integer from 0 to ${MAX_TOKEN_ID}, got ${String(id)}`,
      );
    }
  });
  const tokens = tokenIds.flatMap((id) => [Field(id), Field(0)]);
  return Poseidon.hash([domain, Field(tokenIds.length), ...tokens]);
}
