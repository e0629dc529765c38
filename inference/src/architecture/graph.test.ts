/** The graph against itself, and against what a run leaves in its trace. */
import { describe, expect, test } from '@jest/globals';
import { readFile } from 'node:fs/promises';
import { traceForward } from '../forward/forward.js';
import { withModel } from '../testing/fixtures.js';
import { modelGraph, type LayerTraceName, type ModelGraph, type TraceName } from './graph.js';
import { weightsOfNodes, type Node } from './nodes.js';

const nodesOf = ({ embedding, layers, head }: ModelGraph): Node[] => [
  embedding,
  ...layers.flatMap(({ attention, feedForward }) => [...attention, ...feedForward]),
  ...head,
];
const resultsOf = (nodes: Node[]) => nodes.flatMap((node) => Object.values(node.results));

const SEMANTICS = new URL('../../../docs/integer-semantics.md', import.meta.url);

describe('the graph of a model', () => {
  test('every node reads what an earlier node gives, and every name is given once', async () => {
    await withModel('nano', async ({ config }) => {
      const given = new Set<string>();
      for (const node of nodesOf(modelGraph(config))) {
        expect(node.inputs.filter((name) => !given.has(name))).toEqual([]);
        for (const { name } of resultsOf([node])) {
          expect(given).not.toContain(name);
          given.add(name);
        }
      }
    });
  });

  test("a trace holds the nodes' results, with their dimensions", async () => {
    await withModel('nano', async (model) => {
      const tokens = [5, 3, 8];
      const trace = await traceForward(model, tokens);
      const expected = resultsOf(nodesOf(modelGraph(model.config))).map(({ name, dims }) => [
        name,
        dims.map((d) => (typeof d === 'number' ? d : tokens.length)),
      ]);
      expect([...trace].map(([name, { dims }]) => [name, dims])).toEqual(expected);
      for (const [name, { dims, data }] of trace)
        expect([name, data.length]).toEqual([name, dims.reduce((a, b) => a * b, 1)]);
    });
  });

  test('the documentation names every weight', async () => {
    const text = await readFile(SEMANTICS, 'utf8');
    const named = text.slice(text.indexOf('## Parameter tensors'));
    await withModel('nano', async ({ config }) => {
      for (const { name } of weightsOfNodes(nodesOf(modelGraph(config))))
        expect(named).toContain(name.replace(/^layers\.\d+\./, 'L '));
    });
  });

  test('names of the trace are types', () => {
    const known: TraceName[] = ['embedding.x', 'layers.3.routed.w1.acc', 'head.acc', 'next'];
    const layer: LayerTraceName[] = ['x_mid', 'softmax.p', 'shared.act.y', 'slots.weight'];
    // @ts-expect-error no node gives this
    const unknown: TraceName = 'layers.0.wq_c.y';
    expect([...known, ...layer]).not.toContain(unknown);
  });
});
