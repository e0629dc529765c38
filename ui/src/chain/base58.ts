/** Mina's text form of hashes: base58 of a version, the field element, and a checksum. */
import { AttensorError } from '@attensor/core';

const ALPHABET = '123456789ABCDEFGHJKLMNPQRSTUVWXYZabcdefghijkmnopqrstuvwxyz';
const CHECKSUM_BYTES = 4;
const FIELD_BYTES = 32;

/**
 * The field element of a ledger, state or receipt chain hash. The checksum is not looked at: it guards against typing errors, and
 * what comes from here is compared with a hash that was computed.
 *
 * @throws BAD_ANSWER
 */
export function fieldOfBase58(text: string, where: string): bigint {
  let value = 0n;
  for (const character of text) {
    const digit = ALPHABET.indexOf(character);
    if (digit === -1 || text.length > 80) {
      throw new AttensorError({ code: 'BAD_ANSWER', what: 'this is not base58', where, got: text });
    }
    value = value * 58n + BigInt(digit);
  }
  // after the version: the element's bytes, least significant first
  const bytes = (value >> BigInt(8 * CHECKSUM_BYTES)) & ((1n << BigInt(8 * FIELD_BYTES)) - 1n);
  let element = 0n;
  for (let i = 0; i < FIELD_BYTES; i++) {
    element = (element << 8n) | ((bytes >> BigInt(8 * i)) & 0xffn);
  }
  return element;
}
