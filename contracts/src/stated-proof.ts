/**
 * The checks of a proof that comes with its statement and key, whoever makes them: command line, page, readers of the chain. Whose key
 * it is, none of them says.
 */
import { Field, VerificationKey, verify, type JsonProof } from 'o1js';
import { COMPLETE } from './inference-proof.js';

/** A proof as JSON, with the key that it is to verify under. */
export interface StatedProof {
  verificationKey: { data: string; hash: string };
  proof: JsonProof;
}

/** What is wrong with a proof, by the check that noticed. */
export type ProofProblem = 'statement' | 'unfinished' | 'key' | 'unreadable' | 'proof';

/**
 * Is the proof about these fields, and about the whole of a run?
 *
 * @param fields of the statement in order, in decimal
 */
export function statementProblem(
  { proof }: Pick<StatedProof, 'proof'>,
  fields: string[],
): ProofProblem | undefined {
  const { publicInput, publicOutput } = proof;
  if (publicInput.length !== fields.length || fields.some((field, i) => field !== publicInput[i]))
    return 'statement';
  return publicOutput[0] === COMPLETE.toString() ? undefined : 'unfinished';
}

/** The key, if its data has the hash that the file gives: the file's own word is not taken for it. */
export async function genuineKey({
  verificationKey: { data, hash },
}: Pick<StatedProof, 'verificationKey'>): Promise<VerificationKey | undefined> {
  try {
    const key = new VerificationKey({ data, hash: Field(hash) });
    return (await VerificationKey.checkValidity(key)) ? key : undefined;
  } catch {
    return undefined; // no key at all
  }
}

/** Does the proof verify under the key? */
export async function verifyProblem(
  { proof }: Pick<StatedProof, 'proof'>,
  key: VerificationKey,
): Promise<ProofProblem | undefined> {
  try {
    return (await verify(proof, key)) ? undefined : 'proof';
  } catch {
    return 'unreadable';
  }
}

/** All of it. @returns nothing for a valid proof of this statement */
export async function proofProblem(
  file: StatedProof,
  fields: string[],
): Promise<ProofProblem | undefined> {
  const problem = statementProblem(file, fields);
  if (problem) return problem;
  const key = await genuineKey(file);
  return key ? verifyProblem(file, key) : 'key';
}
