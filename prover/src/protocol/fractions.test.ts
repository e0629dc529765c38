import { engine } from '@attensor/native';
import { describe, expect, it } from '@jest/globals';
import { P } from './field.js';
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

describe('a sum of fractions', () => {
  it('that is zero is accepted, with the right claims', () => sum(NUMS, DENS));
  it('that is not zero is refused', async () => {
    await expect(sum(put(NUMS, [3], 2n), DENS)).rejects.toThrow('not zero');
  });
  it('with a pole is refused: 1/0 + 1/0 has numerator zero', async () => {
    await expect(sum(NUMS, put(DENS, [0, 8], 0n))).rejects.toThrow('must not be zero');
  });
});
