/** A model directory with its tokenizer: what most commands work on. */
import { AttensorError } from '@attensor/core';
import { stat } from 'node:fs/promises';
import { join } from 'node:path';
import {
  generate,
  Model,
  openTokenizer,
  type Tokenizer,
  type ForwardLog,
} from '@attensor/inference';

export interface OpenModel {
  model: Model;
  /** Absent where the checkpoint has no tokenizer.json: prompts and answers are token ids. */
  tokenizer?: Tokenizer;
}

/** A prompt as a text, or as token ids. */
export interface Prompt {
  prompt?: string;
  promptTokens?: number[];
}

export interface Answer {
  promptIds: number[];
  outputIds: number[];
  /** The output as text, where the model has a tokenizer. */
  text?: string;
}

export async function openModel(dir: string): Promise<OpenModel> {
  const model = await Model.open(dir);
  const found = await stat(join(dir, 'tokenizer.json')).catch(() => undefined);
  return { model, ...(found && { tokenizer: await openTokenizer(dir, model.config) }) };
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

interface AnswerOptions {
  maxTokens: number;
  stopAtEos?: boolean;
  signal: AbortSignal;
  /** Called with each new piece of text. */
  onText?: (piece: string) => void;
  log?: (record: ForwardLog) => void;
}

/** The greedy continuation of a prompt. */
export async function answer(
  { model, tokenizer }: OpenModel,
  promptIds: number[],
  { maxTokens, stopAtEos, signal, onText, log }: AnswerOptions,
): Promise<Answer> {
  const tokens: number[] = [];
  let shown = 0;
  const onToken = (token: number) => {
    tokens.push(token);
    if (!tokenizer) return;
    // a character may take several tokens: hold back what is not yet whole
    const text = tokenizer.decode(tokens).replace(/\uFFFD+$/, '');
    onText?.(text.slice(shown));
    shown = Math.max(shown, text.length);
  };
  const options = { stopAtEos, signal, onToken, log };
  const outputIds = await generate(model, promptIds, maxTokens, options);
  if (!tokenizer) return { promptIds, outputIds };
  const text = tokenizer.decode(outputIds);
  onText?.(text.slice(shown));
  return { promptIds, outputIds, text };
}
