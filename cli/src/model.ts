/** A model directory with its tokenizer: what most commands work on. */
import {
  generate,
  Model,
  openTokenizer,
  type Tokenizer,
  type ForwardLog,
} from '@attensor/inference';

export interface OpenModel {
  model: Model;
  tokenizer: Tokenizer;
}

export interface Answer {
  promptIds: number[];
  outputIds: number[];
  /** The output as text. */
  text: string;
}

export async function openModel(dir: string): Promise<OpenModel> {
  const model = await Model.open(dir);
  return { model, tokenizer: await openTokenizer(dir, model.config) };
}

interface AnswerOptions {
  maxTokens: number;
  stopAtEos?: boolean;
  signal: AbortSignal;
  /** Called with each new piece of text. */
  onText?: (piece: string) => void;
  log?: (record: ForwardLog) => void;
}

/** The greedy continuation of a text. */
export async function answer(
  { model, tokenizer }: OpenModel,
  promptIds: number[],
  { maxTokens, stopAtEos, signal, onText, log }: AnswerOptions,
): Promise<Answer> {
  const tokens: number[] = [];
  let shown = 0;
  const onToken = (token: number) => {
    tokens.push(token);
    // a character may take several tokens: hold back what is not yet whole
    const text = tokenizer.decode(tokens).replace(/\uFFFD+$/, '');
    onText?.(text.slice(shown));
    shown = Math.max(shown, text.length);
  };
  const options = { stopAtEos, signal, onToken, log };
  const outputIds = await generate(model, promptIds, maxTokens, options);
  const text = tokenizer.decode(outputIds);
  onText?.(text.slice(shown));
  return { promptIds, outputIds, text };
}
