/**
 * A model of four layers in four units: messages of each by the plain verifier, and their join. Forgers of single units use an ideal
 * commitment (testing/ideal); what joins say of statements needs no proofs.
 */
import { afterAll, beforeAll, describe, expect, it } from '@jest/globals';
import { present } from '@attensor/core';
import { traceForward } from '@attensor/inference';
import { engine, type ProverEngine } from '@attensor/native';
import { mkdtemp, rm } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { commitBoundary } from './commitment/boundary.js';
import { commitWeights } from './commitment/weights.js';
import { provingBytes } from './estimate.js';
import {
  commitParts,
  joinStatements,
  partRequest,
  provePart,
  runParts,
  verifyParts,
  type CommittedParts,
  type PartProof,
} from './parts-prover.js';
import { nativeSteps, replay } from './proof-steps.js';
import { permute } from './protocol/poseidon.js';
import type { Scope } from './protocol/scope.js';
import { VerificationError } from './protocol/tape.js';
import { Script } from './script.js';
import { Scheduler } from './steps.js';
import { FileStore, NO_STORE } from './store.js';
import { lenient, recommit } from './testing/forgers.js';
import { IdealCommitments } from './testing/ideal.js';
import type { TokenInput } from './components/tokens.js';
import { TEST_RATES } from './testing/scripts.js';
import { smallModel, type SmallModel } from './testing/small-model.js';
import { cutModel, type CutModel, type PlacedPart } from './units/cut.js';
import { lastUnit } from './units/ends.js';
import { layersUnit } from './units/layers.js';
import type { Part, PartRequest } from './units/part.js';
import { idsOf } from './units/positions.js';
import { hashesOf } from './units/statements.js';
import type { IntTensor } from './units/tensors.js';

const CAPACITY = 16;
const PROMPT = [17, 5];
const FIRST = 0;
const LAYERS = 1;
const LAST = 3;
const NOT_THE_UNITS = 'join: the units, or their circuits, are not those of the model in its order';
const engines = { prover: engine, model: 'native' as const };

let small: SmallModel;
let stranger: SmallModel;
let cut: CutModel;
let committed: CommittedParts;
let requests: PartRequest[];

const secretsOf = (all: PartRequest[]) => ({ tokens: all[0].tokenSalt, model: committed.salt });
const revealedOf = (all: PartRequest[]) => ({
  tokens: all[0].requests,
  salts: secretsOf(all),
});

/** What each unit of an honest run is asked. */
async function requestsOf(
  tokens: readonly TokenInput[],
  of: CutModel = cut,
): Promise<PartRequest[]> {
  const ran = await runParts(engines, of, tokens, small.model, committed.modelRoot);
  const all: PartRequest[] = [];
  for (const k of of.places.keys()) all.push((await partRequest(engine, ran, k)).request);
  return all;
}

beforeAll(async () => {
  small = await smallModel(1);
  stranger = await smallModel(2);
  const { config } = small.model;
  const two = layersUnit(config, CAPACITY, { kind: 'moe', count: 2 });
  const memory = provingBytes(new Script(two, TEST_RATES));
  const shape = { config, capacity: CAPACITY };
  const made = await cutModel(shape, memory, { rates: TEST_RATES });
  if (!('parts' in made)) throw new Error('the model was not cut');
  cut = made.parts;
  committed = await commitParts(engine, cut, small.model);
  requests = await requestsOf([await small.answer(PROMPT)]);
});
afterAll(() => Promise.all([small.dispose(), stranger.dispose()]));

/** What an honest prover of a unit would state; nothing is proved. */
const statementOf = (place: PlacedPart, request: PartRequest, root: bigint): bigint[] =>
  place.unit.statement.fields({
    ...{ hash: place.script.hash, witness: 0n, weights: root, vocabulary: root },
    tokens: place.unit.result === undefined || !request.in ? request.requests : [],
    ends: request,
  });

