/**
 * @module units/nodes-component
 * Nodes of the architecture as a component: their tensors, weights and run follow from the nodes, and so do their relations.
 */
import { present } from '@attensor/core';
import {
  nodes as graph,
  traceNodes,
  type LayerNode,
  type Op,
  type Rotation,
  type Weight,
} from '@attensor/inference';
import { Builder, dim, fromTrace } from '../components/builder.js';
import { Lookups } from '../components/lookups.js';
import { requireZeroPadding } from '../components/mask.js';
import {
  component,
  INT32,
  paddedRows,
  padRows,
  ranged,
  type Component,
  type ComponentConfig,
  type ComponentShape,
  type ComponentSpec,
} from './component.js';
import { rowsOf } from '../components/rows.js';
import type { Scope } from '../protocol/scope.js';
import type { Tensor } from '../protocol/tensor.js';
import { expPairs, rotationTable, sigmoidPairs } from './public-tables.js';
import type { Sample } from './sample.js';
import type { WeightTensor } from './tensors.js';
import { Wiring, type Tables } from './wiring.js';

/** The input's name, for the nodes that read it. */
export const INPUT = 'input';

export interface NodesSpec {
  config: ComponentConfig;
  nodes: readonly LayerNode[];
  rows: number;
  /** Dimensions of an input row; all but the first are powers of two, and the first where there are more. */
  row: number[];
  outputs: string[];
  /** where nodes rotate */
  rotation?: Rotation;
}

export function nodesComponent(given: NodesSpec): Component {
  const { config, nodes, rows, row, outputs, rotation } = given;
  const T = paddedRows(rows);
  const weights = graph.weightsOfNodes(nodes);
  const spec: ComponentSpec = {
    config,
    inputs: { [INPUT]: ranged([rows, ...row], INT32) },
    weights: Object.fromEntries(weights.map((w) => [w.name, graph.matrixDimsOf(w)])),
    outputs,
    sample: (random) => ({
      inputs: { [INPUT]: random.activations([rows, ...row]) },
      weights: Object.fromEntries(weights.map((w) => [w.name, sampleOf(w, random)])),
    }),
    trace: (engine, inputs, weights) =>
      traceNodes(
        engine,
        nodes,
        (name) => weights[name].data,
        { name: INPUT, ...padRows(inputs[INPUT], T) },
        rotation,
      ),
  };
  return component(spec, nodesShape({ nodes, rows: T, row, rotation }));
}

/** Layout and relations of nodes, and the tensors at their ends. */
export interface NodesShape extends ComponentShape {
  x: Tensor;
  lookups: Lookups;
  /** @param name of a result */
  get(name: string): Tensor;
}

/**
 * Nodes that read one tensor of 32-bit integers.
 *
 * @param rows a power of two
 * @param batch so many requests of so many rows each
 */
export function nodesShape({
  nodes,
  rows,
  row,
  rotation,
  batch,
}: Pick<NodesSpec, 'nodes' | 'rows' | 'row' | 'rotation'> & { batch?: number }): NodesShape {
  const builder = new Builder();
  const all = rowsOf(rows, batch);
  const { t } = all;
  const axes = row.map((size, k) => dim(k === row.length - 1 ? 'i' : 'h', size));
  const x = builder.signed(INPUT, [t, ...axes], fromTrace(INPUT));
  const ropes = nodes.find((node) => node.op === 'rope');
  const has = (op: Op): boolean => nodes.some((node) => node.op === op);
  const tables: Tables = {
    rotation:
      ropes &&
      rotationTable(
        builder,
        all.position,
        ropes,
        present(rotation, 'the angles of rotations'),
        rows,
      ),
    exp: has('softmax') || has('exponentials') ? expPairs(builder) : undefined,
    sigmoid: has('sigmoid') ? sigmoidPairs(builder) : undefined,
  };
  const wiring = new Wiring(builder, all, tables);
  wiring.set(INPUT, x);
  wiring.add(nodes);
  const pairs = [tables.exp, tables.sigmoid].filter((pairs) => pairs !== undefined);
  return {
    builder,
    lookups: new Lookups(builder, pairs),
    x,
    get: (name) => wiring.get(name),
    relations(scope, values) {
      requireZeroRows(scope, x, row);
      requireZeroPadding(scope, builder.parameterFills);
      return wiring.relations.script(scope, values);
    },
  };
}

/** Padding of a row is zero: nothing else says so. */
export function requireZeroRows(scope: Scope, x: Tensor, row: number[]): void {
  if (row.length === 1) scope.zeroFrom(x, 'i', row[0], { t: scope.random('t', x.axis('t').log) });
}

const sampleOf = (weight: Weight, random: Sample): WeightTensor => {
  const kinds = { gain: random.gains, matrix: random.weights, bias: random.biases };
  return kinds[weight.role](graph.matrixDimsOf(weight));
};
