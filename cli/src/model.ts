/** What commands ask a model, and how its answers are shown. */
import { AttensorError } from '@attensor/core';
import type { Answer, OpenModel, Tokenizer } from '@attensor/inference';

/** A prompt as a text, or as token ids. */
export interface Prompt {
  prompt?: string;
  promptTokens?: number[];
}

/** @throws NOT_FOUND for a model without one */
export function requireTokenizer({ model, tokenizer }: OpenModel): Tokenizer {
  if (tokenizer) return tokenizer;
  throw new AttensorError({
    code: 'NOT_FOUND',
    what: 'the model has no tokenizer: its checkpoint has no tokenizer.json',
    where: model.dir,
    hint: 'Give the prompt as token ids (--prompt-tokens), or convert the tokenizer to tokenizer.json and import again',
  });
}

/** @throws USAGE unless the prompt is given in one way; NOT_FOUND for a text without a tokenizer */
export function promptIdsOf(opened: OpenModel, { prompt, promptTokens }: Prompt): number[] {
  if ((prompt === undefined) === (promptTokens === undefined))
    throw new AttensorError({
      code: 'USAGE',
      what: 'give --prompt or --prompt-tokens, and not both',
    });
  return promptTokens ?? requireTokenizer(opened).encodePrompt(prompt ?? '');
}

/** For people: the text, or token ids where there is no tokenizer. */
export const shownAnswer = ({ text, outputIds }: Pick<Answer, 'text' | 'outputIds'>): string =>
  text ?? outputIds.join(',');
