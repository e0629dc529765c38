/** The tape as constraints: what the plain verifier accepts, and how many rows it takes. */
import { beforeAll, describe, expect, it } from '@jest/globals';
import { present } from '@attensor/core';
import { Statement } from '@attensor/contracts';
import type { PermutationGates } from '@attensor/core/o1js';
import { Field, Poseidon, Provable, setBackend, Unconstrained } from 'o1js';
import { CARRY_DOMAIN } from '../protocol/domains.js';
import { P } from '../protocol/field.js';
import { fixtures } from '../testing/tape-fixtures.js';
import type { Session } from '../protocol/session.js';
import { Tape, type Wire } from '../protocol/tape.js';
import { proveSmall, shapeSmall, verifySmall, type Label } from '../testing/small-protocol.js';
import { Emitter } from './emit.js';
import { plan, type Segment } from './planner.js';
import {
  chainProgram,
  loadPermutation,
  segmentCircuit,
  type SegmentInput,
  type SegmentOf,
} from './program.js';

const STATEMENT = [11n, 22n, 33n, 44n];
let labels: Label[];
let messages: bigint[];
let shape: Session;
let permutation: PermutationGates;
beforeAll(async () => {
  setBackend('native');
  permutation = await loadPermutation();
  const session = await proveSmall(STATEMENT);
  ({ labels, messages } = session);
  shape = await shapeSmall();
});

/** All operations of the tape over these messages. */
function circuit(statement: bigint[], values: bigint[]): void {
  const fields = Provable.witness(Provable.Array(Field, 4), () => statement.map((v) => Field(v)));
  const inputs = Provable.witness(Provable.Array(Field, shape.tape.inputCount), () =>
    values.map((v) => Field(v)),
  );
  const emitter = new Emitter(fields, inputs, permutation);
  for (const op of shape.tape.ops) emitter.emit(op);
}

const inCircuit = (statement: bigint[], values: bigint[]): Promise<boolean> =>
  Provable.runAndCheck(() => circuit(statement, values)).then(
    () => true,
    () => false,
  );
const plain = (statement: bigint[], values: bigint[]): Promise<boolean> =>
  verifySmall(statement, values).then(
    () => true,
    () => false,
  );

describe('emitted circuit', () => {
  it('accepts what the plain verifier accepts', async () => {
    expect(await plain(STATEMENT, messages)).toBe(true);
    expect(await inCircuit(STATEMENT, messages)).toBe(true);
  });
  it('rejects what the plain verifier rejects', async () => {
    const seen = new Set<string>();
    const both: Record<string, [boolean, boolean]> = {};
    for (const { what, start, count } of labels) {
      const kind = what.replace(/\d+/g, '');
      if (seen.has(kind)) continue;
      seen.add(kind);
      const changed = messages.slice();
      changed[start + count - 1] = (changed[start + count - 1] + 1n) % P;
      both[what] = [await plain(STATEMENT, changed), await inCircuit(STATEMENT, changed)];
    }
    expect(seen.size).toBeGreaterThan(12);
    // `parameters` has no claim in the small protocol: its value is not tested by anything.
    for (const [what, result] of Object.entries(both))
      expect([what, ...result]).toEqual([what, false, false]);
  });
  it('rejects another statement', async () => {
    for (const k of [0, 3]) {
      const other = STATEMENT.map((v, i) => (i === k ? v + 1n : v));
      expect([await plain(other, messages), await inCircuit(other, messages)]).toEqual([
        false,
        false,
      ]);
    }
  });
});

