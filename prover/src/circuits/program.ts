/**
 * @module program
 * The ZkProgram of a tape: a chain of segments of one tape. Public input: the statement. Public output: the hash of the values
 * carried to the next segment, 0 when the last one is done. A segment verifies its predecessor, requires the same statement, and
 * opens the carry its predecessor left; the carry's hash names the segment it is for.
 */
import { present } from '@attensor/core';
import {
  analysis,
  permutationGates,
  type PermutationGates,
  type PermutationState,
} from '@attensor/core/o1js';
import {
  Field,
  Provable,
  SelfProof,
  Unconstrained,
  ZkProgram,
  type Cache,
  type ProvablePure,
} from 'o1js';
import { CARRY_DOMAIN } from '../protocol/domains.js';
import { roundStates } from '../protocol/poseidon.js';
import type { Session } from '../protocol/session.js';
import type { Tape } from '../protocol/tape.js';
import { Emitter } from './emit.js';
import type { Segment } from './planner.js';

/** Values of one segment: carried in, then the tape inputs. */
export type SegmentInput = Unconstrained<bigint[]>;

/** A struct of fields. */
export type StatementType<S> = ProvablePure<S>;

export const segmentName = (index: number): string => `segment${index}`;

/** Poseidon's gates, whose states the fastest code of this machine computes. */
export const loadPermutation = (): Promise<PermutationGates> => permutationGates(roundStates);

/** Poseidon.hash of the segment's number and the carried values. */
function carryHash(permutation: PermutationGates, segment: number, values: Field[]): Field {
  const absorbed = [Field(CARRY_DOMAIN), Field(segment), ...values];
  let state: PermutationState = [Field(0), Field(0), Field(0)];
  for (let i = 0; i < absorbed.length; i += 2) {
    const [a, b, c] = state;
    const second = i + 1 < absorbed.length ? b.add(absorbed[i + 1]) : b;
    state = permutation([a.add(absorbed[i]), second, c]);
  }
  return state[0];
}

/** A segment of a tape, and what its circuit is made with. */
export interface SegmentOf {
  tape: Tape;
  segment: Segment;
  last: boolean;
  permutation: PermutationGates;
}

/** The circuit of one segment. @returns its public output */
export function segmentCircuit(
  { tape, segment, last, permutation }: SegmentOf,
  statement: Field[],
  input: SegmentInput,
  previous?: { statement: Field[]; publicOutput: Field },
): Field {
  const count = segment.carryIn.length + segment.inputs;
  const values = Provable.witness(Provable.Array(Field, count), () => {
    const given = input.get();
    if (given.length !== count)
      throw new RangeError(`segment ${segment.index}: ${given.length} values, expected ${count}`);
    return given.map((v) => Field(v));
  });
  const carried = values.slice(0, segment.carryIn.length);
  const emitter = new Emitter(statement, values.slice(segment.carryIn.length), permutation);
  emitShared(emitter, tape);
  if (segment.index > 0) {
    const before = present(previous, 'the proof of the segments before');
    statement.forEach((field, i) => before.statement[i].assertEquals(field));
    before.publicOutput.assertEquals(carryHash(permutation, segment.index, carried));
    segment.carryIn.forEach((v, i) => emitter.set(v, carried[i]));
  }
  emitOps(emitter, tape, segment.start, segment.end);
  if (last) return Field(0);
  return carryHash(
    permutation,
    segment.index + 1,
    segment.carryOut.map((v) => emitter.get(v)),
  );
}

/** What every segment may read: constants and the statement. */
function emitShared(emitter: Emitter, tape: Tape): void {
  for (const op of tape.ops) if (op.kind === 'constant' || op.kind === 'public') emitter.emit(op);
}

function emitOps(emitter: Emitter, tape: Tape, start: number, end: number): void {
  for (let i = start; i < end; i++) {
    const op = tape.ops[i];
    if (op.kind !== 'constant' && op.kind !== 'public') emitter.emit(op);
  }
}

export interface ChainOptions<S> {
  /** Tells programs with different circuits apart. */
  name: string;
  /** of the public input */
  type: StatementType<S>;
  tape: Tape;
  segments: Segment[];
  /**
   * Whoever takes its proofs under a key given at run time expects circuits that verify one proof. A single segment verifies none, so
   * its program gets a method that says again what a proof says.
   */
  verifiesOne?: boolean;
}

