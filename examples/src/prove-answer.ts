/** Committing to an imported model, and proving an answer that it gives. */
import { generate, Model, openTokenizer } from '@attensor/inference';
import { engine } from '@attensor/native';
import { commitModel, InferenceProver, verifyProofFile, type Verdict } from '@attensor/prover';

export interface Plan {
  modelRoot: string;
  vocabularyRoot: string;
  /** Constraint rows of each circuit; a Pickles circuit holds 65,536. */
  rows: number[];
}

/**
 * Commits to a model and plans its circuits, which takes seconds: nothing is compiled or proved.
 *
 * @param capacity the most tokens that a proof can cover, prompt and output together: a power of two
 */
export async function commitAndPlan(modelDir: string, capacity: number): Promise<Plan> {
  const { modelRoot, vocabularyRoot } = await commitModel(engine, await Model.open(modelDir), {
    capacity,
  });
  const { rows } = await InferenceProver.load(modelDir);
  return { modelRoot, vocabularyRoot, rows };
}

/**
 * Proves the model's answer to a prompt and verifies the proof against the commitment. The first call compiles the
 * circuits, which takes minutes; their keys are kept in the cache.
 */
export async function proveAnswer(
  modelDir: string,
  prompt: string,
  maxTokens: number,
): Promise<Verdict> {
  const prover = await InferenceProver.load(modelDir);
  const tokenizer = await openTokenizer(modelDir, prover.model.config);
  const promptIds = tokenizer.encodePrompt(prompt);
  const outputIds = await generate(prover.model, promptIds, maxTokens);

  const { verifierKeyHash } = await prover.compile();
  const { file } = await prover.prove({ promptIds, outputIds });

  const commitment = { ...prover.commitment, verifierKeyHash };
  return verifyProofFile(file, { commitment, promptIds, outputIds });
}
