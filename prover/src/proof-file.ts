/** Making and verifying proof files. */
import { inputHash, outputHash, Statement } from '@attensor/contracts';
import type { Field } from 'o1js';
import { fileSchema, FORMAT, VERSION, type ProofFile, type RevealedText } from './proof-format.js';
import { MODEL_STATEMENT } from './units/statements.js';
import { same, verifyFile, type Comparison, type FileVerdict } from './verify.js';

export function proofFile(
  proof: unknown,
  verificationKey: { data: string; hash: Field },
  statement: Statement,
  text?: RevealedText,
): ProofFile {
  return fileSchema.parse({
    format: FORMAT,
    version: VERSION,
    statement: Statement.toJSON(statement),
    verificationKey: { data: verificationKey.data, hash: verificationKey.hash.toString() },
    proof,
    ...(text && { text }),
  });
}

export interface VerifyExpectations {
  /** where `compile` keeps its keys: verification finds the reference string there */
  cacheDir?: string;
  commitment?: { modelRoot: string; vocabularyRoot: string; verifierKeyHash?: string };
  /** hash of the expected circuits' key, where no commitment says it */
  verifierKeyHash?: string;
  /** token ids of prompt and output that the statement must be about */
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
    compare: () => comparisons(file, expected),
  });
}

function* comparisons(
  { statement, verificationKey: { hash } }: ProofFile,
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
  if (promptIds)
    yield same(
      inputHash(promptIds).toString(),
      statement.inputHash,
      ['inputHash'],
      'the proof is about another prompt',
    );
  if (outputIds)
    yield same(
      outputHash(outputIds).toString(),
      statement.outputHash,
      ['outputHash'],
      'the proof is about another output',
    );
}
