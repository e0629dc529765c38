/**
 * @module units/layers
 * Consecutive layers of one kind as a unit of a model. Which layers of the model they are is not part of the unit: it says so by its
 * weights, and all units of as many layers of a kind have one circuit.
 */
import {
  layerGraph,
  resultOf,
  selectEngine,
  traceNodes,
  type LayerKind,
  type LayerNode,
  type ModelConfig,
} from '@attensor/inference';
import { layerSizes } from './layer.js';
import { requireSupported } from './model.js';
import { INPUT, nodesShape } from './nodes-component.js';
import { modelWeight } from './model-weight.js';
import { batchSize, inputOf, partOf, type Part, type PartConfig } from './part.js';
import { UNIT_STATEMENT } from './statements.js';
import { sealed } from './unit.js';

export interface LayerRun {
  kind: LayerKind;
  /** consecutive layers */
  count: number;
}

/** @throws UNSUPPORTED_CONFIG */
export function layersUnit(config: ModelConfig, capacity: number, run: LayerRun, batch = 1): Part {
  requireSupported(config, capacity, batch);
  const { kind, count } = run;
  const nodes: LayerNode[] = [];
  for (let layer = 0; layer < count; layer++) {
    const input = layer === 0 ? INPUT : resultOf(nodes);
    const { attention, feedForward } = layerGraph(config, kind, prefixOf(layer), input);
    nodes.push(...attention, ...feedForward);
  }
  const row = [config.hiddenSize];
  const shape = nodesShape({ nodes, rows: capacity, batch, row, rotation: config });
  const result = resultOf(nodes);
  const named: PartConfig = {
    ...layerSizes(config, kind),
    ...{ kind: 'layers', layers: kind, count, capacity, ...batchSize(batch) },
  };
  return {
    ...partOf(named),
    ...sealed(shape.builder),
    lookups: shape.lookups,
    statement: UNIT_STATEMENT,
    boundaries: { in: shape.x, out: shape.get(result) },
    result,
    hashedStates: 0,
    vocabularyPermutations: 0,
    async run(name, request, { model, layer }, signal) {
      const tensors = await traceNodes(
        await selectEngine(name, signal),
        nodes,
        {
          pieceSize: model.pieceSize,
          tensor: (weight, range) => model.tensor(placedName(weight, layer), range),
          expert: (weight, expert) => model.expert(placedName(weight, layer), expert),
        },
        { name: INPUT, ...inputOf(request), sequences: batch },
        config,
      );
      return { tensors, tokens: [] };
    },
    successors: () => [],
    weight: ({ model, layer }, name) => modelWeight(model, placedName(name, layer)),
    vocabulary: () => undefined,
    complete: () => Promise.resolve([]),
    relations(scope, [, , , , tokens], witness) {
      scope.session.tape.assertZero(tokens, 'unit: layers read no tokens');
      return shape.relations(
        scope,
        witness.map((w) => w.values),
      );
    },
  };
}

const prefixOf = (layer: number): string => `layers.${layer}.`;

/** The model's name of a weight. @param first the unit's first layer in the model */
const placedName = (name: string, first: number): string =>
  name.replace(/^layers\.(\d+)\./, (_, layer: string) => prefixOf(first + Number(layer)));
