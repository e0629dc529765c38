/** Fidelity of the integer model against a float reference: greedy continuations, logits, and perplexities. */
import { z } from 'zod';
import { readJson } from '@attensor/core/files';
import { checkTokens } from './components/embedding.js';
import { AttensorError } from '@attensor/core';
import { forward, type ForwardOptions } from './forward/forward.js';
import { KvCache } from './forward/kv-cache.js';
import { generate } from './generate.js';
import { toNumbers } from './ints.js';
import type { Model } from './model.js';

const tokenList = z.array(z.number().int().nonnegative());

const validationSchema = z.looseObject({
  window: z.number().int().positive(),
  nll: z.number(),
  perplexity: z.number(),
  /** How many of the validation tokens it is about; all, where it does not say. */
  tokens: z.number().int().positive().optional(),
});

const referenceSchema = z.looseObject({
  val: validationSchema,
  /** The same in longer windows: one, or several. */
  val_long: z
    .union([validationSchema.transform((one) => [one]), z.array(validationSchema)])
    .optional(),
  prompts: z
    .array(
      z.looseObject({
        prompt: z.string(),
        prompt_ids: tokenList.min(1),
        continuation_ids: tokenList.min(1),
        /** Largest logits at the prompt's last position. */
        top5_last_prompt_position: z
          .array(z.looseObject({ id: z.number().int().nonnegative(), value: z.number() }))
          .optional(),
      }),
    )
    .min(1),
});

/** reference.json of a checkpoint, as models/README.md describes it. */
export type Reference = z.infer<typeof referenceSchema>;

/** Reads and checks a reference.json. @throws NOT_FOUND, BAD_REFERENCE */
export function readReference(path: string): Promise<Reference> {
  return readJson({
    path,
    schema: referenceSchema,
    code: 'BAD_REFERENCE',
    hint: 'models/README.md describes the format',
  });
}

/** Reads a JSON list of token ids. @throws NOT_FOUND, BAD_REFERENCE */
export function readValidationTokens(path: string): Promise<number[]> {
  return readJson({
    path,
    schema: tokenList,
    code: 'BAD_REFERENCE',
    hint: 'The file is a list of token ids',
  });
}

/** How one prompt's continuation compares with the reference. */
export interface PromptResult {
  prompt: string;
  identical: boolean;
  /** First differing token, -1 if identical. */
  firstDifference: number;
  output: number[];
  /** Largest difference of the logits that the reference has; absent where it has none. */
  logitError?: number;
}

/** Perplexity over windows of tokens. */
export interface PerplexityResult {
  nll: number;
  perplexity: number;
  predictions: number;
}

/** What `evaluate` found. */
export interface Evaluation {
  prompts: PromptResult[];
  identical: number;
  perplexity?: PerplexityResult;
  /** Relative to the reference: perplexity / reference - 1. */
  perplexityDeviation?: number;
  /** The same in the reference's long windows. */
  long?: { window: number; perplexity: number; deviation: number }[];
  /** The largest of all prompts. */
  maxLogitError?: number;
}

/** Options of `evaluate`. */
export interface EvaluateOptions extends ForwardOptions {
  onProgress?: (progress: {
    stage: 'prompts' | 'perplexity' | 'long';
    done: number;
    total: number;
  }) => void;
}

/** Greedy continuations and logits of all prompts, and perplexities if validation tokens are given. */
export async function evaluate(
  model: Model,
  reference: Reference,
  valTokens?: number[],
  options: EvaluateOptions = {},
): Promise<Evaluation> {
  const prompts: PromptResult[] = [];
  for (const each of reference.prompts) {
    const { prompt, prompt_ids, continuation_ids, top5_last_prompt_position: largest } = each;
    const output = await generate(model, prompt_ids, continuation_ids.length, options);
    const firstDifference = output.findIndex((token, i) => token !== continuation_ids[i]);
    const logitError = largest && (await logitErrorOf(model, prompt_ids, largest, options));
    prompts.push({
      ...{ prompt, identical: firstDifference < 0, firstDifference, output },
      ...(logitError !== undefined && { logitError }),
    });
    const total = reference.prompts.length;
    options.onProgress?.({ stage: 'prompts', done: prompts.length, total });
  }
  const identical = prompts.filter((p) => p.identical).length;
  const errors = prompts.flatMap((p) => (p.logitError === undefined ? [] : [p.logitError]));
  const found: Evaluation = {
    prompts,
    identical,
    ...(errors.length > 0 && { maxLogitError: Math.max(...errors) }),
  };
  if (!valTokens) return found;
  const of = (validation: Reference['val'], stage: 'perplexity' | 'long') =>
    perplexity(model, valTokens.slice(0, validation.tokens), validation.window, options, stage);
  const result = await of(reference.val, 'perplexity');
  found.perplexity = result;
  found.perplexityDeviation = result.perplexity / reference.val.perplexity - 1;
  for (const long of reference.val_long ?? []) {
    const { perplexity } = await of(long, 'long');
    const deviation = perplexity / long.perplexity - 1;
    found.long = [...(found.long ?? []), { window: long.window, perplexity, deviation }];
  }
  return found;
}

/** Largest difference from some logits at the last of the tokens. */
async function logitErrorOf(
  model: Model,
  tokens: number[],
  expected: readonly { id: number; value: number }[],
  options: ForwardOptions,
): Promise<number> {
  const V = model.config.vocabSize;
  checkTokens(
    expected.map(({ id }) => id),
    V,
    'logits of the reference',
  );
  const { logits } = await forward(model, tokens, new KvCache(), options);
  const last = toNumbers(logits.subarray(-V));
  return Math.max(...expected.map(({ id, value }) => Math.abs(last[id] / 2 ** 32 - value)));
}

/** Window i feeds ids[w i .. w i + w - 1] and predicts ids[w i + 1 .. w i + w]; mean over all predictions. */
export async function perplexity(
  model: Model,
  tokens: number[],
  window: number,
  options: EvaluateOptions = {},
  stage: 'perplexity' | 'long' = 'perplexity',
): Promise<PerplexityResult> {
  const windows = Math.floor((tokens.length - 1) / window);
  if (windows < 1) {
    throw new AttensorError({
      code: 'BAD_ARGUMENT',
      what: 'there are too few tokens for one window',
      where: 'perplexity',
      expected: `at least ${window + 1}`,
      got: String(tokens.length),
    });
  }
  const V = model.config.vocabSize;
  checkTokens(tokens, V, 'perplexity');
  let nll = 0;
  for (let i = 0; i < windows; i++) {
    const feed = tokens.slice(window * i, window * (i + 1));
    const { logits } = await forward(model, feed, new KvCache(), options);
    for (let t = 0; t < window; t++) {
      nll += negativeLogProbability(
        logits.subarray(t * V, (t + 1) * V),
        tokens[window * i + t + 1],
      );
    }
    options.onProgress?.({ stage, done: i + 1, total: windows });
  }
  nll /= windows * window;
  return { nll, perplexity: Math.exp(nll), predictions: windows * window };
}

/** @param acc raw accumulators of one position, at 2^32. */
function negativeLogProbability(acc: BigInt64Array, token: number): number {
  const logits = toNumbers(acc).map((a) => a / 2 ** 32);
  let max = -Infinity;
  for (const z of logits) if (z > max) max = z;
  let sum = 0;
  for (const z of logits) sum += Math.exp(z - max);
  return max + Math.log(sum) - logits[token];
}
