/**
 * @module circuits/joins
 * The circuits that make one proof of many: two programs that join neighbours, the same for every model, and one for each model that
 * makes the model's statement of its units. `units/joins.ts` has the same as numbers. Which circuits proved what is joined stands in
 * the joined statement, so joins take any; the last circuit knows which they must be.
 */
import { COMPLETE, MODEL_DOMAIN, Statement } from '@attensor/contracts';
import {
  DynamicProof,
  FeatureFlags,
  Field,
  Poseidon,
  Provable,
  Struct,
  VerificationKey,
  ZkProgram,
  type Cache,
  type JsonProof,
  type Proof,
} from 'o1js';
import { createHash } from 'node:crypto';
import {
  JOINED_UNITS_DOMAIN,
  JOINED_WEIGHTS_DOMAIN,
  LIFTED_UNIT_DOMAIN,
  TOKENS_DOMAIN,
} from '../protocol/domains.js';
import type { JoinedModel, ModelOpening } from '../units/joins.js';
import { UnitStatement } from '../units/statements.js';

/** A proof of units, by circuits that verify one proof: those of a unit. */
class UnitProof extends DynamicProof<UnitStatement, Field> {
  static override publicInputType = UnitStatement;
  static override publicOutputType = Field;
  static override maxProofsVerified: 1 | 2 = 1;
  static override featureFlags = FeatureFlags.allNone;
}
/** By circuits that verify two: those of a join. */
class JoinedProof extends UnitProof {
  static override maxProofsVerified = 2 as const;
}

// The key that a proof is verified under belongs to its class: each place of a circuit needs one of its own.
class LeftUnit extends UnitProof {}
class RightUnit extends UnitProof {}
class LeftJoined extends JoinedProof {}
class RightJoined extends JoinedProof {}
class AllJoined extends JoinedProof {}

/** What a circuit has of a proof that it verifies. */
export interface VerifiedUnits {
  statement: UnitStatement;
  /** of the chain of circuits that made it */
  output: Field;
  keyHash: Field;
}

function verified(proof: UnitProof, key: VerificationKey): VerifiedUnits {
  proof.verify(key);
  return { statement: proof.publicInput, output: proof.publicOutput, keyHash: key.hash };
}

const requireFinished = ({ output }: VerifiedUnits): void => {
  output.assertEquals(COMPLETE, 'join: the proof is of an unfinished run');
};

/** Requires that a join states what follows from those that it joins. */
function requireStatement(stated: UnitStatement, made: UnitStatement): void {
  const fields = UnitStatement.toFields(made);
  UnitStatement.toFields(stated).forEach((field, i) => {
    field.assertEquals(fields[i], 'join: the statement is another one');
  });
}

/** `join` of units/joins. */
export function joinCircuit(
  stated: UnitStatement,
  left: VerifiedUnits,
  right: VerifiedUnits,
): void {
  [left, right].forEach(requireFinished);
  const [l, r] = [left.statement, right.statement];
  l.out.assertEquals(r.in, 'join: the left unit leaves another tensor than the right one reads');
  l.tokens
    .mul(r.tokens)
    .mul(l.tokens.sub(r.tokens))
    .assertEquals(0, 'join: the units are about different tokens');
  const identity = [left.keyHash, l.unit, right.keyHash, r.unit];
  const made = new UnitStatement({
    unit: Poseidon.hash([Field(JOINED_UNITS_DOMAIN), ...identity]),
    weights: joinedWeights(l.weights, r.weights),
    in: l.in,
    out: r.out,
    tokens: Provable.if(l.tokens.equals(0), r.tokens, l.tokens),
  });
  requireStatement(stated, made);
}

/** `lift` of units/joins. */
export function liftCircuit(stated: UnitStatement, unit: VerifiedUnits): void {
  requireFinished(unit);
  const { statement, keyHash } = unit;
  const lifted = Poseidon.hash([Field(LIFTED_UNIT_DOMAIN), keyHash, statement.unit]);
  requireStatement(stated, new UnitStatement({ ...statement, unit: lifted }));
}

const joinedWeights = (left: Field, right: Field): Field =>
  Poseidon.hash([Field(JOINED_WEIGHTS_DOMAIN), left, right]);

/** What a model's last circuit is told beside the proof; `ModelOpening` has it as numbers. */
export interface ModelSecrets {
  siblings: Field[];
  tokenSalt: Field;
  salt: Field;
}

/** `joinModel` of units/joins. @param siblings as many as the model's depth */
export function modelCircuit(
  model: JoinedModel,
  stated: Statement,
  units: VerifiedUnits,
  { siblings, tokenSalt, salt }: ModelSecrets,
): void {
  requireFinished(units);
  const { unit, weights, in: before, out: after, tokens } = units.statement;
  units.keyHash.assertEquals(Field(model.key), 'join: the units were joined by other circuits');
  unit.assertEquals(
    Field(model.unit),
    'join: the units, or their circuits, are not those of the model in its order',
  );
  for (const end of [before, after]) end.assertEquals(0, 'join: the units are not all of a model');
  const { inputHash, outputHash, vocabularyRoot, modelRoot } = stated;
  tokens.assertEquals(
    Poseidon.hash([Field(TOKENS_DOMAIN), inputHash, outputHash, tokenSalt]),
    'join: the units read other tokens',
  );
  siblings
    .reduce(joinedWeights, vocabularyRoot)
    .assertEquals(weights, 'join: the vocabulary is not that of the units');
  modelRoot.assertEquals(
    Poseidon.hash([MODEL_DOMAIN, Field(model.configHash), weights, salt]),
    'join: the weights are not those of the model',
  );
}

