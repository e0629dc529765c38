/** Making and verifying proof files. */
import { COMPLETE, inputHash, outputHash, Statement } from '@attensor/contracts';
import { Cache, Field, initializeBindings, VerificationKey, verify, type JsonProof } from 'o1js';
import { homedir } from 'node:os';
import { join } from 'node:path';
import { fileSchema, FORMAT, VERSION, type ProofFile, type RevealedText } from './proof-format.js';
import { loadReferenceStrings, withGenuineStrings } from './srs.js';
import { outcome, type Outcome } from './outcome.js';

/** Proving keys, reference strings and unfinished jobs. */
export const defaultCacheDir = (): string =>
  process.env.ATTENSOR_CACHE ?? join(homedir(), '.cache', 'attensor');

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

export interface Verdict extends Outcome {
  /** of the checks */
  seconds: number;
  /** before them, in a process that verifies for the first time */
  loadSeconds: number;
  statement: ProofFile['statement'];
  verifierKeyHash: string;
  /** what was compared besides the proof itself */
  checked: string[];
}

/**
 * Verifies a proof file and what is expected of it. **Note**: without a commitment or the key's hash the proof shows only that *some*
 * program accepts, perhaps one that checks nothing: the result is then 'unverified program', never 'valid'. The key's hash must come
 * from a trusted place (the commitment, or the contract's state).
 */
export async function verifyProofFile(
  file: ProofFile,
  expected: VerifyExpectations = {},
): Promise<Verdict> {
  const loadStart = performance.now();
  await initializeBindings();
  await loadReferenceStrings(keyCache(expected.cacheDir), 1);
  const start = performance.now();
  const checked: string[] = [];
  const verifierKeyHash = file.verificationKey.hash;
  const verdict = (reason?: string): Verdict => ({
    ...outcome(checked, reason),
    seconds: (performance.now() - start) / 1000,
    loadSeconds: (start - loadStart) / 1000,
    statement: file.statement,
    verifierKeyHash,
    checked,
  });
  const { statement, proof } = file;
  const fields = [
    statement.modelRoot,
    statement.vocabularyRoot,
    statement.inputHash,
    statement.outputHash,
  ];
  if (fields.some((f, i) => f !== proof.publicInput[i]))
    return verdict('the file states something else than its proof');
  if (proof.publicOutput[0] !== COMPLETE.toString())
    return verdict('the proof is of an unfinished run');

  const key = await genuineKey(file.verificationKey);
  if (!key) return verdict(WRONG_KEY);

  const { commitment, promptIds, outputIds } = expected;
  if (commitment) {
    if (commitment.modelRoot !== statement.modelRoot)
      return verdict('the proof is about another model');
    if (commitment.vocabularyRoot !== statement.vocabularyRoot)
      return verdict('the proof is about another vocabulary');
    checked.push('modelRoot', 'vocabularyRoot');
    if (commitment.verifierKeyHash === undefined)
      return verdict('the commitment names no verifier key: run attensor keys first');
    if (commitment.verifierKeyHash !== verifierKeyHash)
      return verdict('the proof is of other circuits than the committed ones');
    checked.push('verifierKeyHash');
  }
  if (expected.verifierKeyHash !== undefined) {
    if (expected.verifierKeyHash !== verifierKeyHash)
      return verdict('the proof is of other circuits than the expected ones');
    if (!commitment) checked.push('verifierKeyHash');
  }
  if (promptIds) {
    if (inputHash(promptIds).toString() !== statement.inputHash)
      return verdict('the proof is about another prompt');
    checked.push('inputHash');
  }
  if (outputIds) {
    if (outputHash(outputIds).toString() !== statement.outputHash)
      return verdict('the proof is about another output');
    checked.push('outputHash');
  }
  const wrong = await proofProblem(proof, key);
  if (wrong) return verdict(wrong);
  checked.push('proof');
  return verdict();
}

export const keyCache = (cacheDir = defaultCacheDir()): Cache =>
  withGenuineStrings(Cache.FileSystem(join(cacheDir, 'keys')));

export const WRONG_KEY = 'the verification key does not have the hash that the file gives';

/** The key of a file. Its hash is recomputed from the data: the file's own word is not taken for it. */
export async function genuineKey(stored: {
  data: string;
  hash: string;
}): Promise<VerificationKey | undefined> {
  const key = new VerificationKey({ data: stored.data, hash: Field(stored.hash) });
  return (await VerificationKey.checkValidity(key).catch(() => false)) ? key : undefined;
}

/** Why a proof is not valid; nothing if it is. */
export async function proofProblem(
  proof: JsonProof,
  key: VerificationKey,
): Promise<string | undefined> {
  try {
    return (await verify(proof, key)) ? undefined : 'the proof does not verify';
  } catch {
    return 'the proof cannot be read';
  }
}