describe('a model in units', () => {
  it('leaves between its units what the model has there', async () => {
    const padded = idsOf(requests[0].requests, CAPACITY);
    const trace = await traceForward(small.model, padded);
    const names = ['embedding.x', 'layers.1.x_out', 'layers.3.x_out'] as const;
    names.forEach((name, k) => {
      expect(requests[k].out?.tensor.data).toEqual(trace.get(name)?.data);
      expect(requests[k + 1].in?.root).toBe(requests[k].out?.root);
    });
  });

  it('is not run again where a run was kept', async () => {
    const dir = await mkdtemp(join(tmpdir(), 'attensor-runs-'));
    const run = async () => {
      const scheduler = new Scheduler(new FileStore(dir));
      const of = [engines, cut, requests[0].requests, small.model, committed.modelRoot] as const;
      return { ...(await runParts(...of, scheduler)), ran: scheduler.ran.size };
    };
    const first = await run();
    const second = await run();
    expect([first.ran, second.ran]).toEqual([cut.places.length, 0]);
    expect(second.runs).toEqual(first.runs);
    await rm(dir, { recursive: true });
  });

  it('is proved unit by unit, and joined to the statement of the model', async () => {
    const proofs: PartProof[] = [];
    for (const [k, place] of cut.places.entries()) {
      const of = committed.units[k];
      const { transcript } = await provePart(engines, place, requests[k], small.model, of);
      const { statement, session } = transcript;
      proofs.push({ statement, messages: session.messages });
    }
    const [{ requests: tokens }] = requests;
    const revealed = { tokens, salts: secretsOf(requests) };
    const { input, output } = hashesOf(tokens);
    const statement = await verifyParts(cut, proofs, revealed);
    expect(statement).toEqual([committed.modelRoot, committed.vocabularyRoot, input, output]);
    cut.places.forEach((place, k) => {
      expect(proofs[k].statement).toEqual(statementOf(place, requests[k], committed.units[k].root));
    });

    // true proofs in other places
    const [first, one, two, last] = proofs;
    const neighbours = /^join: the left unit leaves another tensor/;
    await expect(verifyParts(cut, [first, two, one, last], revealed)).rejects.toThrow(neighbours);
    await expect(verifyParts(cut, [first, one, one, last], revealed)).rejects.toThrow(neighbours);
    await expect(verifyParts(cut, [first, one, last], revealed)).rejects.toThrow(/^join: 3 units/);
    await expect(verifyParts(cut, [last, one, two, first], revealed)).rejects.toThrow(
      VerificationError,
    );
    const edited = { ...two, statement: two.statement.map((v, i) => (i === 2 ? v + 1n : v)) };
    await expect(verifyParts(cut, [first, one, edited, last], revealed)).rejects.toThrow(
      VerificationError,
    );
  });
});

describe('joins', () => {
  /** What an honest prover of each of these units is asked, whatever the last one answers. */
  async function ran(places: PlacedPart[]): Promise<PartRequest[]> {
    const others = { ...cut, places: places.slice(0, -1) };
    const all = await requestsOf(requests[0].requests, others);
    const [{ tokenSalt }] = all;
    return [...all, { ...requests[LAST], tokenSalt, in: all[all.length - 1].out }];
  }

  /** The join of units whose boundaries fit; nothing is proved. */
  async function joined(
    places: PlacedPart[],
    roots = committed.units.map(({ root }) => root),
  ): Promise<bigint[]> {
    const all = await ran(places);
    const statements = places.map((place, k) => statementOf(place, all[k], roots[k]));
    return joinStatements(cut, statements, revealedOf(all));
  }
  const roots = (...of: number[]): bigint[] => of.map((k) => committed.units[k].root);

  it('give the statement of an honest run', async () => {
    expect((await joined(cut.places))[0]).toBe(committed.modelRoot);
  });

  it('of units in another order are of another model', async () => {
    const [first, one, two, last] = cut.places;
    const [root] = await joined([first, two, one, last], roots(0, 2, 1, 3));
    expect(root).not.toBe(committed.modelRoot);
  });

  it('of a unit twice are of another model', async () => {
    const [first, one, , last] = cut.places;
    const [root] = await joined([first, one, one, last], roots(0, 1, 1, 3));
    expect(root).not.toBe(committed.modelRoot);
  });

  it('without a unit are refused', async () => {
    const [first, one, , last] = cut.places;
    await expect(joined([first, one, last], roots(0, 1, 3))).rejects.toThrow(NOT_THE_UNITS);
  });

  it('with one unit more are refused', async () => {
    const [first, one, two, last] = cut.places;
    await expect(joined([first, one, two, two, last], roots(0, 1, 2, 2, 3))).rejects.toThrow(
      NOT_THE_UNITS,
    );
  });

  it('of units of another length are refused', async () => {
    const [first, one, , last] = cut.places;
    const unit = layersUnit(cut.config, CAPACITY, { kind: 'moe', count: 1 });
    const script = new Script(unit, TEST_RATES);
    const short = { kind: 'moe' as const, count: 1, unit, script, layer: 2 };
    await expect(joined([first, one, short, last])).rejects.toThrow(NOT_THE_UNITS);
  });

  it('with weights of another model in one unit are of another model', async () => {
    const others = await commitParts(engine, cut, stranger.model);
    for (const k of [LAYERS, 2, LAST]) {
      const mixed = committed.units.map(({ root }, i) => (i === k ? others.units[i].root : root));
      const [root] = await joined(cut.places, mixed);
      expect(root).not.toBe(committed.modelRoot);
    }
    const [root, vocabulary] = await joined(cut.places, [others.units[0].root, ...roots(1, 2, 3)]);
    expect(root).not.toBe(committed.modelRoot);
    expect(vocabulary).not.toBe(committed.vocabularyRoot);
  });

  it('with a boundary of another run are refused', async () => {
    const again = await requestsOf([await small.answer([17, 6])]);
    for (let k = FIRST; k <= LAST; k++) {
      const statements = cut.places.map((place, i) =>
        statementOf(
          place,
          i === k ? { ...requests[i], in: again[i].in, out: again[i].out } : requests[i],
          committed.units[i].root,
        ),
      );
      expect(() => joinStatements(cut, statements, revealedOf(requests))).toThrow(
        'join: the left unit leaves another tensor than the right one reads',
      );
    }
  });

  it.each([
    ['first', FIRST],
    ['last', LAST],
  ])('are refused where the %s unit reads other tokens', async (_, k) => {
    const tokens = { requests: [await small.answer([17, 6])] };
    const statements = cut.places.map((place, i) =>
      statementOf(place, i === k ? { ...requests[i], ...tokens } : requests[i], 0n),
    );
    expect(() => joinStatements(cut, statements, revealedOf(requests))).toThrow(
      'join: the units are about different tokens',
    );
  });

  it('are refused for other tokens, or another salt', async () => {
    const statements = cut.places.map((place, i) => statementOf(place, requests[i], 0n));
    const { tokens, salts } = revealedOf(requests);
    const [asked] = tokens;
    const other = await small.answer([17, 6]);
    for (const revealed of [
      { tokens: [{ ...asked, promptIds: other.promptIds }], salts },
      { tokens: [{ ...asked, outputIds: [...asked.outputIds, 0] }], salts },
      { tokens: [asked, asked], salts },
      { tokens, salts: { ...salts, tokens: salts.tokens + 1n } },
    ])
      expect(() => joinStatements(cut, statements, revealed)).toThrow(
        'join: the units read other tokens',
      );
  });
});

