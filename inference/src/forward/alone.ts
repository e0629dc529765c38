/** Nodes by themselves: a component, a layer's attention, or a layer, from the first position on, with every intermediate value. */
import { present } from '@attensor/core';
import { ropeTables } from '../components/tables.js';
import { product, weightsOfNodes, type Node, type NodeOf } from '../architecture/nodes.js';
import type { Rotation } from '../config.js';
import type { Engine } from '../engine.js';
import type { Trace, TraceTensor } from './forward.js';
import { KvCache } from './kv-cache.js';
import { Pass, type Parameters } from './pass.js';

/** Reads weights when they are needed. */
export type WeightReader = Pick<Parameters, 'pieceSize' | 'tensor' | 'expert'>;

/**
 * Runs nodes.
 *
 * @param weights by name; those of experts hold all experts one after the other, unless single experts can be read
 * @param input what the nodes read that none of them gives: its rows are the positions, or as many as `count` says; of one sequence,
 *   or of several of one length
 * @param rotation for nodes that rotate
 * @returns the input and all results
 */
export async function traceNodes(
  engine: Engine,
  nodes: readonly Node[],
  weights: ((name: string) => Int32Array) | WeightReader,
  input: TraceTensor & { name: string; count?: number; sequences?: number },
  rotation?: Rotation,
): Promise<Trace> {
  const { name, dims, data, count = dims[0], sequences } = input;
  const trace: Trace = new Map([[name, { dims, data }]]);
  const reader = typeof weights === 'function' ? inMemory(nodes, weights) : weights;
  const parameters: Parameters = {
    pieceSize: reader.pieceSize,
    tensor: (name, range) => reader.tensor(name, range),
    expert: (name, expert) => reader.expert(name, expert),
    ropeAngles(_, count) {
      const { dims } = nodes.find((node) => node.op === 'rope') as NodeOf<'rope'>;
      return ropeTables(present(rotation, 'the angles of rotations'), dims[dims.length - 1], count);
    },
  };
  const sink = (name: string, dims: number[], data: BigInt64Array): void => {
    trace.set(name, { dims, data });
  };
  const pass = new Pass(parameters, engine, new KvCache(), 0, count, sink, sequences);
  await pass.run(nodes, new Map([[name, data]]));
  return trace;
}

const inMemory = (nodes: readonly Node[], tensor: (name: string) => Int32Array): WeightReader => ({
  pieceSize: Infinity,
  tensor: (name, { from, to } = { from: 0, to: Infinity }) =>
    Promise.resolve(tensor(name).subarray(from, to)),
  expert(name, expert) {
    const { columns, rows } = present(
      weightsOfNodes(nodes).find((w) => w.name === name),
      name,
    );
    const size = product([...rows, ...columns]);
    return Promise.resolve(tensor(name).subarray(expert * size, (expert + 1) * size));
  },
});
