/**
 * @module units/joins
 * Statements of units made into one, as numbers: what the circuits of joins must compute. A join takes two neighbours; the last one
 * makes today's statement of four fields. The tree of joins is the Merkle tree of the model's weights, and of what its units are.
 */
import { MODEL_DOMAIN } from '@attensor/contracts';
import { JOINED_UNITS_DOMAIN, JOINED_WEIGHTS_DOMAIN } from '../protocol/domains.js';
import { hash } from '../protocol/poseidon.js';
import { VerificationError } from '../protocol/tape.js';
import { saltedTokens } from './statements.js';

/** The fields of a `UnitStatement`. */
export interface UnitFields {
  unit: bigint;
  weights: bigint;
  in: bigint;
  out: bigint;
  tokens: bigint;
}

/** Fields in the order of the statement. */
export function unitFields([unit, weights, before, after, tokens]: bigint[]): UnitFields {
  return { unit, weights, in: before, out: after, tokens };
}

/** Two units, or what is joined already, as one. Only the right one may say something of tokens: the first unit is joined last. */
export const joinedUnits = (left: bigint, right: bigint): bigint =>
  hash([JOINED_UNITS_DOMAIN, left, right]);

export const joinedWeights = (left: bigint, right: bigint): bigint =>
  hash([JOINED_WEIGHTS_DOMAIN, left, right]);

/** @throws VerificationError for statements that are no neighbours */
export function join(left: UnitFields, right: UnitFields): UnitFields {
  requireNeighbours(left, right);
  return {
    unit: joinedUnits(left.unit, right.unit),
    weights: joinedWeights(left.weights, right.weights),
    in: left.in,
    out: right.out,
    tokens: right.tokens,
  };
}

function requireNeighbours(left: UnitFields, right: UnitFields): void {
  if (left.out !== right.in)
    throw new VerificationError(
      'join: the left unit leaves another tensor than the right one reads',
    );
}

/**
 * Joins a row of any length pairwise: the left part of a row of n has as many as the largest power of two below n.
 *
 * @throws RangeError for an empty row
 */
export function joinTree<T>(row: readonly T[], pair: (left: T, right: T) => T): T {
  if (row.length === 0) throw new RangeError('join: there is nothing to join');
  if (row.length === 1) return row[0];
  const half = 2 ** (Math.ceil(Math.log2(row.length)) - 1);
  return pair(joinTree(row.slice(0, half), pair), joinTree(row.slice(half), pair));
}

/** Constants of a model's last join. */
export interface JoinedModel {
  /** hash of the architecture and of all units in their order */
  configHash: bigint;
  first: bigint;
  /** `joinedUnits` of all units after the first */
  rest: bigint;
}

/** What the last join knows and does not tell. */
export interface JoinSecrets {
  /** of the tokens, in both units that read them */
  tokens: bigint;
  /** of `modelRoot` */
  model: bigint;
}

/** @param top `joinedWeights` of all units after the first */
export const joinedModelRoot = (configHash: bigint, top: bigint, salt: bigint): bigint =>
  hash([MODEL_DOMAIN.toBigInt(), configHash, top, salt]);

/**
 * The model's statement, from its first unit and everything after it.
 *
 * @returns modelRoot, vocabularyRoot, inputHash, outputHash
 * @throws VerificationError where they are not that, or not about one request
 */
export function joinModel(
  model: JoinedModel,
  first: UnitFields,
  rest: UnitFields,
  hashes: { input: bigint; output: bigint },
  salts: JoinSecrets,
): bigint[] {
  const require = (holds: boolean, what: string): void => {
    if (!holds) throw new VerificationError(`join: ${what}`);
  };
  require(first.unit === model.first, 'the first statement is about another kind of unit');
  require(rest.unit === model.rest, 'the units are not those of the model, in its order');
  requireNeighbours(first, rest);
  const tokens = saltedTokens(hashes, salts.tokens);
  require(first.tokens === tokens, 'the first unit reads other tokens');
  require(rest.tokens === tokens, 'the last unit reads other tokens');
  const root = joinedModelRoot(model.configHash, rest.weights, salts.model);
  return [root, first.weights, hashes.input, hashes.output];
}
