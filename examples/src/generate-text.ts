/** From a Hugging Face checkpoint to text, without a proof. */
import { generate, importCheckpoint, Model, openTokenizer } from '@attensor/inference';

/**
 * Imports a checkpoint and continues a prompt greedily.
 *
 * @param checkpoint folder with config.json, *.safetensors and tokenizer.json
 * @param modelDir folder to write the imported model to; it must not exist
 */
export async function continueText(
  checkpoint: string,
  modelDir: string,
  prompt: string,
  maxTokens: number,
): Promise<string> {
  await importCheckpoint(checkpoint, modelDir);
  const model = await Model.open(modelDir);
  const tokenizer = await openTokenizer(modelDir, model.config);
  const answer = await generate(model, tokenizer.encodePrompt(prompt), maxTokens);
  return tokenizer.decode(answer);
}
