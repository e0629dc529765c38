/**
 * @module units/joins
 * Statements of units made into one, as numbers: what the circuits of joins (`circuits/joins.ts`) must compute. A join takes two
 * neighbours; the last one makes today's statement of four fields. The tree of joins is the Merkle tree of the model's weights, and of
 * what its units are and which circuits proved them.
 */
import { MODEL_DOMAIN } from '@attensor/contracts';
import {
  JOINED_UNITS_DOMAIN,
  JOINED_WEIGHTS_DOMAIN,
  LIFTED_UNIT_DOMAIN,
} from '../protocol/domains.js';
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

/** The inverse of `unitFields`. */
export const fieldsOf = ({ unit, weights, in: before, out, tokens }: UnitFields): bigint[] => [
  ...[unit, weights, before, out, tokens],
];

/** A statement, and what proved it. */
export interface Proven {
  fields: UnitFields;
  /** hash of the verification key of the circuits; 0 where the plain verifier stands for them */
  key: bigint;
}

/** Hashes of the verification keys of joins: of units, and of what is joined already. */
export interface JoinKeys {
  units: bigint;
  joined: bigint;
}

/** Where the plain verifier stands for all circuits. */
export const PLAIN_KEYS: JoinKeys = { units: 0n, joined: 0n };

/**
 * How a row of units is joined: neighbours pairwise, the last one of an odd row by itself, and then what is joined, in a tree whose
 * left half holds the largest power of two below all. Units' proofs and those of joins have different widths, so a join takes two of
 * one or two of the other.
 */
export type JoinTree =
  | { kind: 'pair'; left: number; right: number }
  | { kind: 'lift'; unit: number }
  | { kind: 'node'; left: JoinTree; right: JoinTree };

/** @throws RangeError for no units */
export function joinTree(units: number): JoinTree {
  if (units < 1) throw new RangeError('join: there is nothing to join');
  const leaves = Array.from({ length: Math.ceil(units / 2) }, (_, k): JoinTree => {
    const left = 2 * k;
    return left + 1 < units
      ? { kind: 'pair', left, right: left + 1 }
      : { kind: 'lift', unit: left };
  });
  const halves = (row: JoinTree[]): JoinTree => {
    if (row.length === 1) return row[0];
    const half = 2 ** (Math.ceil(Math.log2(row.length)) - 1);
    return { kind: 'node', left: halves(row.slice(0, half)), right: halves(row.slice(half)) };
  };
  return halves(leaves);
}

/** What each kind of join makes of those below it. */
export interface JoinRules<Unit, Joined> {
  pair(left: Unit, right: Unit): Joined;
  lift(unit: Unit): Joined;
  node(left: Joined, right: Joined): Joined;
}

export function foldJoins<Unit, Joined>(
  tree: JoinTree,
  units: readonly Unit[],
  rules: JoinRules<Unit, Joined>,
): Joined {
  switch (tree.kind) {
    case 'pair':
      return rules.pair(units[tree.left], units[tree.right]);
    case 'lift':
      return rules.lift(units[tree.unit]);
    case 'node': {
      const [left, right] = [tree.left, tree.right].map((half) => foldJoins(half, units, rules));
      return rules.node(left, right);
    }
  }
}

/** How many proofs joining takes, but for the model's. */
export const joinCount = (units: number): number => 2 * Math.ceil(units / 2) - 1;

type Identity = Pick<Proven, 'key'> & { fields: Pick<UnitFields, 'unit'> };

const joinedUnits = (left: Identity, right: Identity): bigint =>
  hash([JOINED_UNITS_DOMAIN, left.key, left.fields.unit, right.key, right.fields.unit]);

const liftedUnit = ({ key, fields }: Identity): bigint =>
  hash([LIFTED_UNIT_DOMAIN, key, fields.unit]);

const joinedWeights = (left: bigint, right: bigint): bigint =>
  hash([JOINED_WEIGHTS_DOMAIN, left, right]);

/** @throws VerificationError for statements that are no neighbours, or about two requests */
export function join(left: Proven, right: Proven): UnitFields {
  const [l, r] = [left.fields, right.fields];
  requireJoin(l.out === r.in, 'the left unit leaves another tensor than the right one reads');
  requireJoin(
    l.tokens === 0n || r.tokens === 0n || l.tokens === r.tokens,
    'the units are about different tokens',
  );
  return {
    unit: joinedUnits(left, right),
    weights: joinedWeights(l.weights, r.weights),
    in: l.in,
    out: r.out,
    tokens: l.tokens === 0n ? r.tokens : l.tokens,
  };
}

