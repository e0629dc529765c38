/**
 * @module program
 * The inference ZkProgram: a chain of segments of one tape. Public input: the statement. Public output: the hash of the values
 * carried to the next segment, 0 when the last one is done. A segment verifies its predecessor, requires the same statement, and
 * opens the carry its predecessor left; the carry's hash names the segment it is for.
 */
import { Statement } from '@attensor/contracts';
import { Field, Poseidon, Provable, SelfProof, Unconstrained, ZkProgram, type Cache } from 'o1js';
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
  const fields = [
    statement.modelRoot,
    statement.vocabularyRoot,
    statement.inputHash,
    statement.outputHash,
  ];
  const emitter = new Emitter(fields, values.slice(segment.carryIn.length));
  for (const op of tape.ops) if (op.kind === 'constant' || op.kind === 'public') emitter.emit(op);
  if (segment.index > 0) {
    const before = previous!.publicInput;
    before.modelRoot.assertEquals(statement.modelRoot);
    before.vocabularyRoot.assertEquals(statement.vocabularyRoot);
    before.inputHash.assertEquals(statement.inputHash);
    before.outputHash.assertEquals(statement.outputHash);
    previous!.publicOutput.assertEquals(carryHash(segment.index, carried));
    segment.carryIn.forEach((v, i) => emitter.set(v, carried[i]));
  }
  for (let i = segment.start; i < segment.end; i++) {
    const op = tape.ops[i];
    if (op.kind !== 'constant' && op.kind !== 'public') emitter.emit(op);
  }
  if (last) return Field(0);
  return carryHash(
    segment.index + 1,
    segment.carryOut.map((v) => emitter.get(v)),
  );
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
