/**
 * @module units/ends
 * The units before and after the layers of a model that is cut: tokens and their rows of the vocabulary; the last norm, head, argmax, and
 * the tokens again. Both say of the tokens what the join compares.
 */
import {
  embed,
  embeddingNode,
  headNodes,
  selectEngine,
  traceNodes,
  type ModelConfig,
} from '@attensor/inference';
import { Argmax } from '../components/argmax.js';
import { Builder, dim, fromTrace, paddedTensor } from '../components/builder.js';
import { Embedding } from '../components/embedding.js';
import { Lookups } from '../components/lookups.js';
import { requireZeroPadding } from '../components/mask.js';
import { hashesByGkr } from '../components/row-hashes.js';
import { rowsOf } from '../components/rows.js';
import { requireSupported } from './model.js';
import { modelWeight } from './model-weight.js';
import { INPUT, requireZeroRows } from './nodes-component.js';
import { batchSize, bindTokens, inputOf, partOf, type Part } from './part.js';
import { idsOf, requireAnswer, requireRequests, successorsOf } from './positions.js';
import { UNIT_STATEMENT } from './statements.js';
import { embeddingWitness, sealed } from './unit.js';
import { Wiring } from './wiring.js';

/** Tokens and their rows; the statement's weights are the vocabulary's root. @throws UNSUPPORTED_CONFIG */
export function firstUnit(config: ModelConfig, capacity: number, batch = 1): Part {
  requireSupported(config, capacity, batch);
  const { vocabSize, hiddenSize } = config;
  const builder = new Builder();
  const node = embeddingNode(config);
  const { t } = rowsOf(capacity, batch);
  const long = hashesByGkr(t.size, hiddenSize);
  const embedding = new Embedding(builder, node, t, t.size, long);
  return {
    ...partOf({ kind: 'first', capacity, hiddenSize, vocabSize, ...batchSize(batch) }),
    ...sealed(builder),
    statement: UNIT_STATEMENT,
    boundaries: { out: embedding.x },
    result: node.results.x.name,
    hashedStates: embedding.hashedStates,
    vocabularyPermutations: embedding.vocabularyPermutations,
    reads: embedding.reads,
    async run(_, { requests }, { model }) {
      requireRequests(requests, { capacity, batch });
      const data = await embed(model, node, idsOf(requests, capacity));
      const tensors = new Map([[node.results.x.name, { dims: [t.size, hiddenSize], data }]]);
      return { tensors, tokens: requests };
    },
    successors: () => [],
    weight: ({ model }, name) => modelWeight(model, name),
    vocabulary: ({ model }) => ({
      rows: modelWeight(model, node.weight.name),
      width: hiddenSize,
      long,
    }),
    complete: (engine, witness) => embedding.complete(engine, witness),
    async relations(scope, [, vocabularyRoot, before, , stated], witness) {
      const { session } = scope;
      session.tape.assertZero(before, 'unit: the first one reads no tensor');
      const sizes = { capacity, batch, vocabulary: vocabSize };
      const tokens = await bindTokens(session, sizes, stated, witness);
      await embedding.script(
        scope,
        tokens.bits,
        vocabularyRoot,
        witness.map((w) => ({ ...embeddingWitness(w), ids: idsOf(w.tokens, capacity) })),
      );
    },
  };
}

/** The last norm, head and argmax against the output's tokens. @throws UNSUPPORTED_CONFIG */
export function lastUnit(config: ModelConfig, capacity: number, batch = 1): Part {
  requireSupported(config, capacity, batch);
  const { vocabSize, hiddenSize, eps } = config;
  const builder = new Builder();
  const rows = rowsOf(capacity, batch);
  const { t } = rows;
  const nodes = headNodes(config, INPUT);
  const [norm, logits, argmax] = nodes;
  const x = builder.signed(INPUT, [t, dim('i', hiddenSize)], fromTrace(INPUT));
  const wiring = new Wiring(builder, rows, {});
  wiring.set(INPUT, x);
  wiring.add([norm]);
  const answer = new Argmax(builder, logits, wiring.get(norm.results.y.name), t);
  const lookups = new Lookups(builder, []);
  return {
    ...partOf({ kind: 'last', capacity, hiddenSize, vocabSize, eps, ...batchSize(batch) }),
    ...sealed(builder),
    lookups,
    statement: UNIT_STATEMENT,
    boundaries: { in: x },
    hashedStates: 0,
    vocabularyPermutations: 0,
    async run(name, request, { model }, signal) {
      const { requests } = request;
      requireRequests(requests, { capacity, batch });
      const engine = await selectEngine(name, signal);
      const input = { name: INPUT, ...inputOf(request) };
      const tensors = await traceNodes(engine, nodes, model, input);
      requireAnswer(requests, capacity, tensors.get(argmax.results.y.name));
      return { tensors, tokens: requests };
    },
    successors: ({ tokens }) => successorsOf(tokens, capacity),
    weight: ({ model }, name) => modelWeight(model, name),
    vocabulary: () => undefined,
    complete: () => Promise.resolve([]),
    async relations(scope, [, , , after, stated], witness) {
      const { session } = scope;
      const values = witness.map((w) => w.values);
      session.tape.assertZero(after, 'unit: the last one leaves no tensor');
      const sizes = { capacity, batch, vocabulary: vocabSize };
      const tokens = await bindTokens(session, sizes, stated, witness);
      requireZeroRows(scope, x, [hiddenSize]);
      const product = await answer.script(scope, tokens, () =>
        session.engine.fromInts(paddedTensor(values.value.get(answer.logits))),
      );
      requireZeroPadding(scope, builder.parameterFills);
      await wiring.relations.script(scope, values, [product]);
    },
  };
}