/** One unit as if it were joined. */
export const lift = (unit: Proven): UnitFields => ({ ...unit.fields, unit: liftedUnit(unit) });

function requireJoin(holds: boolean, what: string): void {
  if (!holds) throw new VerificationError(`join: ${what}`);
}

/** All units of a row, joined. @throws VerificationError */
export function joinAll(units: readonly Proven[], keys: JoinKeys): Proven {
  return foldJoins<Proven, Proven>(joinTree(units.length), units, {
    pair: (left, right) => ({ fields: join(left, right), key: keys.units }),
    lift: (unit) => ({ fields: lift(unit), key: keys.units }),
    node: (left, right) => ({ fields: join(left, right), key: keys.joined }),
  });
}

/** What a row of units is, joined: the key and `unit` of `joinAll`, which depend on no request. */
export function joinedIdentity(
  units: readonly { key: bigint; unit: bigint }[],
  keys: JoinKeys,
): { key: bigint; unit: bigint } {
  const identity = (key: bigint, unit: bigint): Identity => ({ key, fields: { unit } });
  const { key, fields } = foldJoins<Identity, Identity>(
    joinTree(units.length),
    units.map(({ key, unit }) => identity(key, unit)),
    {
      pair: (left, right) => identity(keys.units, joinedUnits(left, right)),
      lift: (unit) => identity(keys.units, liftedUnit(unit)),
      node: (left, right) => identity(keys.joined, joinedUnits(left, right)),
    },
  );
  return { key, unit: fields.unit };
}

/** The weights' roots of all units, joined; and the roots beside the first unit's on the way there, from below. */
export function weightsPath(weights: readonly bigint[]): { root: bigint; siblings: bigint[] } {
  interface Path {
    root: bigint;
    siblings: bigint[];
  }
  const pair = (left: Path, right: Path): Path => ({
    root: joinedWeights(left.root, right.root),
    siblings: [...left.siblings, right.root],
  });
  return foldJoins<Path, Path>(
    joinTree(weights.length),
    weights.map((root) => ({ root, siblings: [] })),
    { pair, lift: (unit) => unit, node: pair },
  );
}

/** Constants of a model's last circuit. */
export interface JoinedModel {
  /** hash of the architecture and of all units in their order */
  configHash: bigint;
  /** of all units, joined: their `unit`, and the key of the join that says so */
  unit: bigint;
  key: bigint;
  /** joins between the first unit and the last join that make roots of weights of two */
  depth: number;
}

/** What the last circuit knows and does not tell. */
export interface JoinSecrets {
  /** of the tokens, in both units that read them */
  tokens: bigint;
  /** of `modelRoot` */
  model: bigint;
}

/** @param top all roots of weights, joined */
export const joinedModelRoot = (configHash: bigint, top: bigint, salt: bigint): bigint =>
  hash([MODEL_DOMAIN.toBigInt(), configHash, top, salt]);

/** What the last circuit is given beside the joined proof. */
export interface ModelOpening {
  input: bigint;
  output: bigint;
  /** The first unit's weights, and what stands beside them, from below. */
  vocabularyRoot: bigint;
  siblings: bigint[];
  salts: JoinSecrets;
}

/**
 * The model's statement, from all its units joined.
 *
 * @returns modelRoot, vocabularyRoot, inputHash, outputHash
 * @throws VerificationError where they are not that, or not about this request
 */
export function joinModel(
  model: JoinedModel,
  { fields, key }: Proven,
  { input, output, vocabularyRoot, siblings, salts }: ModelOpening,
): bigint[] {
  requireJoin(key === model.key, 'the units were joined by other circuits');
  requireJoin(
    fields.unit === model.unit,
    'the units, or their circuits, are not those of the model in its order',
  );
  requireJoin(fields.in === 0n && fields.out === 0n, 'the units are not all of a model');
  requireJoin(
    fields.tokens === saltedTokens({ input, output }, salts.tokens),
    'the units read other tokens',
  );
  requireJoin(siblings.length === model.depth, 'the path to the vocabulary has another length');
  requireJoin(
    siblings.reduce(joinedWeights, vocabularyRoot) === fields.weights,
    'the vocabulary is not that of the units',
  );
  const root = joinedModelRoot(model.configHash, fields.weights, salts.model);
  return [root, vocabularyRoot, input, output];
}
