/** Which checkpoint rows make which tensor of the model, and in which file it goes. */
import { modelGraph } from '../architecture/graph.js';
import { dimsOf, product, weightsOfNodes, type Weight } from '../architecture/nodes.js';
import type { ModelConfig } from '../config.js';

/** Rows first .. first + count - 1 of a checkpoint tensor. */
export interface RowRange {
  first: number;
  count: number;
}

/** One contiguous piece of a model tensor: a whole tensor, or one expert of it. */
export interface PlannedPart {
  source: string;
  sourceShape: number[];
  ranges: RowRange[];
  file: string;
}

export interface PlannedTensor {
  name: string;
  shape: number[];
  parts: PlannedPart[];
}

/** All tensors of docs/integer-semantics.md, in the order of the architecture. */
export function planTensors(config: ModelConfig): PlannedTensor[] {
  const { embedding, layers, head } = modelGraph(config);
  return [
    planWeight(embedding.weight, 'embedding'),
    ...layers.flatMap(({ attention, feedForward }, l) =>
      weightsOfNodes([...attention, ...feedForward]).map((w) => planWeight(w, `layer-${l}`)),
    ),
    ...weightsOfNodes(head).map((weight) => planWeight(weight, 'head')),
  ];
}

/** @param file without its ending; experts have files of their own */
function planWeight(weight: Weight, file: string): PlannedTensor {
  const part = (source: string, to: string): PlannedPart => ({
    source,
    ...rowsOf(weight),
    file: `${to}.bin`,
  });
  const { tensor } = weight.source;
  const parts =
    weight.experts === undefined
      ? [part(tensor, file)]
      : Array.from({ length: weight.experts }, (_, e) =>
          part(tensor.replace('*', String(e)), `${file}.expert-${e}`),
        );
  return { name: weight.name, shape: dimsOf(weight), parts };
}

/** A checkpoint's tensor has two dimensions, or one; of every group of its rows, a weight may take a share. */
function rowsOf({ rows, columns, source }: Weight): Pick<PlannedPart, 'sourceShape' | 'ranges'> {
  const { before = 0, after = 0 } = source;
  const own = rows[rows.length - 1];
  const groups = product(rows) / own;
  const width = before + own + after;
  return {
    sourceShape: [groups * width, ...(columns.length > 0 ? [product(columns)] : [])],
    ranges: Array.from({ length: groups }, (_, g) => ({ first: g * width + before, count: own })),
  };
}
