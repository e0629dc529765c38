/** The statements that units make, and how their fields bind what is proved. */
import {
  BATCH_INPUT_DOMAIN,
  BATCH_OUTPUT_DOMAIN,
  batchInputHash,
  batchOutputHash,
  domain,
  INPUT_DOMAIN,
  inputHash,
  MODEL_DOMAIN,
  outputHash,
  Statement,
} from '@attensor/contracts';
import { present } from '@attensor/core';
import { Field, Struct, type ProvablePure } from 'o1js';
import {
  TokenColumns,
  type TokenHashes,
  type TokenInput,
  type TokenSizes,
} from '../components/tokens.js';
import { TOKENS_DOMAIN, UNIT_WEIGHTS_DOMAIN } from '../protocol/domains.js';
import { hash } from '../protocol/poseidon.js';
import type { ProverOnly } from '../protocol/prover-only.js';
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

/** What the proof of one unit of several says. */
export class UnitStatement extends Struct({
  /** hash of kind, sizes and commitment parameters */
  unit: Field,
  /** commitment to the weights; the vocabulary's root of the first unit */
  weights: Field,
  /** commitments to the tensors that the unit reads and leaves; 0 at the model's ends */
  in: Field,
  out: Field,
  /** salted hash of prompt and output, of the first and last unit; 0 elsewhere */
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
  fields: ({ weights, vocabulary, tokens }) => [weights, vocabulary, ...statedHashes(tokens)],
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
  fields: ({ hash, witness, weights, tokens: [read] }) => [
    hash,
    witness,
    weights,
    read ? inputHash(read.promptIds).toBigInt() : 0n,
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

/** unit, weights, in, out, tokens; zero where there are none. */
export const UNIT_STATEMENT: TypedStatement<UnitStatement> = {
  type: UnitStatement,
  names: ['unit', 'weights', 'in', 'out', 'tokens'],
  weights: { field: 1, domain: UNIT_WEIGHTS_DOMAIN },
  boundaries: { in: 2, out: 3 },
  leastCircuits: 1,
  joined: true,
  fields: ({ hash, weights, tokens, ends }) => [
    hash,
    weights,
    ends?.in?.root ?? 0n,
    ends?.out?.root ?? 0n,
    tokens.length > 0
      ? saltedTokens(hashesOf(tokens), present(ends, 'the salt of the tokens').tokenSalt)
      : 0n,
  ],
  begin(session, fields, hash) {
    const { tape } = session;
    session.absorb(fields);
    tape.assertEqual(
      fields[0],
      tape.constant(hash),
      'unit: the statement is about another kind of unit',
    );
  },
};

/** What a statement says of its requests' tokens: `inputHash` and `outputHash`, or the batch's. */
export function hashesOf(requests: readonly TokenInput[]): { input: bigint; output: bigint } {
  const inputs = requests.map(({ promptIds }) => inputHash(promptIds));
  const outputs = requests.map(({ outputIds }) => outputHash(outputIds));
  const [input, output] =
    requests.length === 1
      ? [inputs[0], outputs[0]]
      : [batchInputHash(inputs), batchOutputHash(outputs)];
  return { input: input.toBigInt(), output: output.toBigInt() };
}

const statedHashes = (requests: readonly TokenInput[]): bigint[] => {
  const { input, output } = hashesOf(requests);
  return [input, output];
};

/**
 * The tokens of all requests, whose hashes a statement has. One request's are its own; several requests' are those of a batch, with the
 * number of requests in them.
 */
export async function bindRequests(
  session: Session,
  { batch, ...sizes }: TokenSizes & { batch: number },
  stated: TokenHashes,
  tokens: ProverOnly<readonly TokenInput[]>,
): Promise<TokenColumns> {
  if (batch === 1)
    return TokenColumns.bind(
      session,
      sizes,
      stated,
      tokens.map(([only]) => only),
    );
  const { tape } = session;
  const { columns, hashes } = await TokenColumns.bindAll(session, sizes, batch, tokens);
  const domains = { input: BATCH_INPUT_DOMAIN, output: BATCH_OUTPUT_DOMAIN };
  const names = { input: 'prompts', output: 'outputs' };
  for (const list of ['input', 'output'] as const)
    tape.assertEqual(
      tape.hash([
        ...[domains[list].toBigInt(), BigInt(batch)].map((v) => tape.constant(v)),
        ...hashes[list],
      ]),
      stated[list],
      `batch: the ${names[list]} do not hash to ${list}Hash`,
    );
  return columns;
}

/** What the first and the last unit of a model say of the tokens. */
export const saltedTokens = (
  { input, output }: { input: bigint; output: bigint },
  salt: bigint,
): bigint => hash([TOKENS_DOMAIN, input, output, salt]);

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
