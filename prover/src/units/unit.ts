/**
 * @module units/unit
 * A unit is what one proof is about: a component, a block of attention, a whole model. It says what its two vectors hold and which
 * relations prove it; `Script` wraps it in statement, commitments, lookups and opening, and `UnitProver` proves it. A unit has no values:
 * one object serves every request.
 */
import type { EngineName } from '@attensor/inference';
import type { FpVec, ProverEngine } from '@attensor/native';
import type { ProvablePure } from 'o1js';
import type { CommittedBoundary } from '../commitment/boundary.js';
import type { Integers } from '../commitment/integers.js';
import type { Builder, Values } from '../components/builder.js';
import type { EmbeddingWitness, VocabularyTree } from '../components/embedding.js';
import type { Lookups } from '../components/lookups.js';
import type { TokenInput } from '../components/tokens.js';
import type { GroupShape } from '../hashing/layout.js';
import type { ProverOnly } from '../protocol/prover-only.js';
import type { Scope } from '../protocol/scope.js';
import type { Session } from '../protocol/session.js';
import type { Wire } from '../protocol/tape.js';
import type { Side, Tensor } from '../protocol/tensor.js';
import type { IntTensor, Tensors } from './tensors.js';

/** Which fields a statement has, and which of them are roots of the committed vectors. */
export interface StatementKind {
  readonly names: readonly string[];
  /** Where the witness has a root of its own: its field, and the domain of its hash. Otherwise its root is sent. */
  readonly witness?: { field: number; domain: bigint };
  /** The weights' root. */
  readonly weights: { field: number; domain: bigint };
  /** Fields with the roots of the tensors at a unit's ends, where it has ends. */
  readonly boundaries?: Readonly<Record<Side, number>>;
  /** Circuits a chain has at least: who verifies its proof may expect one that verified a predecessor. */
  readonly leastCircuits: number;
  /** Joins take its proofs, under keys given at run time: they expect circuits that verify one proof. */
  readonly joined?: true;
  /** The fields' values. */
  fields(parts: StatementParts): bigint[];
  /** Absorbs the statement and binds it to the unit's hash. */
  begin(session: Session, fields: Wire[], hash: bigint): void;
}

/** A statement as the public input of circuits, its fields in the order of `names`. */
export interface TypedStatement<Statement> extends StatementKind {
  readonly type: ProvablePure<Statement>;
}

/** What fields of statements are made of. */
export interface StatementParts {
  /** of the unit */
  hash: bigint;
  /** Roots, 0 for what a unit does not have. */
  witness: bigint;
  weights: bigint;
  vocabulary: bigint;
  /** of each request */
  tokens: readonly TokenInput[];
  ends?: Ends;
}

/** Commitments of a run that neighbouring units share. */
export interface Ends extends Partial<Record<Side, CommittedBoundary>> {
  /** Hides the tokens. */
  tokenSalt: bigint;
}

/** What the relations' prover needs besides the vectors. */
export interface UnitWitness {
  values: Values;
  /** Rows of the vocabulary, where tokens are read; and the states of their hashes. */
  vocabulary?: VocabularyTree;
  states: FpVec[];
  /** of each request */
  tokens: readonly TokenInput[];
  /** Present where the unit is one of several. */
  ends?: Ends;
}

/** What circuits depend on besides the unit. */
export interface CommitmentNumbers {
  /** log2 of the entries of the vectors that are opened */
  logSize: number;
  /** log2 of the inverse rates: of these vectors, and of the vector that holds the hashing of their opening */
  logInvRate: number;
  hashingLogInvRate: number;
}

export interface Unit {
  readonly statement: StatementKind;
  readonly builder: Builder;
  /** Absent where nothing is looked up. */
  readonly lookups?: Lookups;
  /** log2 of the witness's entries */
  readonly witnessLog: number;
  /** log2 of the parameters' entries; 0 where there are none, or one */
  readonly parameterLog: number;
  /** Field elements of all states of hashed rows; 0 where rows are not hashed. */
  readonly hashedStates: number;
  /** Permutations that hash a vocabulary; 0 where no tokens are read. */
  readonly vocabularyPermutations: number;
  /** Everything the circuits depend on, in words and numbers; for messages. */
  readonly description: string;
  /** The leaves of a vocabulary that are opened; absent where no tokens are read. */
  readonly reads?: GroupShape;
  /** The unit's tensors that its neighbours have too. */
  readonly boundaries?: Partial<Record<Side, Tensor>>;
  /** Hash of everything the circuits depend on, the numbers of the commitments included. */
  hash(numbers: CommitmentNumbers): bigint;
  /** Tells programs with different circuits apart. @param ends positions in the tape where circuits end */
  programName(numbers: CommitmentNumbers, ends: number[]): string;
  /** Adds what is no 64-bit integer to a witness, before it is committed. @returns states of hashed rows */
  complete(engine: ProverEngine, witness: FpVec): Promise<FpVec[]>;
  /** The unit's messages, between the commitments and the lookups. */
  relations(scope: Scope, statement: Wire[], witness: ProverOnly<UnitWitness>): Promise<void>;
}

/** The result of an exact run. */
export interface Run {
  tensors: Map<string, IntTensor>;
  /** Tokens that the statement is about, of each request; none for units that read none. */
  tokens: readonly TokenInput[];
}

export interface VocabularyRows {
  /** row-major */
  rows: Integers;
  /** of a row */
  width: number;
  /** Leaves are the rows' hashes. */
  long: boolean;
}

/** A unit whose weights can be read from a `Source`. */
export interface WeightedUnit<Source> extends Unit {
  /** A weight's integers, row-major, by the name that the builder knows it by. @throws MISSING_TENSOR, BAD_SHAPE */
  weight(source: Source, name: string): Integers;
  /** The vocabulary's embedding rows; nothing where no tokens are read. */
  vocabulary(source: Source): VocabularyRows | undefined;
}

/** A unit that can be run and proved: `Request` is what is asked. */
export interface RunnableUnit<Request, Source, Statement> extends WeightedUnit<Source> {
  readonly statement: TypedStatement<Statement>;
  /** @throws for a request that does not fit the unit, and when the run ends in another answer than the request's */
  run(engine: EngineName, request: Request, source: Source, signal?: AbortSignal): Promise<Run>;
  /** Commitments that neighbours share, where the unit is one of several. */
  ends?(request: Request): Ends;
  /** What the run gives to its caller, where that is more than the statement. */
  results?(run: Run): Tensors;
  /** The token that the statement requires after each position, or -1. */
  successors(run: Run): number[];
  /** Digest of a request: two requests with one key have one run. */
  requestKey(request: Request): string;
}

/** Sizes of a builder's vectors, sealed. @param minimumLog of both vectors */
export function sealed(
  builder: Builder,
  minimumLog = 0,
): Pick<Unit, 'builder' | 'witnessLog' | 'parameterLog'> {
  const witnessLog = builder.witness.seal(minimumLog);
  const parameterLog = builder.parameterFills.length > 0 ? builder.parameters.seal(minimumLog) : 0;
  return { builder, witnessLog, parameterLog };
}

/** Of the positions that hold tokens. */
export function embeddingWitness({ vocabulary, tokens, states }: UnitWitness): EmbeddingWitness {
  if (!vocabulary) throw new Error('unit: tokens are read, and there is no vocabulary');
  const ids = tokens.flatMap(({ promptIds, outputIds }) => [...promptIds, ...outputIds]);
  return { tree: vocabulary, ids, states };
}
