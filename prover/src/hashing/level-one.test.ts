/** Both levels on small vectors: openings by answers, and a prover who commits to one vector cannot open another. */
import { describe, expect, it } from '@jest/globals';
import { present } from '@attensor/core';
import { engine, type FpVec } from '@attensor/native';
import {
  LOG_LEAF,
  openingParameters,
  otherErrorBits,
  SECURITY_BITS,
  bitsPerQuery,
  GRINDING_BITS,
} from '../commitment/parameters.js';
import type { LeafSource } from '../commitment/scheme.js';
import { eqTable } from '../protocol/polynomials.js';
import { Session } from '../protocol/session.js';
import { VerificationError, type Tape, type Wire } from '../protocol/tape.js';
import { transcriptOf } from '../testing/transcript.js';
import { hashingLayout } from './layout.js';
import {
  openByAnswers,
  planLevels,
  type Answered,
  type Levels,
  type TreeOracle,
} from './level-one.js';
import { proveTrace } from './level-two.js';
import { hashingTrace } from './trace.js';
import { TreeHash } from './tree-hash.js';
import { plainTrees } from './trees.js';

const permute = (s: [bigint, bigint, bigint]): [bigint, bigint, bigint] => engine.permute(s);
const LOG_SIZE = 11;
const RATE = 1;
const hash = new TreeHash(8);
/** Rows of a witness, and of two parts of weights. */
const WIDTHS = [
  [16, 1],
  [8, 2],
];
/** Few, for the suite's time: what they are worth is counted elsewhere. */
const few = (logSize: number, rate: number, queries: number) => {
  const parameters = openingParameters(logSize, rate);
  return {
    ...parameters,
    grindingBits: 2,
    rounds: parameters.rounds.map((round, k) => ({ ...round, queries: queries - k })),
  };
};

const vectorOf = (seed: number, width: number): FpVec => {
  const end = width * 2 ** (LOG_SIZE - LOG_LEAF);
  return engine.fromInts(
    Int32Array.from({ length: 2 ** LOG_SIZE }, (_, k) =>
      k < end ? ((k + seed) * 7919 * (k + 3)) % 65521 : 0,
    ),
  );
};
const VECTORS = WIDTHS.map(([width, trees], i) =>
  Array.from({ length: trees }, (_, t) => vectorOf(10 * i + t, width)),
);
const trees = plainTrees(hash);
const commit = (vectors: FpVec[][]): Promise<LeafSource[][]> =>
  Promise.all(
    vectors.map((group, i) =>
      Promise.all(
        group.map((v) => trees.commit(engine, v, LOG_SIZE, WIDTHS[i][0], { logInvRate: RATE })),
      ),
    ),
  );
const committed = commit(VECTORS);

interface Bend {
  /** whose codewords answers are of, under the committed roots */
  answering?: LeafSource[][];
  /** opened in place of the committed vectors */
  opened?: FpVec[][];
  /** added to the claimed value */
  value?: bigint;
}

async function script(session: Session, bend: Bend): Promise<void> {
  const { tape } = session;
  const sources = await committed;
  const held = bend.opened ?? VECTORS;
  const mu = (k: number) => (k === 0 ? tape.constant(1n) : session.challenge());
  const roots: Wire[][] = [];
  for (const [k, [, count]] of WIDTHS.entries())
    roots.push(await session.send(count, 'roots', () => sources[k].flatMap((s) => s.cap)));
  const point = session.challenges(LOG_SIZE);
  const oracles = WIDTHS.map(([width, trees], k): TreeOracle => ({
    roots: roots[k],
    scale: mu(k),
    tree: session.challenges(Math.log2(trees)),
    width,
    sources: session.only(() => (bend.answering ?? sources)[k]),
  }));
  const weights = oracles.flatMap(({ scale, tree }) =>
    eqTable(tape, tree).map((w) => tape.mul(scale, w)),
  );
  const whole = session.only(() => engine.linear(held.flat(), session.valuesOf(weights), 0n));
  const [value] = await session.send(1, 'value', async () => [
    (await engine.evalMle(whole.value, session.valuesOf(point))) + (bend.value ?? 0n),
  ]);
  const parameters = few(LOG_SIZE, RATE, 4);
  const answered: Answered = await openByAnswers(
    session,
    trees,
    parameters,
    oracles,
    point,
    value,
    whole,
  );
  const layout = hashingLayout(hash, answered.shapes);
  const s = answered.opened.map((opened) => {
    // Leaves and paths are those of the committed trees, whatever the answers were made of.
    const honest = opened.map((group, k) =>
      k < WIDTHS.length
        ? { ...group, opened: sources[k].map((tree) => group.indexes.map((i) => tree.open(i))) }
        : group,
    );
    return engine.fromBigints(hashingTrace(layout, honest));
  });
  await proveTrace(session, layout, few(layout.logSize, 2, 3), answered, s);
  session.finish();
}

async function messagesOf(bend: Bend = {}): Promise<bigint[]> {
  const session = new Session({ engine, permute, statement: [] });
  if (Object.keys(bend).length > 0) session.tape.assertEqual = () => undefined;
  await script(session, bend);
  return session.messages;
}
async function verify(messages: bigint[]): Promise<Tape> {
  const session = new Session({ permute, statement: [], messages });
  await script(session, {});
  return session.tape;
}

