/** The statements that units make, and how their fields bind what is proved. */
import {
  domain,
  INPUT_DOMAIN,
  inputHash,
  MODEL_DOMAIN,
  outputHash,
  Statement,
} from '@attensor/contracts';
import { Field, Struct, type ProvablePure } from 'o1js';
import type { Wire } from '../protocol/tape.js';
import type { Session } from '../protocol/session.js';
import type { TypedStatement } from './unit.js';

/** What the proof of a component says. */
export class ComponentStatement extends Struct({
  /** hash of kind, sizes and commitment parameters */
  component: Field,
  /** commitment to input and output, and to everything in between */
  tensors: Field,
  /** commitment to the weights, or the vocabulary's root; 0 where there are none */
  weights: Field,
  /** hash of the tokens that are read; 0 where there are none */
  tokens: Field,
}) {}

export const TENSORS_DOMAIN = domain('attensor-tensors-1').toBigInt();
const WEIGHTS_DOMAIN = MODEL_DOMAIN.toBigInt();

/** modelRoot, vocabularyRoot, inputHash, outputHash. The architecture is in the model's root. */
export const MODEL_STATEMENT: TypedStatement<Statement> = {
  type: Statement,
  names: ['modelRoot', 'vocabularyRoot', 'inputHash', 'outputHash'],
  weights: { field: 0, domain: WEIGHTS_DOMAIN },
  // the proof file and the contract expect a proof that verified a predecessor
  leastCircuits: 2,
  fields: ({ weights, vocabulary, tokens: { promptIds, outputIds } }) => [
    weights,
    vocabulary,
    inputHash(promptIds).toBigInt(),
    outputHash(outputIds).toBigInt(),
  ],
  begin(session, fields, hash) {
    session.absorb([session.tape.constant(hash), ...fields]);
  },
};

/** component, tensors, weights, tokens; zero where there are none. */
export const COMPONENT_STATEMENT: TypedStatement<ComponentStatement> = {
  type: ComponentStatement,
  names: ['component', 'tensors', 'weights', 'tokens'],
  witness: { field: 1, domain: TENSORS_DOMAIN },
  weights: { field: 2, domain: WEIGHTS_DOMAIN },
  leastCircuits: 1,
  fields: ({ hash, witness, weights, tokens: { promptIds } }) => [
    hash,
    witness,
    weights,
    promptIds.length > 0 ? inputHash(promptIds).toBigInt() : 0n,
  ],
  begin(session, fields, hash) {
    const { tape } = session;
    session.absorb(fields);
    tape.assertEqual(
      fields[0],
      tape.constant(hash),
      'component: the statement is about another one',
    );
  },
};

/** The hash of a token list whose length is fixed, as `inputHash` of the contracts package. */
export function tokensHash(session: Session, ids: Wire[]): Wire {
  const { tape } = session;
  const hashed = [tape.constant(INPUT_DOMAIN.toBigInt()), tape.constant(BigInt(ids.length))];
  for (const id of ids) hashed.push(id, tape.constant(0n));
  return tape.hash(hashed);
}

/** A statement from its fields. */
export const statementFrom = <Statement>(
  type: ProvablePure<Statement>,
  fields: bigint[],
): Statement => type.fromFields(fields.map((v) => Field(v)));
