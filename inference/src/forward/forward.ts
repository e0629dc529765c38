/** The forward pass: teacher-forced with a trace, or incremental with a cache of keys and values. */
import { modelGraph, type LayerKind, type TraceName } from '../architecture/graph.js';
import { product, type Node, type NodeOf } from '../architecture/nodes.js';
import { checkTokens, embedding } from '../components/embedding.js';
import { selectEngine } from '../engines.js';
import type { EngineName } from '../engine.js';
import { AttensorError, present, throwIfAborted } from '@attensor/core';
import type { Model } from '../model.js';
import { KvCache } from './kv-cache.js';
import { Pass, type PassValues, type TraceSink } from './pass.js';

/** Log record of a pass, one JSON line each. */
export interface ForwardLog {
  event: 'layer' | 'head';
  layer?: number;
  kind?: LayerKind;
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
export type Trace<Name extends string = string> = Map<Name, TraceTensor>;

/**
 * Runs the model on the tokens that follow those in the cache, and adds them to it. After an error the cache is as
 * before.
 */
export async function forward(
  model: Model,
  tokens: ArrayLike<number>,
  cache: KvCache,
  options: TraceOptions & { trace?: TraceSink } = {},
): Promise<ForwardResult> {
  const { signal, log, trace, sequences = 1 } = options;
  const c = model.config;
  const T = tokens.length;
  const start = cache.length;
  checkSpan(model, tokens, start, sequences);
  if (trace && start > 0) {
    throw new AttensorError({
      code: 'BAD_ARGUMENT',
      what: 'a trace must start from an empty cache',
    });
  }
  const engine = await selectEngine(options.engine, signal);
  const pass = new Pass(model, engine, cache, start, T, trace, sequences);

  throwIfAborted(signal, 'forward pass');
  const graph = modelGraph(c);
  const { embedding: first } = graph;
  let values: PassValues = new Map();
  pass.take(first, { x: await embed(model, first, tokens) }, values);
  /** What the next nodes read is kept, the rest of the values is not. */
  const run = async (nodes: readonly Node[]): Promise<void> => {
    const [input] = nodes[0].inputs;
    const kept = new Map([[input, present(values.get(input), input)]]);
    values = await pass.run(nodes, kept);
  };
  for (const [layer, { kind, attention, feedForward }] of graph.layers.entries()) {
    throwIfAborted(signal, `forward pass, layer ${layer}`);
    const began = performance.now();
    await run(attention);
    await run(feedForward);
    log?.({ event: 'layer', layer, kind, start, positions: T, seconds: secondsSince(began) });
  }
  throwIfAborted(signal, 'forward pass, head');
  const began = performance.now();
  await run(graph.head);
  log?.({ event: 'head', start, positions: T, seconds: secondsSince(began) });
  cache.advance(T);
  const [, { results: head }, { results: chosen }] = graph.head;
  const logits = present(values.get(head.acc.name), head.acc.name);
  const next = present(values.get(chosen.y.name), chosen.y.name);
  return { logits, next: Array.from(next, Number) };
}

/** Rows of an embedding, (tokens, width): of a large one, no others are read. */
export async function embed(
  model: Pick<Model, 'tensor' | 'size' | 'pieceSize'>,
  { weight }: Pick<NodeOf<'embedding'>, 'weight'>,
  tokens: ArrayLike<number>,
): Promise<BigInt64Array> {
  const { name } = weight;
  const width = product(weight.columns);
  if (model.size(name) <= model.pieceSize)
    return embedding(await model.tensor(name), tokens, width);
  const x = new BigInt64Array(tokens.length * width);
  for (let t = 0; t < tokens.length; t++) {
    const row = await model.tensor(name, { from: tokens[t] * width, to: (tokens[t] + 1) * width });
    x.set(embedding(row, [0], width), t * width);
  }
  return x;
}

/** What else a teacher-forced pass can be asked. */
export interface TraceOptions extends ForwardOptions {
  /** The tokens are those of so many sequences of one length, one after the other. None sees another. */
  sequences?: number;
}

/**
 * A teacher-forced pass that returns every intermediate value, by the names of docs/integer-semantics.md. Of several sequences, the
 * rows follow each other; scores and what the softmax makes of them have the sequence as their first dimension.
 */
export async function traceForward(
  model: Model,
  tokens: ArrayLike<number>,
  options: TraceOptions = {},
): Promise<Trace<TraceName>> {
  const trace: Trace<TraceName> = new Map();
  await forward(model, tokens, new KvCache(), {
    ...options,
    trace: (name, dims, data) => trace.set(name as TraceName, { dims, data }),
  });
  return trace;
}

function checkSpan(
  model: Model,
  tokens: ArrayLike<number>,
  start: number,
  sequences: number,
): void {
  const { vocabSize, maxPositions } = model.config;
  if (tokens.length === 0) {
    throw new AttensorError({
      code: 'EMPTY_PROMPT',
      what: 'there are no tokens to run',
      where: 'forward pass',
    });
  }
  checkTokens(tokens, vocabSize, 'forward pass');
  const length = tokens.length / sequences;
  if (!Number.isInteger(length) || (sequences > 1 && start > 0)) {
    throw new AttensorError({
      code: 'BAD_ARGUMENT',
      what: 'several sequences in a pass must be of one length, and from their first token on',
      where: 'forward pass',
      expected: `${sequences} sequences`,
      got: `${tokens.length} tokens after ${start}`,
    });
  }
  if (start + length > maxPositions) {
    throw new AttensorError({
      code: 'TOO_LONG',
      what: 'the sequence is longer than the model allows',
      where: 'forward pass',
      expected: `at most ${maxPositions} tokens`,
      got: String(start + length),
      hint: 'Shorten the prompt or generate fewer tokens',
    });
  }
}

function secondsSince(began: number): number {
  return (performance.now() - began) / 1000;
}
