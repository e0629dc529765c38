/** The prover of a committed model, by what its commitment says: one unit, or several. */
import { Model } from '@attensor/inference';
import { join } from 'node:path';
import { COMMITMENT_FILE, readCommitment } from './commitment/model-commitment.js';
import { CutProver } from './cut-prover.js';
import { InferenceProver, type LoadOptions, type ModelProver } from './model-prover.js';

/** @throws NOT_FOUND when the model is not committed, WRONG_COMMITMENT for one of another architecture */
export async function loadModelProver(
  modelDir: string,
  options: LoadOptions = {},
): Promise<ModelProver> {
  const model = await Model.open(modelDir);
  const commitment = await readCommitment(join(model.dir, COMMITMENT_FILE));
  return 'units' in commitment
    ? CutProver.of(model, commitment, options)
    : InferenceProver.of(model, commitment, options);
}