/** The chain for a tape's segments; a single one verifies no other proof. */
export function chainProgram<S>({
  name,
  type,
  tape,
  segments,
  verifiesOne = false,
}: ChainOptions<S>): ChainProgram<S> {
  const input = Unconstrained.withEmpty<bigint[]>([]);
  const methods: Record<string, unknown> = {};
  let compiling = false;
  for (const segment of segments) {
    const last = segment.index === segments.length - 1;
    const circuit = async (
      statement: S,
      values: SegmentInput,
      previous?: SelfProof<S, Field>,
    ): Promise<{ publicOutput: Field }> => {
      // What `compile` looks for, custom gates, no segment has; so it need not be built for that.
      if (compiling && (await analysis())()) return { publicOutput: Field(0) };
      const before = previous && {
        statement: type.toFields(previous.publicInput),
        publicOutput: previous.publicOutput,
      };
      const of = { tape, segment, last, permutation: await loadPermutation() };
      return { publicOutput: segmentCircuit(of, type.toFields(statement), values, before) };
    };
    methods[segmentName(segment.index)] =
      segment.index === 0
        ? {
            privateInputs: [input],

            method: (statement: S, values: SegmentInput) => circuit(statement, values),
          }
        : {
            privateInputs: [SelfProof, input],

            method: async (statement: S, previous: SelfProof<S, Field>, values: SegmentInput) => {
              previous.verify();
              return circuit(statement, values, previous);
            },
          };
  }
  if (verifiesOne && segments.length === 1)
    methods.again = {
      privateInputs: [SelfProof],
      method(statement: S, previous: SelfProof<S, Field>) {
        previous.verify();
        const before = type.toFields(previous.publicInput);
        type.toFields(statement).forEach((field, i) => field.assertEquals(before[i]));
        return Promise.resolve({ publicOutput: previous.publicOutput });
      },
    };
  const program = ZkProgram({
    name,
    publicInput: type,
    publicOutput: Field,
    methods: methods as never,
  }) as unknown as ChainProgram<S>;
  const compile = program.compile.bind(program);
  program.compile = async (options) => {
    compiling = true;
    try {
      return await compile(options);
    } finally {
      compiling = false;
    }
  };
  return program;
}

type Result<S> = { proof: SelfProof<S, Field> };

/** What a prover uses of the program, with methods by segment name. */
export type ChainProgram<S> = {
  compile(options: {
    cache: Cache;
    forceRecompile?: boolean;
  }): Promise<{ verificationKey: { data: string; hash: Field } }>;
  analyzeMethods(): Promise<Record<string, { rows: number; digest: string }>>;
  verify(proof: SelfProof<S, Field>): Promise<boolean>;
  digest(): Promise<string>;
  Proof: { fromJSON(json: unknown): Promise<SelfProof<S, Field>> };
} & Record<string, (statement: S, ...rest: unknown[]) => Promise<Result<S>>>;

/** What a run's session gives to one segment. */
export const segmentInput = (session: Session, segment: Segment): SegmentInput =>
  Unconstrained.from([
    ...session.valuesOf(segment.carryIn),
    ...session.messages.slice(segment.firstInput, segment.firstInput + segment.inputs),
  ]);

/** A proof of the chain's first segments. */
export type ChainProof<S> = SelfProof<S, Field>;

/** Proves one segment. @param previous the proof of the segments before it; none for the first */
export async function proveSegment<S>(
  { program }: Pick<Circuits<S>, 'program'>,
  segment: Segment,
  statement: S,
  session: Session,
  previous: ChainProof<S> | undefined,
): Promise<ChainProof<S>> {
  const values = segmentInput(session, segment);
  const method = program[segmentName(segment.index)];
  const { proof } = previous
    ? await method(statement, previous, values)
    : await method(statement, values);
  return proof;
}

/** The circuits of a tape. */
export interface Circuits<S> {
  name: string;
  tape: Tape;
  segments: Segment[];
  program: ChainProgram<S>;
}

export const circuitsOf = <S>(options: ChainOptions<S>): Circuits<S> => {
  const { name, tape, segments } = options;
  return { name, tape, segments, program: chainProgram(options) };
};
