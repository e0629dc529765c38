/** Domain separators of hashes that only provers and circuits compute. */
import { domain } from '@attensor/contracts';
import { Field, Poseidon } from 'o1js';

/** In the capacity of the sponge that gives the challenges: no other hash starts from its state. */
export const TRANSCRIPT_DOMAIN = domain('attensor-transcript-1').toBigInt();
export const PARAMETER_DOMAIN = domain('attensor-parameters-1').toBigInt();
export const SAMPLE_DOMAIN = domain('attensor-sample-1').toBigInt();
export const CARRY_DOMAIN = domain('attensor-carry-1').toBigInt();
export const CONFIG_DOMAIN = domain('attensor-config-1').toBigInt();
/** Of what units and boundary tensors are, spelled out. */
export const UNIT_DOMAIN = domain('attensor-unit-1').toBigInt();
/** Of the roots in a unit's statement: its weights, and the tensors at its ends. */
export const UNIT_WEIGHTS_DOMAIN = domain('attensor-unit-weights-1').toBigInt();
export const BOUNDARY_DOMAIN = domain('attensor-boundary-1').toBigInt();
/** Of the prompt's and the output's hashes, where a unit reads tokens. */
export const TOKENS_DOMAIN = domain('attensor-tokens-1').toBigInt();
/** Of what a join makes of two statements: the units', and their weights'. */
export const JOINED_UNITS_DOMAIN = domain('attensor-joined-units-1').toBigInt();
/** Of a unit that has no neighbour to be joined with. */
export const LIFTED_UNIT_DOMAIN = domain('attensor-lifted-unit-1').toBigInt();
export const JOINED_WEIGHTS_DOMAIN = domain('attensor-joined-weights-1').toBigInt();

/** Hash of a text: what circuits depend on, spelled out. */
export function textHash(textDomain: bigint, text: string): bigint {
  const bytes = new TextEncoder().encode(text);
  const fields = [Field(textDomain), Field(bytes.length)];
  for (let i = 0; i < bytes.length; i += 31)
    fields.push(Field(bytes.slice(i, i + 31).reduceRight((v, b) => v * 256n + BigInt(b), 0n)));
  return Poseidon.hash(fields).toBigInt();
}
