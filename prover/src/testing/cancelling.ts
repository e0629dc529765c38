/**
 * @module testing/cancelling
 * Provers of two false claims that cancel where a batch gives both the same weight, one for each batch of the protocol. Each runs the
 * prover with its own checks off, then the plain verifier on what it sent: resolves if that accepts.
 */
import { engine, type FpVec, type FractionTree, type ProverEngine } from '@attensor/native';
import { mod, mul, sub } from '../protocol/field.js';
import { zeroFractionSum } from '../protocol/fractions.js';
import { openAt } from '../commitment/opening.js';
import { CAPS } from '../commitment/scheme.js';
import { openVectors, type Sampled } from '../commitment/vectors.js';
import { LOG_CAP, LOG_LEAF } from '../commitment/parameters.js';
import { reduceClaims } from '../protocol/reduction.js';
import { Scope } from '../protocol/scope.js';
import { Session } from '../protocol/session.js';
import { VerificationError, type Wire } from '../protocol/tape.js';
import { axis, Tensor, type Vector } from '../protocol/tensor.js';
import { littleWork } from './little-work.js';
import { overriding } from './overriding.js';

const permute = (s: [bigint, bigint, bigint]): [bigint, bigint, bigint] => engine.permute(s);
const vectorOf = (logSize: number, seed: number): FpVec =>
  engine.fromInts(Int32Array.from({ length: 2 ** logSize }, (_, k) => ((k + seed) * 7919) % 65521));

type Script = (session: Session) => Promise<void>;

async function proveAndVerify(script: Script, prover: Session): Promise<void> {
  prover.tape.assertEqual = () => undefined;
  await script(prover);
  await script(new Session({ permute, statement: [], messages: prover.messages }));
}
const proving = (by: ProverEngine = engine): Session =>
  new Session({ engine: by, permute, statement: [] });

/** What claims and sample say beyond the truth. */
export interface Errors {
  first?: bigint;
  second?: bigint;
  sample?: bigint;
}

/** alpha: claims on a vector, and its out-of-domain sample. */
export function reduceFalsely(errors: Errors): Promise<void> {
  const LOG = 8;
  const vector = vectorOf(LOG, 3);
  return proveAndVerify(async (session) => {
    const scope = new Scope(
      session,
      session.only(() => ({ witness: vector, parameters: vector })),
    );
    await session.send(1, 'commitment', () => [7n]);
    const x = session.challenge();
    const [y] = await session.send(1, 'sample', async () => [
      (await engine.evalPow(vector, session.value(x))) + (errors.sample ?? 0n),
    ]);
    const point = session.challenges(6);
    for (const [k, error] of [errors.first ?? 0n, errors.second ?? 0n].entries()) {
      const [value] = await session.send(1, 'value', async () => [
        (await engine.evalMle(vector.slice(64 * k, 64), session.valuesOf(point))) + error,
      ]);
      const block = Tensor.of({ vector: 'witness', offset: 64 * k, log: 6 }, [axis('n', 6)]);
      scope.claims.addTensor(session, block, { n: point }, value);
    }
    const reduced = await reduceClaims(scope, LOG, [{ vector: 'witness', x, y }]);
    // what the opening would find
    const truth = await engine.evalMle(vector, session.valuesOf(reduced.point));
    if (session.value(reduced.values[0]) !== truth)
      throw new VerificationError('the opening does not hold');
  }, proving());
}

/** lambda: numerator and denominator of a sum of fractions. The sum is 0 only if `numerators` add up to 0. */
export function sumFalsely(numerators: bigint[]): Promise<void> {
  const nums = engine.fromBigints(numerators.map(mod));
  const dens = engine.fromBigints(numerators.map(() => 5n));
  const depth = Math.log2(numerators.length);
  // The numerator that is there goes to the denominator, which is sent; that the numerator is 0 is not.
  const shifted = (tree: FractionTree): FractionTree =>
    overriding(tree, {
      root() {
        const [p, q] = tree.root();
        return [0n, mod(p + q)];
      },
    });
  return proveAndVerify(async (session) => {
    const { point, num, den } = await zeroFractionSum(session, depth, async () =>
      shifted(await engine.fractions(nums, dens)),
    );
    const at = session.valuesOf(point);
    if (
      session.value(num) !== (await engine.evalMle(nums, at)) ||
      session.value(den) !== (await engine.evalMle(dens, at))
    )
      throw new VerificationError('the claims do not hold');
  }, proving());
}