describe('planner', () => {
  describe('segments', () => {
    const limits = { first: 6000, next: 9000 };
    let segments: Segment[];
    let session: Session;
    const statement = new Statement({
      modelRoot: Field(11),
      vocabularyRoot: Field(22),
      inputHash: Field(33),
      outputHash: Field(44),
    });
    beforeAll(async () => {
      segments = plan(shape.tape, limits);
      session = await verifySmall(STATEMENT, messages);
    });
    const ofSmall = (segment: Segment): SegmentOf => ({
      tape: shape.tape,
      segment,
      last: segment.index === segments.length - 1,
      permutation,
    });
    const valuesOf = (s: Segment): bigint[] => [
      ...session.valuesOf(s.carryIn),
      ...messages.slice(s.firstInput, s.firstInput + s.inputs),
    ];
    /** @returns the segment's public output, or undefined when a constraint fails */
    async function run(
      s: Segment,
      values: bigint[],
      previous?: { publicInput: Statement; publicOutput: Field },
    ): Promise<bigint | undefined> {
      let output: bigint | undefined;
      try {
        await Provable.runAndCheck(() => {
          const of = Statement.toFields(Provable.witness(Statement, () => statement));
          const before = previous && {
            statement: Statement.toFields(Provable.witness(Statement, () => previous.publicInput)),
            publicOutput: Provable.witness(Field, () => previous.publicOutput),
          };
          const out = segmentCircuit(ofSmall(s), of, Unconstrained.from(values), before);
          Provable.asProver(() => {
            output = out.toBigInt();
          });
        });
      } catch {
        return undefined;
      }
      return output;
    }

    it('cover the tape, within their limits', () => {
      expect(segments.length).toBeGreaterThan(2);
      expect(segments[0].start).toBe(0);
      segments.forEach((s, i) => {
        if (i > 0) expect(s.start).toBe(segments[i - 1].end);
        if (i > 0) expect(s.carryIn).toEqual(segments[i - 1].carryOut);
        expect(s.rows).toBeLessThanOrEqual(i === 0 ? limits.first : limits.next);
      });
      expect(segments.at(-1)?.end).toBe(shape.tape.ops.length);
      expect(segments.reduce((n, s) => n + s.inputs, 0)).toBe(messages.length);
    });

    it('take the rows that were planned, within 2 %', async () => {
      const digests: string[] = [];
      const kinds = new Set<string>();
      for (const s of segments) {
        const {
          rows: counted,
          digest,
          gates,
        } = await Provable.constraintSystem(() => {
          const of = Statement.toFields(Provable.witness(Statement, () => statement));
          const previous = {
            statement: of,
            publicOutput: Provable.witness(Field, () => Field(0)),
          };
          segmentCircuit(ofSmall(s), of, Unconstrained.from([]), previous);
        });
        expect(Math.abs(s.rows / counted - 1)).toBeLessThan(0.02);
        digests.push(digest);
        for (const { type } of gates) kinds.add(type);
      }
      // `chainProgram` compiles them without looking: none of them is a custom gate
      expect([...kinds].sort()).toEqual(['Generic', 'Poseidon', 'Zero']);
      expect(digests).toEqual(await fixtures('small-circuits.json'));
    });

    it('pass their carry on, and only theirs', async () => {
      let previous: { publicInput: Statement; publicOutput: Field } | undefined;
      const outputs: bigint[] = [];
      for (const s of segments) {
        const values = valuesOf(s);
        const output = await run(s, values, previous);
        expect(output).toBeDefined();
        if (previous) {
          const forged = async (
            change: Partial<typeof previous>,
            other = values,
          ): Promise<bigint | undefined> => run(s, other, { ...present(previous), ...change });
          // one carried value, another statement, another hash, the hash of an earlier carry
          expect(
            await forged(
              {},
              values.map((v, i) => (i === 0 ? v + 1n : v)),
            ),
          ).toBeUndefined();
          const elsewhere = new Statement({ ...statement, outputHash: Field(45) });
          expect(await forged({ publicInput: elsewhere })).toBeUndefined();
          expect(await forged({ publicOutput: Field(0) })).toBeUndefined();
          expect(await forged({ publicOutput: Field(outputs.at(-2) ?? 1n) })).toBeUndefined();
        }
        outputs.push(present(output));
        previous = { publicInput: statement, publicOutput: Field(present(output)) };
      }
      expect(outputs.at(-1)).toBe(0n);
      expect(new Set(outputs).size).toBe(outputs.length);
    });
  });

  it('refuses limits that no cut meets', () => {
    expect(() => plan(shape.tape, { first: 400, next: 400 })).toThrow('cannot be cut');
  });
});