describe('a forged unit', () => {
  interface Forgery {
    /** What the prover is asked, committed by whoever runs the model. */
    request?: (honest: PartRequest, prover: ProverEngine) => Promise<PartRequest> | PartRequest;
    /** Fields that are stated instead. */
    statement?: (fields: bigint[]) => bigint[];
    /** Says of its own tensors what is true of the committed boundaries. */
    agreeing?: true;
    /** What the prover takes for the unit. */
    unit?: Part;
  }

  /** What the plain verifier says of a prover who goes on after a check that fails. */
  async function verdict(
    k: number,
    { request = (r) => r, statement: stated = (f) => f, agreeing, unit: own }: Forgery,
    opening: 'ideal' | 'real' = 'ideal',
  ): Promise<string> {
    const { unit, layer } = cut.places[k];
    const ideal = new IdealCommitments();
    const scriptOf = (of: Part): Script =>
      opening === 'ideal' ? ideal.script(of) : new Script(of, TEST_RATES);
    const prover = opening === 'ideal' ? ideal.engine : engine;
    const recommitted = async (end: PartRequest['in']) =>
      end && commitBoundary(prover, end.tensor, end.salt);
    const { in: before, out: after, ...rest } = requests[k];
    const honest = { ...rest, in: await recommitted(before), out: await recommitted(after) };
    const { statement } = unit;
    const forged: Part = {
      ...(own ?? unit),
      ...(agreeing && { relations: (scope, ...rest) => unit.relations(agree(scope), ...rest) }),
      statement: { ...statement, fields: (parts) => stated(statement.fields(parts)) },
    };
    const asked = await request(honest, prover);
    const script = scriptOf(forged);
    const source = { model: small.model, layer };
    const weights = await commitWeights(prover, script, unit, source);
    const of = { root: weights.root, open: () => Promise.resolve(weights) };
    const restore = lenient();
    try {
      const steps = nativeSteps({ prover, model: 'native' }, forged, script, asked, of);
      const proved = await new Scheduler(NO_STORE).get(steps.messages);
      restore();
      await replay(scriptOf(unit), permute, proved.statement, proved.session.messages);
      return 'accepted';
    } catch (error) {
      if (!(error instanceof VerificationError)) throw error;
      return error.message;
    } finally {
      restore();
      ideal.dispose();
    }
  }

  function agree(scope: Scope): Scope {
    const open = scope.open.bind(scope);
    const { session, vectors } = scope;
    scope.open = async (tensor, at, what) => {
      const side = /^boundary (in|out)$/.exec(what)?.[1] as 'in' | 'out' | undefined;
      if (!side || !session.proving) return open(tensor, at, what);
      const point = session.valuesOf(tensor.axes.flatMap(({ name }) => at[name]));
      const entries = present(vectors.value[side], side).slice(0, 2 ** point.length);
      const [value] = await session.send(1, what, async () => [
        await engine.evalMle(entries, point),
      ]);
      scope.claims.addTensor(session, tensor, at, value);
      return value;
    };
    return scope;
  }

  const edited = (tensor: IntTensor): IntTensor => {
    const data = tensor.data.slice();
    data[5]++;
    return { ...tensor, data };
  };
  const elsewhere =
    (side: 'in' | 'out'): Forgery['request'] =>
    async (honest, prover) => {
      const end = present(honest[side], side);
      const other = await commitBoundary(prover, edited(end.tensor));
      // the unit computes with the honest tensor
      return { ...honest, [side]: { ...other, tensor: end.tensor } };
    };
  const stating =
    (field: number): Forgery['statement'] =>
    (fields) =>
      fields.map((v, i) => (i === field ? v + 1n : v));

  it.each([
    ['the first', FIRST],
    ['the last', LAST],
  ])('is accepted where nothing is forged: %s', async (_, k) => {
    expect(await verdict(k, {})).toBe('accepted');
  });

  it.each([
    ['the first', FIRST, 'out'],
    ['layers', LAYERS, 'out'],
    ['the last', LAST, 'in'],
  ] as const)(
    'does not compute with another tensor than it commits to: %s, %i, %s',
    async (_, k, side) => {
      const request = elsewhere(side);
      expect(await verdict(k, { request })).toBe('opening: a claim does not hold');
      if (k === LAYERS) return;
      expect(await verdict(k, { request, agreeing: true })).toBe('opening: a claim does not hold');
    },
  );

  it('opens its boundaries', async () => {
    const forgery: Forgery = { request: elsewhere('out') };
    expect(await verdict(FIRST, forgery, 'real')).toBe('claims: the sum does not hold');
  });

  it.each([
    ['in', LAST, 2],
    ['out', FIRST, 3],
  ])('opens the root that it states: %s', async (side, k, field) => {
    expect(await verdict(k, { statement: stating(field) })).toBe(
      `${side}: the commitment does not open its root`,
    );
  });

  it.each([
    ['in of the first', FIRST, 2, 'unit: the first one reads no tensor'],
    ['out of the last', LAST, 3, 'unit: the last one leaves no tensor'],
    ['tokens of layers', LAYERS, 4, 'unit: layers read no tokens'],
    ['tokens of the first', FIRST, 4, 'unit: the tokens have another hash'],
    ['tokens of the last', LAST, 4, 'unit: the tokens have another hash'],
    ['unit', FIRST, 0, 'unit: the statement is about another kind of unit'],
  ])('states nothing else than it proves: %s', async (_, k, field, refused) => {
    expect(await verdict(k, { statement: stating(field) })).toBe(refused);
  });

  it('has rows of nothing but the hidden size', async () => {
    // rows of 12 channels in 16 places; the last norm's sum of squares has the thirteenth
    const { hiddenSize } = cut.config;
    const width = 2 ** Math.ceil(Math.log2(hiddenSize));
    const unit = lastUnit(cut.config, CAPACITY);
    recommit(unit, {
      name: 'input',
      dims: [CAPACITY, width],
      change: (values) => {
        values[hiddenSize]++;
      },
    });
    const request: Forgery['request'] = async (honest, prover) => {
      const { tensor } = present(honest.in, 'in');
      const data = new BigInt64Array(CAPACITY * width);
      for (let t = 0; t < CAPACITY; t++)
        data.set(tensor.data.subarray(t * hiddenSize, (t + 1) * hiddenSize), t * width);
      data[hiddenSize]++;
      const wide = await commitBoundary(prover, { dims: [CAPACITY, width], data });
      return { ...honest, in: { ...wide, tensor } };
    };
    const run: Part['run'] = async (...given) => {
      const { tensors, ...rest } = await unit.run(...given);
      const S = present(tensors.get('final_norm.S'), 'the sum of squares');
      const more = { ...S, data: S.data.map((v, t) => (t === 0 ? v + 1n : v)) };
      return { ...rest, tensors: new Map([...tensors, ['final_norm.S', more]]) };
    };
    expect(await verdict(LAST, { request, unit: { ...unit, run } })).toBe(
      'opening: a claim does not hold',
    );
  });
});
