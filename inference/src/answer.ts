/** A model directory with its tokenizer, and greedy answers as text. */
import { stat } from 'node:fs/promises';
import { join } from 'node:path';
import type { ForwardLog } from './forward/forward.js';
import { generate } from './generate.js';
import { Model } from './model.js';
import type { Tokenizer } from './tokenizer.js';
import { openTokenizer } from './tokenizer-files.js';

/** A model as whoever asks it uses it. */
export interface OpenModel {
  model: Model;
  /** Absent where the checkpoint has no tokenizer.json: prompts and answers are token ids. */
  tokenizer?: Tokenizer;
}

/** A prompt with its continuation. */
export interface Answer {
  promptIds: number[];
  outputIds: number[];
  /** The output as text, where the model has a tokenizer. */
  text?: string;
}

/** Options of `answer`. */
export interface AnswerOptions {
  maxTokens: number;
  stopAtEos?: boolean;
  signal: AbortSignal;
  /** Called with each new piece of text. */
  onText?: (piece: string) => void;
  log?: (record: ForwardLog) => void;
}

/** @throws NOT_FOUND, BAD_MODEL, BAD_TOKENIZER */
export async function openModel(dir: string): Promise<OpenModel> {
  const model = await Model.open(dir);
  const found = await stat(join(dir, 'tokenizer.json')).catch(() => undefined);
  return { model, ...(found && { tokenizer: await openTokenizer(dir, model.config) }) };
}

/** The greedy continuation of a prompt. @throws as `generate` does */
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