const done = { publicOutput: COMPLETE };

/** The method that joins two proofs of these classes. */
const pairOf = (Left: typeof UnitProof, Right: typeof UnitProof) => ({
  privateInputs: [Left, VerificationKey, Right, VerificationKey],
  method(
    statement: UnitStatement,
    left: UnitProof,
    leftKey: VerificationKey,
    right: UnitProof,
    rightKey: VerificationKey,
  ) {
    joinCircuit(statement, verified(left, leftKey), verified(right, rightKey));
    return Promise.resolve(done);
  },
});

/** What provers use of these programs. */
interface Program<Stated> {
  compile(options: {
    cache: Cache;
    forceRecompile?: boolean;
  }): Promise<{ verificationKey: VerificationKey }>;
  analyzeMethods(): Promise<Record<string, { rows: number; digest: string }>>;
  Proof: { fromJSON(json: JsonProof): Promise<Proof<Stated, Field>> };
}
type Made<Stated> = Promise<{ proof: Proof<Stated, Field> }>;

/** A proof under its key. */
export interface KeyedProof {
  proof: Proof<UnitStatement, Field>;
  key: VerificationKey;
}

type Pair = (
  statement: UnitStatement,
  left: UnitProof,
  leftKey: VerificationKey,
  right: UnitProof,
  rightKey: VerificationKey,
) => Made<UnitStatement>;
type UnitJoins = Program<UnitStatement> & {
  pair: Pair;
  lift: (statement: UnitStatement, proof: UnitProof, key: VerificationKey) => Made<UnitStatement>;
};
type JoinedJoins = Program<UnitStatement> & { node: Pair };

/** Joins two units; or one without a neighbour, so that it can be joined with others that are joined. */
export const unitJoins = ZkProgram({
  name: 'attensor-join-units-1',
  publicInput: UnitStatement,
  publicOutput: Field,
  methods: {
    pair: pairOf(LeftUnit, RightUnit),
    lift: {
      privateInputs: [LeftUnit, VerificationKey],
      method(statement: UnitStatement, proof: UnitProof, key: VerificationKey) {
        liftCircuit(statement, verified(proof, key));
        return Promise.resolve(done);
      },
    },
  } as never,
}) as unknown as UnitJoins;

/** Joins what is joined already. */
export const joinedJoins = ZkProgram({
  name: 'attensor-join-joined-1',
  publicInput: UnitStatement,
  publicOutput: Field,
  methods: { node: pairOf(LeftJoined, RightJoined) } as never,
}) as unknown as JoinedJoins;

/** @param statement what `join` makes of both */
export async function proveJoin(
  kind: 'pair' | 'node',
  statement: UnitStatement,
  left: KeyedProof,
  right: KeyedProof,
): Promise<Proof<UnitStatement, Field>> {
  const [prove, Left, Right] =
    kind === 'pair'
      ? ([unitJoins.pair, LeftUnit, RightUnit] as const)
      : ([joinedJoins.node, LeftJoined, RightJoined] as const);
  const { proof } = await prove(
    statement,
    Left.fromProof(left.proof),
    left.key,
    Right.fromProof(right.proof),
    right.key,
  );
  return proof;
}

/** @param statement what `lift` makes of it */
export async function proveLift(
  statement: UnitStatement,
  { proof, key }: KeyedProof,
): Promise<Proof<UnitStatement, Field>> {
  const lifted = await unitJoins.lift(statement, LeftUnit.fromProof(proof), key);
  return lifted.proof;
}

type ModelProgram = Program<Statement> & {
  model: (
    statement: Statement,
    units: UnitProof,
    key: VerificationKey,
    secrets: ModelSecrets,
  ) => Made<Statement>;
};

/** The program whose proof a model's verifiers see. */
export function modelProgram(model: JoinedModel): ModelProgram {
  const Secrets = Struct({
    siblings: Provable.Array(Field, model.depth),
    tokenSalt: Field,
    salt: Field,
  });
  const text = JSON.stringify(Object.values(model).map(String));
  const digest = createHash('sha256').update(text).digest('hex').slice(0, 12);
  return ZkProgram({
    name: `attensor-joined-model-${digest}`,
    publicInput: Statement,
    publicOutput: Field,
    methods: {
      model: {
        privateInputs: [AllJoined, VerificationKey, Secrets],
        method(
          statement: Statement,
          units: UnitProof,
          key: VerificationKey,
          secrets: ModelSecrets,
        ) {
          modelCircuit(model, statement, verified(units, key), secrets);
          return Promise.resolve(done);
        },
      },
    } as never,
  }) as unknown as ModelProgram;
}

/** The model's proof. @param statement what `joinModel` makes of the joined units */
export async function proveModel(
  program: ModelProgram,
  statement: Statement,
  { proof, key }: KeyedProof,
  { siblings, salts }: Pick<ModelOpening, 'siblings' | 'salts'>,
): Promise<Proof<Statement, Field>> {
  const made = await program.model(statement, AllJoined.fromProof(proof), key, {
    siblings: siblings.map((v) => Field(v)),
    tokenSalt: Field(salts.tokens),
    salt: Field(salts.model),
  });
  return made.proof;
}
