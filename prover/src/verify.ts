/**
 * @module verify
 * Verifying proof files, of models and of components: what every file must pass, in one order, with the comparisons that a kind of
 * file adds.
 */
import {
  genuineKey,
  statementProblem,
  verifyProblem,
  type ProofProblem,
  type StatedProof,
} from '@attensor/contracts';
import { keyCache, loadReferenceStrings } from '@attensor/core/o1js';
import { initializeBindings } from 'o1js';
import { outcome, type Outcome } from './outcome.js';

const REASONS: Record<ProofProblem, string> = {
  statement: 'the file states something else than its proof',
  unfinished: 'the proof is of an unfinished run',
  key: 'the verification key does not have the hash that the file gives',
  proof: 'the proof does not verify',
  unreadable: 'the proof cannot be read',
};

export interface FileVerdict<Statement> extends Outcome {
  /** of the checks */
  seconds: number;
  /** before them, in a process that verifies for the first time */
  loadSeconds: number;
  statement: Statement;
  verifierKeyHash: string;
  /** what was compared, and 'proof' once that verified */
  checked: string[];
}

/** A comparison with what is expected: names for `checked`, or why the file is refused. */
export type Comparison = { checked: string[] } | { refused: string };

export interface FileChecks {
  /** Names of the statement's fields in the order of the proof's public input. */
  fields: readonly string[];
  /** Of the circuits: which reference strings verification needs. */
  maxProofsVerified: 0 | 1;
  cacheDir?: string;
  /** What the file says of itself. @returns why it contradicts itself */
  consistent?: () => string | undefined;
  /** Comparisons with what is expected, after the key was found genuine and before the proof is verified. */
  compare: () => Iterable<Comparison>;
}

/** @returns 'valid' only if a trusted key was compared, see `Outcome` */
export async function verifyFile<Statement extends Record<string, string>>(
  file: StatedProof & { statement: Statement },
  { fields, maxProofsVerified, cacheDir, consistent, compare }: FileChecks,
): Promise<FileVerdict<Statement>> {
  const loadStart = performance.now();
  await initializeBindings();
  await loadReferenceStrings(keyCache(cacheDir), maxProofsVerified);
  const start = performance.now();
  const { statement } = file;
  const checked: string[] = [];
  const verdict = (reason?: string): FileVerdict<Statement> => ({
    ...outcome(checked, reason),
    seconds: (performance.now() - start) / 1000,
    loadSeconds: (start - loadStart) / 1000,
    statement,
    verifierKeyHash: file.verificationKey.hash,
    checked,
  });
  const problem = statementProblem(
    file,
    fields.map((name) => statement[name]),
  );
  if (problem) return verdict(REASONS[problem]);
  const contradiction = consistent?.();
  if (contradiction !== undefined) return verdict(contradiction);
  const key = await genuineKey(file);
  if (!key) return verdict(REASONS.key);
  for (const comparison of compare()) {
    if ('refused' in comparison) return verdict(comparison.refused);
    checked.push(...comparison.checked);
  }
  const wrong = await verifyProblem(file, key);
  if (wrong) return verdict(REASONS[wrong]);
  checked.push('proof');
  return verdict();
}

/** One comparison. @param names for `checked` if the values agree */
export const same = (
  expected: string,
  got: string,
  names: string[],
  refused: string,
): Comparison => (expected === got ? { checked: names } : { refused });
