/** Making and verifying proof files. */
import { holdsPairs, inputHash, outputHash, Statement } from '@attensor/contracts';
import type { Field } from 'o1js';
import {
  BATCH_VERSION,
  fileSchema,
  FORMAT,
  VERSION,
  type ProofFile,
  type RevealedText,
} from './proof-format.js';
import type { TokenInput } from './components/tokens.js';
import { MODEL_STATEMENT } from './units/statements.js';
import { same, verifyFile, type Comparison, type FileVerdict } from './verify.js';

/** @param requests that the statement is about, with their texts where they are to be revealed */
export function proofFile(
  proof: unknown,
  verificationKey: { data: string; hash: Field },
  statement: Statement,
  requests: readonly (TokenInput & { text?: RevealedText })[],
): ProofFile {
  const [{ text }] = requests;
  const batch = requests.map((request) => ({
    inputHash: inputHash(request.promptIds).toString(),
    outputHash: outputHash(request.outputIds).toString(),
    ...(request.text && { text: request.text }),
  }));
  return fileSchema.parse({
    format: FORMAT,
    statement: Statement.toJSON(statement),
    verificationKey: { data: verificationKey.data, hash: verificationKey.hash.toString() },
    proof,
    ...(requests.length > 1
      ? { version: BATCH_VERSION, batch }
      : { version: VERSION, ...(text && { text }) }),
  });
}

export interface VerifyExpectations {
  /** where `compile` keeps its keys: verification finds the reference string there */
  cacheDir?: string;
  commitment?: { modelRoot: string; vocabularyRoot: string; verifierKeyHash?: string };
  /** hash of the expected circuits' key, where no commitment says it */
  verifierKeyHash?: string;
  /** token ids of prompt and output that the statement must be about, or one request of a batch */
  promptIds?: number[];
  outputIds?: number[];
}

export type Verdict = FileVerdict<ProofFile['statement']>;

/**
 * Verifies a proof file and what is expected of it. **Note**: without a commitment or the key's hash the proof shows only that *some*
 * program accepts, perhaps one that checks nothing: the result is then 'unverified program', never 'valid'. The key's hash must come
 * from a trusted place (the commitment, or the contract's state).
 */
export function verifyProofFile(
  file: ProofFile,
  expected: VerifyExpectations = {},
): Promise<Verdict> {
  return verifyFile(file, {
    fields: MODEL_STATEMENT.names,
    maxProofsVerified: 1,
    cacheDir: expected.cacheDir,
    consistent: () =>
      file.batch && !holdsPairs(file.statement, file.batch)
        ? 'the file lists other requests than its proof is about'
        : undefined,
    compare: () => comparisons(file, expected),
  });
}

function* comparisons(
  { statement, verificationKey: { hash }, batch = [statement] }: ProofFile,
  { commitment, verifierKeyHash, promptIds, outputIds }: VerifyExpectations,
): Iterable<Comparison> {
  if (commitment) {
    const { modelRoot, vocabularyRoot } = commitment;
    yield same(modelRoot, statement.modelRoot, ['modelRoot'], 'the proof is about another model');
    yield same(
      vocabularyRoot,
      statement.vocabularyRoot,
      ['vocabularyRoot'],
      'the proof is about another vocabulary',
    );
    yield commitment.verifierKeyHash === undefined
      ? { refused: 'the commitment names no verifier key: run attensor keys first' }
      : same(
          commitment.verifierKeyHash,
          hash,
          ['verifierKeyHash'],
          'the proof is of other circuits than the committed ones',
        );
  }
  if (verifierKeyHash !== undefined)
    yield same(
      verifierKeyHash,
      hash,
      commitment ? [] : ['verifierKeyHash'],
      'the proof is of other circuits than the expected ones',
    );
  const input = promptIds && inputHash(promptIds).toString();
  const asked = input === undefined ? batch : batch.filter((each) => each.inputHash === input);
  if (promptIds) yield found(asked, 'inputHash', 'the proof is about another prompt');
  const output = outputIds && outputHash(outputIds).toString();
  const answered = asked.filter((each) => each.outputHash === output);
  if (outputIds) yield found(answered, 'outputHash', 'the proof is about another output');
}

const found = (requests: readonly unknown[], name: string, refused: string): Comparison =>
  requests.length > 0 ? { checked: [name] } : { refused };
