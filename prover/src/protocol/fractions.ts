/**
 * @module fractions
 * sum num_i / den_i = 0 over 2^depth fractions, by GKR: layer k holds 2^k fractions, each the sum of its two children in
 * layer k+1 (first and second half). Reduces to claims on num and den at one point. Messages per layer: for each variable
 * the two upper coefficients of the round polynomial (its eq factor pulled out), then the four children values.
 */
import type { FractionTree } from '@attensor/native';
import { ProverOnly } from './prover-only.js';
import type { Session } from './session.js';
import type { Wire } from './tape.js';

export interface FractionClaim {
  point: Wire[];
  num: Wire;
  den: Wire;
}

export async function zeroFractionSum(
  session: Session,
  depth: number,
  build: () => Promise<FractionTree>,
): Promise<FractionClaim> {
  const { tape } = session;
  const tree = session.proving ? ProverOnly.of(await build()) : ProverOnly.none<FractionTree>();
  if (tree.present && tree.value.depth !== depth)
    throw new Error('fractions: the tree has another depth');
  // The sum is zero: the numerator of the root is not sent at all. Its denominator must not vanish.
  const [q] = await session.send(1, 'fractions: root', () => {
    const [p, q] = tree.value.root();
    if (p !== 0n)
      throw new Error('fractions: the sum is not zero (a looked-up value is not in its table)');
    return [q];
  });
  tape.inverse(q);
  let claim = { point: [] as Wire[], num: tape.constant(0n), den: q };
  for (let k = 0; k < depth; k++) {
    const lambda = session.challenge();
    const { point } = claim;
    await tree.each((t) => t.beginLayer(k, session.valuesOf(point), session.value(lambda)));
    let current = tape.add(claim.num, tape.mul(lambda, claim.den));
    const bound: Wire[] = [];
    for (let j = 0; j < k; j++) {
      const tau = claim.point[j];
      const [c1, c2] = await session.send(2, `fractions: layer ${k} round ${j}`, () =>
        tree.value.round(),
      );
      const r = session.challenge();
      // (1 - tau) h(0) + tau h(1) = claim gives h(0)
      const upper = tape.add(c1, c2);
      const c0 = tape.sub(current, tape.mul(tau, upper));
      current = tape.add(tape.mul(tape.add(tape.mul(c2, r), c1), r), c0);
      await tree.each((t) => t.bind(session.value(r)));
      bound.push(r);
    }
    const [p0, p1, q0, q1] = await session.send(4, `fractions: layer ${k} children`, () =>
      tree.value.finals(),
    );
    const h = tape.sum([tape.mul(p0, q1), tape.mul(p1, q0), tape.mul(lambda, tape.mul(q0, q1))]);
    tape.assertEqual(h, current, `fractions: layer ${k} does not hold`);
    const r = session.challenge();
    claim = {
      point: [r, ...bound],
      num: tape.add(p0, tape.mul(r, tape.sub(p1, p0))),
      den: tape.add(q0, tape.mul(r, tape.sub(q1, q0))),
    };
  }
  await tree.each((t) => {
    t.dispose();
  });
  return claim;
}
