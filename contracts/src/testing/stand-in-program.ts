/**
 * A program with the public types of inference and nothing of its work: enough to test everything
 * that happens to a proof after it is made.
 */
import { Field, Poseidon, SelfProof, ZkProgram } from 'o1js';
import { inputHash, outputHash } from '../hashes.js';
import { COMPLETE } from '../inference-proof.js';
import { Statement } from '../statement.js';

/** What a stand-in segment leaves to be done. */
function remainder(statement: Statement): Field {
  return Poseidon.hash(Statement.toFields(statement));
}

export const standIn = ZkProgram({
  name: 'attensor-test-stand-in',
  publicInput: Statement,
  publicOutput: Field,
  methods: {
    /** First segment of two. */
    start: {
      privateInputs: [],
      method(statement: Statement) {
        return Promise.resolve({ publicOutput: remainder(statement) });
      },
    },
    /** Last segment of two. */
    finish: {
      privateInputs: [SelfProof],
      method(statement: Statement, previous: SelfProof<Statement, Field>) {
        previous.verify();
        Statement.toFields(statement).forEach((field, i) => {
          field.assertEquals(Statement.toFields(previous.publicInput)[i]);
        });
        previous.publicOutput.assertEquals(remainder(statement));
        return Promise.resolve({ publicOutput: COMPLETE });
      },
    },
    /** The whole run at once. */
    whole: {
      privateInputs: [],
      method(statement: Statement) {
        statement.inputHash.assertNotEquals(Field(0));
        return Promise.resolve({ publicOutput: COMPLETE });
      },
    },
  },
});

/** Same public types, other circuits: claims anything. */
export const impostor = ZkProgram({
  name: 'attensor-test-impostor',
  publicInput: Statement,
  publicOutput: Field,
  methods: {
    claim: {
      privateInputs: [],
      method(_: Statement) {
        return Promise.resolve({ publicOutput: COMPLETE });
      },
    },
  },
});

export function statementOf(roots: { modelRoot: number; vocabularyRoot: number }): Statement {
  return new Statement({
    modelRoot: Field(roots.modelRoot),
    vocabularyRoot: Field(roots.vocabularyRoot),
    inputHash: inputHash([1, 2, 3]),
    outputHash: outputHash([4, 5]),
  });
}
