/** A layer, or its attention, by itself: from the first position on, with every intermediate value. */
import { ropeTables } from '../components/tables.js';
import type { AttentionConfig, ModelConfig } from '../config.js';
import type { Engine } from '../engine.js';
import { attention } from './attention.js';
import { feedForward } from './feed-forward.js';
import type { Trace } from './forward.js';
import { KvCache } from './kv-cache.js';
import { Pass, type AttentionParameters, type LayerParameters } from './pass.js';

/** Which feed-forward half a layer has. */
export type LayerKind = 'dense' | 'moe';

/** A layer's weights by the names of docs/integer-semantics.md, without the layer. */
export type LayerTensors = (name: string) => Int32Array;

/**
 * x + attention of a layer.
 *
 * @param x residual stream, (positions, hiddenSize)
 * @returns tensors by the names of docs/integer-semantics.md, without the layer; `x_mid` is the result
 */
export async function traceAttention(
  engine: Engine,
  config: AttentionConfig,
  tensor: LayerTensors,
  x: BigInt64Array,
): Promise<Trace> {
  const { pass, trace } = alone(engine, parametersOf(config, tensor, x), x);
  await attention(pass, 0, x);
  return trace;
}

/**
 * A whole layer, as `traceAttention`; `x_out` is the result. Routed weights hold all experts one after the other.
 */
export async function traceLayer(
  engine: Engine,
  config: ModelConfig,
  kind: LayerKind,
  tensor: LayerTensors,
  x: BigInt64Array,
): Promise<Trace> {
  const { expertInner, hiddenSize } = config;
  const size = expertInner * hiddenSize;
  const parameters: LayerParameters = {
    ...parametersOf({ ...config, layers: 1, firstDense: kind === 'dense' ? 1 : 0 }, tensor, x),
    expert: (_, weight, expert) =>
      Promise.resolve(tensor(`routed.${weight}`).subarray(expert * size, (expert + 1) * size)),
  };
  const { pass, trace } = alone(engine, parameters, x);
  await feedForward(pass, 0, await attention(pass, 0, x));
  return trace;
}

function parametersOf<C extends AttentionConfig>(
  config: C,
  tensor: LayerTensors,
  x: BigInt64Array,
): AttentionParameters & { config: C } {
  const angles = ropeTables(config.ropeTheta, config.rope, x.length / config.hiddenSize);
  return {
    config,
    tensor: (name) => Promise.resolve(tensor(name)),
    ropeAngles: () => angles,
  };
}

function alone<M extends AttentionParameters>(
  engine: Engine,
  parameters: M,
  x: BigInt64Array,
): { pass: Pass<M>; trace: Trace } {
  const trace: Trace = new Map();
  const cache = new KvCache({ ...parameters.config, layers: 1 });
  const count = x.length / parameters.config.hiddenSize;
  const sink = (name: string, dims: number[], data: BigInt64Array): void => {
    trace.set(name, { dims, data });
  };
  return { pass: new Pass(parameters, engine, cache, 0, count, sink, () => ''), trace };
}
