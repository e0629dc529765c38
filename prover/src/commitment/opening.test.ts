/** Openings of small vectors: true claims pass, and a prover who commits to one vector cannot open another. */
import { describe, expect, it } from '@jest/globals';
import { engine, type FpVec } from '@attensor/native';
import { openAt } from './opening.js';
import { LOG_CAP, LOG_LEAF } from './parameters.js';
import { CAPS, type LeafSource } from './scheme.js';
import { Session } from '../protocol/session.js';
import { VerificationError } from '../protocol/tape.js';
import { littleWork } from '../testing/little-work.js';
import { overriding } from '../testing/overriding.js';

const RATE = 2;
const permute = (s: [bigint, bigint, bigint]): [bigint, bigint, bigint] => engine.permute(s);
const vectorOf = (logSize: number, seed: number): FpVec =>
  engine.fromInts(
    Int32Array.from({ length: 2 ** logSize }, (_, k) => ((k + seed) * 7919 * (k + 3)) % 65521),
  );
const commit = (v: FpVec): Promise<LeafSource> =>
  CAPS.commit(engine, v, Math.log2(v.length), 1 << LOG_LEAF, { logInvRate: RATE });

interface Bend {
  /** claimed value less the true one */
  value?: bigint;
  /** opened instead of the committed vectors */
  opened?: (v: FpVec[]) => FpVec[];
  /** nonces without work */
  lazy?: boolean;
}

const lazy = overriding(engine, { grind: () => Promise.resolve(1n) });

/** Two vectors, F = f0 + mu f1, proved and verified. */
async function open(logSize: number, bend: Bend = {}): Promise<void> {
  const vectors = [vectorOf(logSize, 1), vectorOf(logSize, 2)];
  const commitments = await Promise.all(vectors.map(commit));
  const opened = bend.opened?.(vectors) ?? vectors;
  const script = async (session: Session): Promise<void> => {
    const { tape } = session;
    const caps = [];
    for (const c of commitments) caps.push(await session.send(1 << LOG_CAP, 'cap', () => c.cap));
    const point = session.challenges(logSize);
    const values = [];
    for (const v of opened)
      values.push(
        ...(await session.send(1, 'value', async () => [
          await engine.evalMle(v, session.valuesOf(point)),
        ])),
      );
    const mu = session.challenge();
    const commitmentOf = (k: number) => session.only(() => commitments[k]);
    const claim = tape.addConstant(tape.add(values[0], tape.mul(mu, values[1])), bend.value ?? 0n);
    await openAt(
      session,
      littleWork(logSize, RATE),
      [
        { cap: caps[0], coef: tape.constant(1n), width: 16, commitment: commitmentOf(0) },
        { cap: caps[1], coef: mu, width: 16, commitment: commitmentOf(1) },
      ],
      point,
      claim,
      session.only(() => engine.linear(opened, [1n, session.value(mu)], 0n)),
    );
    session.finish();
  };
  const prover = new Session({ engine: bend.lazy ? lazy : engine, permute, statement: [] });
  // The prover goes on whatever its own checks say.
  prover.tape.assertEqual = () => undefined;
  await script(prover);
  const { messages } = prover;
  await script(new Session({ permute, statement: [], messages }));
}

const rejects = (logSize: number, bend: Bend): Promise<void> =>
  expect(open(logSize, bend)).rejects.toThrow(VerificationError);

describe.each([9, 13])('opening of 2^%i entries', (logSize) => {
  it('accepts the true value', () => open(logSize));
  it('rejects another value', () => rejects(logSize, { value: 1n }));
  it('rejects nonces without work', async () => {
    await expect(open(logSize, { lazy: true })).rejects.toThrow('proof of work');
  });
  it('rejects a vector that was not committed', async () => {
    const change = (v: FpVec): FpVec => {
      const w = engine.linear([v], [1n], 0n);
      w.set(5, w.get(5) + 1n);
      return w;
    };
    await rejects(logSize, { opened: ([a, b]) => [change(a), b] });
    await rejects(logSize, { opened: ([a, b]) => [a, change(b)] });
    await rejects(logSize, { opened: ([a, b]) => [b, a] });
  });
});