/** mu: two vectors that differ from the committed ones, by the same in both directions. */
export async function openOthers(difference: bigint): Promise<void> {
  const LOG = 9;
  const RATE = 2;
  const vectors: Vector[] = ['witness', 'parameters'];
  const committed = [vectorOf(LOG, 1), vectorOf(LOG, 2)];
  const opened = committed.map((v, k) => {
    const other = engine.linear([v], [1n], 0n);
    other.set(5, mod(other.get(5) + (k === 0 ? difference : -difference)));
    return other;
  });
  const commitments = await Promise.all(
    committed.map((v) => CAPS.commit(engine, v, LOG, 1 << LOG_LEAF, { logInvRate: RATE })),
  );
  await proveAndVerify(async (session) => {
    const scope = new Scope(
      session,
      session.only(() => ({ witness: opened[0], parameters: opened[1] })),
    );
    const openable: Sampled[] = [];
    for (const [k, vector] of vectors.entries()) {
      const cap = await session.send(1 << LOG_CAP, 'cap', () => commitments[k].cap);
      const x = session.challenge();
      const [y] = await session.send(1, 'sample', async () => [
        await engine.evalPow(opened[k], session.value(x)),
      ]);
      openable.push({
        ...{ vector, x, y },
        parts: [{ cap, width: 1 << LOG_LEAF, commitment: session.only(() => commitments[k]) }],
      });
    }
    await openVectors(scope, littleWork(LOG, RATE), openable);
    session.finish();
  }, proving());
}

/** A session whose prover sends other out-of-domain values of folded vectors. */
class Samples extends Session {
  private readonly drawn: Wire[] = [];
  constructor(private readonly change: (drawn: bigint[]) => bigint) {
    super({ engine, permute, statement: [] });
  }
  override challenge(): Wire {
    const v = super.challenge();
    this.drawn.push(v);
    return v;
  }
  override send(...[count, what, compute]: Parameters<Session['send']>) {
    if (!what.includes('out-of-domain')) return super.send(count, what, compute);
    return super.send(count, what, async () => {
      const [y] = await compute();
      return [mod(y + this.change(this.valuesOf(this.drawn)))];
    });
  }
}

/**
 * gamma: the claimed value and a folded vector's out-of-domain value.
 * @param error of the claimed value
 * @param sample what the out-of-domain value says beyond the truth: a number, or what makes up for the claim's error
 */
export async function openFalsely(error: bigint, sample: bigint | 'cancels'): Promise<void> {
  const LOG = 13;
  const RATE = 2;
  const vector = vectorOf(LOG, 4);
  const commitment = await CAPS.commit(engine, vector, LOG, 1 << LOG_LEAF, { logInvRate: RATE });
  /** The prover's polynomial of a round is wrong by d x (2 - x) where the claim is by d. */
  const carried = (drawn: bigint[]): bigint =>
    drawn.slice(-1 - LOG_LEAF, -1).reduce((d, r) => mul(d, mul(r, sub(2n, r))), mod(error));
  await proveAndVerify(
    async (session) => {
      const cap = await session.send(1 << LOG_CAP, 'cap', () => commitment.cap);
      const point = session.challenges(LOG);
      const [value] = await session.send(1, 'value', async () => [
        mod((await engine.evalMle(vector, session.valuesOf(point))) + error),
      ]);
      await openAt(
        session,
        littleWork(LOG, RATE),
        [
          {
            ...{ cap, coef: session.tape.constant(1n), width: 1 << LOG_LEAF },
            commitment: session.only(() => commitment),
          },
        ],
        point,
        value,
        session.only(() => engine.linear([vector], [1n], 0n)),
      );
      session.finish();
    },
    new Samples((drawn) => (sample === 'cancels' ? mod(-carried(drawn)) : sample)),
  );
}