describe('both levels', () => {
  it('open what is committed, in every role', async () => {
    const tape = await verify(await messagesOf());
    const shape = new Session({});
    await script(shape, {});
    expect(shape.tape.ops).toEqual(tape.ops);
  });
  it('absorb every message before the next challenge, but what the root of S binds', async () => {
    const { supplied, challenges } = await transcriptOf((session) => script(session, {}), 0);
    const late = supplied.filter(({ before, reaches }) =>
      reaches.some((first) => first !== before),
    );
    expect(new Set(late.map((s) => s.what))).toEqual(new Set(['opening: leaf', 'opening: path']));
    const first = (what: string): number =>
      supplied.find((s) => s.what === what)?.before ?? challenges;
    expect(first('roots')).toBe(0);
    expect(first('opening round 0: root')).toBeLessThan(first('opening: answers'));
    expect(first('opening: answers')).toBeLessThan(first('witness: commitment'));
  });
  it('refuse another value', async () => {
    const messages = await messagesOf({ value: 1n });
    await expect(verify(messages)).rejects.toThrow(/opening: the claim/);
  });
  it('refuse another vector than the committed one, at level 1', async () => {
    const opened = [[vectorOf(77, 16)], VECTORS[1]];
    const messages = await messagesOf({ opened });
    await expect(verify(messages)).rejects.toThrow(VerificationError);
  });
  it('refuse answers of another vector than the committed one, at level 2', async () => {
    const opened = [VECTORS[0], [VECTORS[1][0], vectorOf(78, 8)]];
    const messages = await messagesOf({ opened, answering: await commit(opened) });
    // level 1 is content with them
    await expect(verify(messages)).rejects.toThrow(/^claims: the sum does not hold/);
  });
});

describe('parameters of both levels', () => {
  it.each([
    [20, 1, 4, 8],
    [20, 2, 2, 8],
    [25, 1, 6, 4],
    [18, 3, 3, 16],
  ] as const)(
    'of 2^%i at 2^-%i, S at 2^-%i, width %i, stay below the level',
    (logSize, logInvRate, rateS, width) => {
      const { first, second, layout } = planLevels(
        new TreeHash(width),
        {
          size: { logSize, logInvRate },
          oracles: [
            { trees: 1, width: 16 },
            { trees: 3, width: 7 },
          ],
        },
        rateS,
      );
      expect(second.logSize).toBe(layout.logSize);
      expect(layout.groups.map((g) => g.queries)).toEqual([
        first.rounds[0].queries,
        ...first.rounds.map((r) => r.queries),
      ]);
      const error = [first, second]
        .flatMap((p) =>
          p.rounds.map((r) => r.queries * bitsPerQuery(r.logInvRate) + p.grindingBits),
        )
        .reduce((sum, bits) => sum + 2 ** -bits, 0);
      expect(-Math.log2(error)).toBeGreaterThanOrEqual(SECURITY_BITS);
      for (const p of [first, second])
        expect(otherErrorBits(p)).toBeGreaterThan(SECURITY_BITS + 40);
      // each round its share of the error
      const rounds = [...first.rounds, ...second.rounds];
      for (const r of rounds)
        expect(r.queries * bitsPerQuery(r.logInvRate) + GRINDING_BITS).toBeGreaterThanOrEqual(
          SECURITY_BITS + Math.log2(rounds.length),
        );
    },
  );

  it.each([
    [18, 1],
    [18, 2],
    [8, 2],
  ])('of three openings stay below it as well: boundaries of 2^%i, %i of them', (logSize, ends) => {
    const main = {
      size: { logSize: 25, logInvRate: 1 },
      oracles: [
        { trees: 1, width: 16 },
        { trees: 3, width: 16 },
      ],
    };
    const boundary = {
      size: { logSize, logInvRate: 4 },
      oracles: Array.from({ length: ends }, () => ({ trees: 1, width: 16 })),
    };
    const vocabulary = { trees: 1, queries: 24, entries: 16, depth: 5 };
    const planned = planLevels(hash, main, 3, [vocabulary], boundary);
    const { first, second, layout } = planned;
    const small = present(planned.boundary, 'the boundary');
    expect(second.logSize).toBe(layout.logSize);
    expect(layout.groups.map((g) => g.queries)).toEqual([
      first.rounds[0].queries,
      ...first.rounds.map((r) => r.queries),
      ...boundary.oracles.slice(1).map(() => small.rounds[0].queries),
      ...small.rounds.map((r) => r.queries),
      vocabulary.queries,
    ]);
    const rounds = [first, small, second].flatMap((p) => p.rounds);
    for (const r of rounds)
      expect(r.queries * bitsPerQuery(r.logInvRate) + GRINDING_BITS).toBeGreaterThanOrEqual(
        SECURITY_BITS + Math.log2(rounds.length),
      );
    expect(otherErrorBits(small)).toBeGreaterThan(SECURITY_BITS + 40);
  });

  it('take a thirtieth of the compressions that hashing a boundary in full would take', () => {
    const main = { size: { logSize: 25, logInvRate: 1 }, oracles: [{ trees: 1, width: 16 }] };
    const rows = { trees: 1, queries: 24, entries: 7168, depth: 5 };
    const end = { size: { logSize: 18, logInvRate: 4 }, oracles: [{ trees: 1, width: 16 }] };
    const compressions = ({ layout }: Levels): number =>
      layout.groups.reduce(
        (n, g) =>
          n +
          g.trees * g.queries * (g.levels.reduce((m, { log }) => m + 2 ** log, 0) + g.path.length),
        0,
      );
    const none = compressions(planLevels(hash, main, 3));
    expect(compressions(planLevels(hash, main, 3, [rows])) - none).toBe(28_152);
    expect(compressions(planLevels(hash, main, 3, [], end)) - none).toBeLessThan(28_152 / 30);
  });
});