describe('a circuit', () => {
  const satisfied = (circuit: () => void): Promise<boolean> =>
    Provable.runAndCheck(circuit).then(
      () => true,
      () => false,
    );

  it('has no inverse of zero', async () => {
    const tape = new Tape();
    tape.inverse(tape.input());
    const inverseOf = (value: bigint): Promise<boolean> =>
      satisfied(() => {
        const emitter = new Emitter([], [Provable.witness(Field, () => Field(value))], permutation);
        for (const op of tape.ops) emitter.emit(op);
      });
    expect(await inverseOf(5n)).toBe(true);
    expect(await inverseOf(0n)).toBe(false);
  });

  /** Three segments that carry the same value: all that tells their carries apart is for which segment they are. */
  const chain = (): { tape: Tape; segments: Segment[] } => {
    const tape = new Tape();
    const v: Wire = tape.input();
    tape.public(0);
    const square = (): Wire => tape.mul(v, v);
    const at = [0, tape.ops.length];
    for (let k = 0; k < 2; k++) {
      square();
      at.push(tape.ops.length);
    }
    const segment = (index: number): Segment => ({
      index,
      start: at[index],
      end: at[index + 1],
      carryIn: index === 0 ? [] : [v],
      carryOut: index === 2 ? [] : [v],
      firstInput: index === 0 ? 0 : 1,
      inputs: index === 0 ? 1 : 0,
      rows: 1,
    });
    return { tape, segments: [0, 1, 2].map(segment) };
  };

  it('takes no carry that was left for another segment', async () => {
    const { tape, segments } = chain();
    const run = async (index: number, publicOutput?: bigint): Promise<bigint | undefined> => {
      let output: bigint | undefined;
      const ran = await satisfied(() => {
        const statement = [Provable.witness(Field, () => Field(1))];
        const previous =
          publicOutput === undefined
            ? undefined
            : { statement, publicOutput: Provable.witness(Field, () => Field(publicOutput)) };
        const input = Unconstrained.from([9n]);
        const of = { tape, segment: segments[index], last: index === 2, permutation };
        const out = segmentCircuit(of, statement, input, previous);
        Provable.asProver(() => (output = out.toBigInt()));
      });
      return ran ? output : undefined;
    };
    const first = await run(0);
    const second = await run(1, first);
    expect(await run(2, second)).toBe(0n);
    // the second segment left out, or run twice
    expect(await run(2, first)).toBeUndefined();
    expect(await run(1, second)).toBeUndefined();
  });

  it('is built in full when it is analysed', async () => {
    const { tape, segments } = chain();
    const program = chainProgram({
      name: 'attensor-test-analysis',
      type: Statement,
      tape,
      segments,
    });
    const rows = Object.values(await program.analyzeMethods()).map((method) => method.rows);
    expect(rows).toHaveLength(3);
    for (const count of rows) expect(count).toBeGreaterThan(24); // a carry's hash
  });

  it('verifies its predecessor', async () => {
    const { tape, segments } = chain();
    const program = chainProgram({
      name: 'attensor-test-chain',
      type: Statement,
      tape,
      segments,
    }) as unknown as {
      rawMethods: Record<
        string,
        (s: Statement, previous: unknown, values: SegmentInput) => Promise<{ publicOutput: Field }>
      >;
    };
    const [one, carried] = [Field(1), Field(9)];
    const fields = { modelRoot: one, vocabularyRoot: one, inputHash: one, outputHash: one };
    const statement = new Statement(fields);
    for (const index of [1, 2]) {
      let verified = 0;
      const previous = {
        publicInput: statement,
        publicOutput: Poseidon.hash([Field(CARRY_DOMAIN), Field(index), carried]),
        verify: () => verified++,
      };
      await Provable.runAndCheck(async () => {
        await program.rawMethods[`segment${index}`](statement, previous, Unconstrained.from([9n]));
      });
      expect(verified).toBe(1);
    }
  });
});
