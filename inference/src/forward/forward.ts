/** The forward pass: teacher-forced with a trace, or incremental with a cache of keys and values. */
import { checkTokens, embedding } from '../components/embedding.js';
import { selectEngine } from '../engines.js';
import type { EngineName } from '../engine.js';
import { AttensorError, throwIfAborted } from '@attensor/core';
import type { Model } from '../model.js';
import { attention } from './attention.js';
import { feedForward } from './feed-forward.js';
import { KvCache } from './kv-cache.js';
import { Pass, type TraceSink } from './pass.js';

/** Log record of a pass, one JSON line each. */
export interface ForwardLog {
  event: 'layer' | 'head';
  layer?: number;
  kind?: 'dense' | 'moe';
  start: number;
  positions: number;
  seconds: number;
}

/** Options of a pass: engine, cancellation, log. */
export interface ForwardOptions {
  engine?: EngineName;
  signal?: AbortSignal;
  /** Called with one record per layer and one for the head. */
  log?: (record: ForwardLog) => void;
}

/** Logits and greedy tokens of a pass. */
export interface ForwardResult {
  /** Raw accumulators at 2^32, (positions, vocabSize). */
  logits: BigInt64Array;
  /** Greedy token after each position. */
  next: number[];
}

/** A traced tensor: row-major, unpadded. */
export interface TraceTensor {
  dims: number[];
  data: BigInt64Array;
}

/** Traced tensors by the names of docs/integer-semantics.md. */
export type Trace = Map<string, TraceTensor>;

/**
 * Runs the model on the tokens that follow those in the cache, and adds them to it. After an error the cache is as
 * before.
 */
export async function forward(
  model: Model,
  tokens: ArrayLike<number>,
  cache: KvCache,
  options: ForwardOptions & { trace?: TraceSink } = {},
): Promise<ForwardResult> {
  const { signal, log, trace } = options;
  const c = model.config;
  const T = tokens.length;
  const start = cache.length;
  checkSpan(model, tokens, start);
  if (trace && start > 0) {
    throw new AttensorError({
      code: 'BAD_ARGUMENT',
      what: 'a trace must start from an empty cache',
    });
  }
  const engine = await selectEngine(options.engine, signal);
  const pass = new Pass(model, engine, cache, start, T, trace);

  throwIfAborted(signal, 'forward pass');
  let x = embedding(await model.tensor('embedding'), tokens, c.hiddenSize);
  pass.emit('embedding.x', [T, c.hiddenSize], x);
  for (let layer = 0; layer < c.layers; layer++) {
    throwIfAborted(signal, `forward pass, layer ${layer}`);
    const began = performance.now();
    x = await feedForward(pass, layer, await attention(pass, layer, x));
    const kind = layer < c.firstDense ? 'dense' : 'moe';
    log?.({ event: 'layer', layer, kind, start, positions: T, seconds: secondsSince(began) });
  }
  throwIfAborted(signal, 'forward pass, head');
  const began = performance.now();
  const y = await pass.norm('final_norm', x);
  const head = await model.tensor('head');
  const shape = { rows: T, inner: c.hiddenSize, outer: c.vocabSize };
  const logits = await engine.gemmAcc(y, head, shape, pass.site('head'));
  pass.emit('head.acc', [T, c.vocabSize], logits);
  const next = await engine.argmax(logits, T, c.vocabSize, pass.site('next'));
  pass.emit('next', [T], next);
  log?.({ event: 'head', start, positions: T, seconds: secondsSince(began) });
  cache.advance(T);
  return { logits, next: Array.from(next, Number) };
}

/** A teacher-forced pass that returns every intermediate value, by the names of docs/integer-semantics.md. */
export async function traceForward(
  model: Model,
  tokens: ArrayLike<number>,
  options: ForwardOptions = {},
): Promise<Trace> {
  const trace: Trace = new Map();
  await forward(model, tokens, new KvCache(model.config), {
    ...options,
    trace: (name, dims, data) => trace.set(name, { dims, data }),
  });
  return trace;
}

function checkSpan(model: Model, tokens: ArrayLike<number>, start: number): void {
  const { vocabSize, maxPositions } = model.config;
  if (tokens.length === 0) {
    throw new AttensorError({
      code: 'EMPTY_PROMPT',
      what: 'there are no tokens to run',
      where: 'forward pass',
    });
  }
  checkTokens(tokens, vocabSize, 'forward pass');
  if (start + tokens.length > maxPositions) {
    throw new AttensorError({
      code: 'TOO_LONG',
      what: 'the sequence is longer than the model allows',
      where: 'forward pass',
      expected: `at most ${maxPositions} tokens`,
      got: String(start + tokens.length),
      hint: 'Shorten the prompt or generate fewer tokens',
    });
  }
}

function secondsSince(began: number): number {
  return (performance.now() - began) / 1000;
}
