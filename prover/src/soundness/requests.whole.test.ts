/**
 * Several requests in one proof, by the prover and the plain verifier: of a whole model whose heads are padded, and of the same model in
 * units. `requests.test.ts` has the forgers.
 */
import { afterAll, beforeAll, describe, expect, it } from '@jest/globals';
import { engine } from '@attensor/native';
import { commitWithin, openCut } from '../commitment/cut-commitment.js';
import { modelScript, requiredLogSize } from '../commitment/model-commitment.js';
import { commitWeights } from '../commitment/weights.js';
import type { TokenInput } from '../components/tokens.js';
import { provingBytes } from '../estimate.js';
import { partRequest, provePart, runParts, verifyParts, type PartProof } from '../parts-prover.js';
import { nativeSteps, replay } from '../proof-steps.js';
import { VerificationError } from '../protocol/tape.js';
import { PART_LOG, Script } from '../script.js';
import { Scheduler } from '../steps.js';
import { NO_STORE } from '../store.js';
import { TEST_RATES } from '../testing/scripts.js';
import { smallModel, type SmallModel } from '../testing/small-model.js';
import { layersUnit } from '../units/layers.js';
import { hashesOf } from '../units/statements.js';

const CAPACITY = 4;
const PROMPTS = [[17, 5], [3], [17, 5], [17, 9]];
const engines = { prover: engine, model: 'native' as const };

let small: SmallModel;
let requests: TokenInput[];

beforeAll(async () => {
  small = await smallModel(1, {
    ...{ num_hidden_layers: 2, first_k_dense_replace: 1, num_attention_heads: 3 },
    // so that the whole model takes more memory than its layer with experts
    vocab_size: 1024,
  });
  requests = [];
  for (const prompt of PROMPTS) requests.push(await small.answer(prompt));
});
afterAll(() => small.dispose());

function scriptOf(batch: number): ReturnType<typeof modelScript> {
  const { config } = small.model;
  const logSize = requiredLogSize(config, CAPACITY, PART_LOG, batch);
  return modelScript(config, CAPACITY, { logSize, ...TEST_RATES, batch });
}

describe('a batch', () => {
  it('is proved, and verified by the plain verifier', async () => {
    const { unit, script } = scriptOf(PROMPTS.length);
    const weights = await commitWeights(engine, script, unit, small.model);
    const { messages } = nativeSteps(engines, unit, script, requests, {
      root: weights.root,
      open: async () => weights,
    });
    const { statement, session } = await new Scheduler(NO_STORE).get(messages);
    const { input, output } = hashesOf(requests);
    expect(statement).toEqual([weights.root, weights.vocabulary?.root, input, output]);
    const verify = (fields: bigint[]): Promise<unknown> =>
      replay(script, (state) => engine.permute(state), fields, session.messages);
    await verify(statement);
    const [a, b, ...rest] = requests;
    const other = hashesOf([b, a, ...rest]);
    await expect(verify([...statement.slice(0, 2), other.input, other.output])).rejects.toThrow(
      VerificationError,
    );
  });

  it('of another number is another commitment, with other circuits', () => {
    const names = [1, 2, 4].map((batch) => {
      const { unit, script } = scriptOf(batch);
      return [script.hash, unit.programName(script.numbers, [])];
    });
    expect(new Set(names.map(([hash]) => hash)).size).toBe(3);
    expect(new Set(names.map(([, name]) => name)).size).toBe(3);
  });

  it('has as many requests as the circuits, and a power of two', async () => {
    const { unit } = scriptOf(2);
    const run = (given: TokenInput[]): Promise<unknown> => unit.run('native', given, small.model);
    for (const given of [requests.slice(0, 1), requests.slice(0, 3)])
      await expect(run(given)).rejects.toMatchObject({ code: 'BAD_ARGUMENT' });
    await expect(run([requests[0], { promptIds: [1], outputIds: [] }])).rejects.toMatchObject({
      code: 'EMPTY_PROMPT',
      where: 'request 2',
    });
    const [{ outputIds }] = requests;
    const wrong = { ...requests[0], outputIds: [(outputIds[0] + 1) % 19, outputIds[1]] };
    await expect(run([requests[0], wrong])).rejects.toMatchObject({
      code: 'WRONG_TEXT',
      where: 'request 2, position 2',
    });
    expect(() => scriptOf(3)).toThrow(/UNSUPPORTED_CONFIG/);
  });
});

it('a batch is proved unit by unit, and joined to the statement of the model', async () => {
  const batch = 2;
  const two = requests.slice(0, batch);
  const { config } = small.model;
  const one = layersUnit(config, CAPACITY, { kind: 'moe', count: 1 }, batch);
  const memory = provingBytes(new Script(one, TEST_RATES));
  const limits = { capacity: CAPACITY, batch, memory, rates: TEST_RATES };
  const committed = await commitWithin(engine, small.model, limits);
  if (!('units' in committed)) throw new Error('the model was not cut');
  expect(committed).toMatchObject({ capacity: CAPACITY, batch });
  const { cut: parts, salt, units } = await openCut(small.model, committed);
  expect(parts.places).toHaveLength(4);
  await expect(openCut(small.model, { ...committed, batch: 4 })).rejects.toMatchObject({
    code: 'WRONG_COMMITMENT',
  });
  const modelRoot = BigInt(committed.modelRoot);
  const ran = await runParts(engines, parts, two, small.model, modelRoot);
  const proofs: PartProof[] = [];
  for (const [k, place] of parts.places.entries()) {
    const { request, dispose } = await partRequest(engine, ran, k);
    const { transcript } = await provePart(engines, place, request, small.model, units[k]);
    proofs.push({ statement: transcript.statement, messages: transcript.session.messages });
    dispose();
  }
  const salts = { tokens: ran.runs[0].tokenSalt, model: salt };
  const { input, output } = hashesOf(two);
  expect(await verifyParts(parts, proofs, { tokens: two, salts })).toEqual([
    ...[modelRoot, BigInt(committed.vocabularyRoot)],
    ...[input, output],
  ]);
  const crossed = [
    { ...two[0], outputIds: two[1].outputIds },
    { ...two[1], outputIds: two[0].outputIds },
  ];
  await expect(verifyParts(parts, proofs, { tokens: crossed, salts })).rejects.toThrow(
    VerificationError,
  );
});
