/**
 * @module program
 * The inference ZkProgram: a chain of segments of one tape. Public input: the statement. Public output: the hash of the values
 * carried to the next segment, 0 when the last one is done. A segment verifies its predecessor, requires the same statement, and
 * opens the carry its predecessor left; the carry's hash names the segment it is for.
 */
import { Statement } from '@attensor/contracts';
import {
  Field,
  Poseidon,
  Provable,
  SelfProof,
  Struct,
  Unconstrained,
  ZkProgram,
  type Cache,
} from 'o1js';
import { CARRY_DOMAIN } from '../model/domains.js';
import type { Tape } from '../protocol/tape.js';
import { Emitter } from './emit.js';
import type { Segment } from './planner.js';

/** Values of one segment: carried in, then the tape inputs. */
export type SegmentInput = Unconstrained<bigint[]>;

export const segmentName = (index: number): string => `segment${index}`;

const carryHash = (segment: number, values: Field[]): Field =>
  Poseidon.hash([Field(CARRY_DOMAIN), Field(segment), ...values]);

/** The circuit of one segment. @returns its public output */
export function segmentCircuit(
  tape: Tape,
  segment: Segment,
  last: boolean,
  statement: Statement,
  input: SegmentInput,
  previous?: { publicInput: Statement; publicOutput: Field },
): Field {
  const count = segment.carryIn.length + segment.inputs;
  const values = Provable.witness(Provable.Array(Field, count), () => {
    const given = input.get();
    if (given.length !== count)
      throw new RangeError(`segment ${segment.index}: ${given.length} values, expected ${count}`);
    return given.map((v) => Field(v));
  });
  const carried = values.slice(0, segment.carryIn.length);
  const emitter = new Emitter(Statement.toFields(statement), values.slice(segment.carryIn.length));
  emitShared(emitter, tape);
  if (segment.index > 0) {
    const before = previous!.publicInput;
    before.modelRoot.assertEquals(statement.modelRoot);
    before.vocabularyRoot.assertEquals(statement.vocabularyRoot);
    before.inputHash.assertEquals(statement.inputHash);
    before.outputHash.assertEquals(statement.outputHash);
    previous!.publicOutput.assertEquals(carryHash(segment.index, carried));
    segment.carryIn.forEach((v, i) => emitter.set(v, carried[i]));
  }
  emitOps(emitter, tape, segment.start, segment.end);
  if (last) return Field(0);
  return carryHash(
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

/** A whole tape as one circuit over the fields of its statement. */
export function wholeCircuit(tape: Tape, statement: Field[], input: SegmentInput): void {
  const values = Provable.witness(Provable.Array(Field, tape.inputCount), () => {
    const given = input.get();
    if (given.length !== tape.inputCount)
      throw new RangeError(`circuit: ${given.length} values, expected ${tape.inputCount}`);
    return given.map((v) => Field(v));
  });
  const emitter = new Emitter(statement, values);
  emitShared(emitter, tape);
  emitOps(emitter, tape, 0, tape.ops.length);
}

/** The chain for a tape's segments. `name` must tell programs with different circuits apart. */
export function inferenceProgram(name: string, tape: Tape, segments: Segment[]) {
  const input = Unconstrained.withEmpty<bigint[]>([]);
  const methods: Record<string, unknown> = {};
  for (const segment of segments) {
    const last = segment.index === segments.length - 1;
    methods[segmentName(segment.index)] =
      segment.index === 0
        ? {
            privateInputs: [input],
            async method(statement: Statement, values: SegmentInput) {
              return { publicOutput: segmentCircuit(tape, segment, last, statement, values) };
            },
          }
        : {
            privateInputs: [SelfProof, input],
            async method(
              statement: Statement,
              previous: SelfProof<Statement, Field>,
              values: SegmentInput,
            ) {
              previous.verify();
              return {
                publicOutput: segmentCircuit(tape, segment, last, statement, values, previous),
              };
            },
          };
  }
  const program = ZkProgram({
    name,
    publicInput: Statement,
    publicOutput: Field,
    methods: methods as Record<string, { privateInputs: [typeof input]; method: never }>,
  });
  return program as unknown as InferenceProgram;
}

/** What the proof of one component says; see component-proof/protocol. */
export class ComponentStatement extends Struct({
  component: Field,
  tensors: Field,
  weights: Field,
  tokens: Field,
}) {}

/** A program of one circuit that verifies no other proof. */
export function componentProgram(name: string, tape: Tape) {
  const input = Unconstrained.withEmpty<bigint[]>([]);
  return ZkProgram({
    name,
    publicInput: ComponentStatement,
    methods: {
      prove: {
        privateInputs: [input],
        async method(statement: ComponentStatement, values: SegmentInput) {
          wholeCircuit(tape, ComponentStatement.toFields(statement), values);
        },
      },
    },
  });
}

type Result = { proof: SelfProof<Statement, Field> };

/** What the prover uses of the program, with methods by segment name. */
export type InferenceProgram = {
  compile(options: {
    cache: Cache;
    forceRecompile?: boolean;
  }): Promise<{ verificationKey: { data: string; hash: Field } }>;
  analyzeMethods(): Promise<Record<string, { rows: number; digest: string }>>;
  verify(proof: SelfProof<Statement, Field>): Promise<boolean>;
  digest(): Promise<string>;
  Proof: { fromJSON(json: unknown): Promise<SelfProof<Statement, Field>> };
} & Record<string, (statement: Statement, ...rest: unknown[]) => Promise<Result>>;
