import { engine } from '@attensor/native';
import { describe, expect, it } from '@jest/globals';
import { present } from '@attensor/core';
import { HALF, inverse, mod, mul, P, power } from './field.js';
import { zeroFractionSum } from './fractions.js';
import { Session } from './session.js';

const permute = (s: [bigint, bigint, bigint]): [bigint, bigint, bigint] => engine.permute(s);
const DEPTH = 4;

/** Proves and verifies sum num / den = 0; the two sides end at the same claims, which are checked. */
async function sum(num: bigint[], den: bigint[]): Promise<void> {
  const script = (session: Session) =>
    zeroFractionSum(session, DEPTH, () =>
      engine.fractions(engine.fromBigints(num), engine.fromBigints(den)),
    );
  const prover = new Session({ engine, permute, statement: [] });
  await script(prover);
  const verifier = new Session({ permute, statement: [], messages: prover.messages });
  const claim = await script(verifier);
  const point = verifier.valuesOf(claim.point);
  expect(verifier.value(claim.num)).toBe(await engine.evalMle(engine.fromBigints(num), point));
  expect(verifier.value(claim.den)).toBe(await engine.evalMle(engine.fromBigints(den), point));
}

const DENS = Array.from({ length: 16 }, (_, k) => BigInt(3 + 5 * (k % 8)));
const NUMS = DENS.map((_, k) => (k < 8 ? 1n : P - 1n));

const put = (values: bigint[], at: number[], v: bigint): bigint[] =>
  values.map((x, k) => (at.includes(k) ? v : x));

/** The messages of the protocol by its definition, on bigints; `challenges` as they were drawn. */
function reference(nums: bigint[], dens: bigint[], challenges: bigint[]): bigint[] {
  const layers = [{ p: nums, q: dens }];
  while (layers[0].p.length > 1) {
    const { p, q } = layers[0];
    const half = p.length / 2;
    const sums = p.slice(0, half).map((x, i) => mod(x * q[half + i] + p[half + i] * q[i]));
    layers.unshift({ p: sums, q: q.slice(0, half).map((x, i) => mul(x, q[half + i])) });
  }
  const messages = [layers[0].q[0]];
  let point: bigint[] = [];
  for (const { p, q } of layers.slice(1)) {
    const lambda = present(challenges.shift());
    const half = p.length / 2;
    let columns = [p.slice(0, half), p.slice(half), q.slice(0, half), q.slice(half)];
    const bound = [];
    for (let rest = point.slice(1); columns[0].length > 1; rest = rest.slice(1)) {
      // h(x): eq(rest, .) against the fractions' sum, the variable of the round at x, without the factors of bound ones
      const [h0, h1, h2] = [0n, 1n, 2n].map((x) => {
        const [p0, p1, q0, q1] = columns.map((column) => fold(column, x));
        return eqTable(rest).reduce(
          (sum, e, i) => mod(sum + e * (p0[i] * q1[i] + p1[i] * q0[i] + lambda * q0[i] * q1[i])),
          0n,
        );
      });
      const c2 = mul(mod(h2 - 2n * h1 + h0), HALF);
      messages.push(mod(h1 - h0 - c2), c2);
      const r = present(challenges.shift());
      bound.push(r);
      columns = columns.map((column) => fold(column, r));
    }
    messages.push(...columns.map(([value]) => value));
    point = [present(challenges.shift()), ...bound];
  }
  return messages;
}

const fold = (column: bigint[], r: bigint): bigint[] => {
  const half = column.length / 2;
  return column.slice(0, half).map((low, i) => mod(low + r * (column[half + i] - low)));
};

const eqTable = (point: bigint[]): bigint[] =>
  point.reduce((table, r) => table.flatMap((x) => [mul(x, mod(1n - r)), mul(x, r)]), [1n]);

describe('a sum of fractions', () => {
  it('sends the messages that its definition gives', async () => {
    const session = new Session({ engine, permute, statement: [] });
    const drawn: bigint[] = [];
    const draw = session.challenge.bind(session);
    session.challenge = () => {
      const challenge = draw();
      drawn.push(session.value(challenge));
      return challenge;
    };
    // Unlike fractions, so that no layer's numerators vanish; the last one makes the sum zero.
    const dens = DENS.map((_, k) => BigInt(k * k + 2));
    const others = dens.slice(1).map((_, k) => power(3n, BigInt(k + 5)));
    const sum = others.reduce((s, n, k) => mod(s + n * inverse(dens[k])), 0n);
    const nums = [...others, mod(-sum * dens[15])];
    await zeroFractionSum(session, DEPTH, () =>
      engine.fractions(engine.fromBigints(nums), engine.fromBigints(dens)),
    );
    expect(session.messages).toEqual(reference(nums, dens, drawn));
  });
  it('that is zero is accepted, with the right claims', () => sum(NUMS, DENS));
  it('that is not zero is refused', async () => {
    await expect(sum(put(NUMS, [3], 2n), DENS)).rejects.toThrow('not zero');
  });
  it('with a pole is refused: 1/0 + 1/0 has numerator zero', async () => {
    await expect(sum(NUMS, put(DENS, [0, 8], 0n))).rejects.toThrow('must not be zero');
  });
});
