/** Greedy generation. */
import { AttensorError, throwIfAborted } from '@attensor/core';
import { setImmediate as turn } from 'node:timers/promises';
import { eosTokens } from './config.js';
import { forward, type ForwardOptions } from './forward/forward.js';
import { KvCache } from './forward/kv-cache.js';
import type { Model } from './model.js';

/** Options of `generate`. */
export interface GenerateOptions extends ForwardOptions {
  /** Called with every generated token. */
  onToken?: (token: number, index: number) => void;
  /** Stop after an eos token (it is part of the output). Default: go on. */
  stopAtEos?: boolean;
}

/** The greedy continuation of a prompt. @throws EMPTY_PROMPT, BAD_TOKENS, TOO_LONG, OVERFLOW, CANCELLED */
export async function generate(
  model: Model,
  promptIds: number[],
  maxTokens: number,
  options: GenerateOptions = {},
): Promise<number[]> {
  if (!Number.isInteger(maxTokens) || maxTokens < 1) {
    throw new AttensorError({
      code: 'BAD_ARGUMENT',
      what: 'maxTokens is not a positive integer',
      where: 'generate',
      got: String(maxTokens),
    });
  }
  if (promptIds.length + maxTokens - 1 > model.config.maxPositions) {
    throw new AttensorError({
      code: 'TOO_LONG',
      what: 'prompt and continuation are longer than the model allows',
      where: 'generate',
      expected: `at most ${model.config.maxPositions} positions`,
      got: `${promptIds.length} + ${maxTokens} - 1`,
      hint: 'Shorten the prompt or generate fewer tokens',
    });
  }
  const cache = new KvCache();
  const output: number[] = [];
  let feed = promptIds;
  while (output.length < maxTokens) {
    // kernels of small models never wait: signals, timers and connections get their turn here
    await turn();
    throwIfAborted(options.signal, 'generate');
    const { next } = await forward(model, feed, cache, options);
    const token = next[next.length - 1];
    output.push(token);
    options.onToken?.(token, output.length - 1);
    if (options.stopAtEos && eosTokens(model.config).includes(token)) break;
    feed = [token];
  }
  return output;
}
