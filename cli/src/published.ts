/** A model's commitment as its contract takes it. */
import { CliError } from './errors.js';
import type { CommitmentJson } from './chain/plans.js';

export { readPublished };

/** @throws CliError NOT_COMMITTED when the verifier key is not in it yet */
async function readPublished(path: string): Promise<CommitmentJson> {
  const { readCommitment } = await import('@attensor/prover');
  const { modelRoot, vocabularyRoot, verifierKeyHash } = await readCommitment(path);
  if (verifierKeyHash) return { modelRoot, vocabularyRoot, verifierKeyHash };
  throw new CliError({
    code: 'NOT_COMMITTED',
    what: 'the commitment does not name the verifier key yet',
    where: path,
    hint: 'compile the circuits: attensor keys <model-dir>',
  });
}
