/** A model's commitment as its contract takes it. */
import type { CommitmentJson } from '@attensor/chain';
import { AttensorError } from '@attensor/core';

/** @throws AttensorError NOT_COMMITTED when the verifier key is not in it yet */
export async function readPublished(path: string): Promise<CommitmentJson> {
  const { readCommitment } = await import('@attensor/prover');
  const { modelRoot, vocabularyRoot, verifierKeyHash } = await readCommitment(path);
  if (verifierKeyHash) return { modelRoot, vocabularyRoot, verifierKeyHash };
  throw new AttensorError({
    code: 'NOT_COMMITTED',
    what: 'the commitment does not name the verifier key yet',
    where: path,
    hint: 'compile the circuits: attensor keys <model-dir>',
  });
}
