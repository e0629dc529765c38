/**
 * @module testing/small-protocol
 * A protocol with every kind of step of the real one, small enough for a circuit in a test: a commitment with its sample, a
 * sumcheck, fractions, the reduction of claims, an opening, bits, and the statement.
 */
import { engine } from '@attensor/native';
import { P } from '../protocol/field.js';
import { zeroFractionSum } from '../protocol/fractions.js';
import { openAt } from '../commitment/opening.js';
import { CAPS, type LeafSource } from '../commitment/scheme.js';
import { LOG_CAP, LOG_LEAF, openingParameters } from '../commitment/parameters.js';
import { ProverOnly } from '../protocol/prover-only.js';
import { reduceClaims } from '../protocol/reduction.js';
import { Scope } from '../protocol/scope.js';
import { Session } from '../protocol/session.js';
import { Sumcheck } from '../protocol/sumcheck.js';
import { axis, Tensor } from '../protocol/tensor.js';

const LOG_SIZE = 8;
const LOG_RATE = 2;
const parameters = openingParameters(LOG_SIZE, LOG_RATE);

/** Where each message lies, with its name. */
export interface Label {
  what: string;
  start: number;
  count: number;
}

async function script(session: Session): Promise<void> {
  const { tape } = session;
  session.absorb([0, 1, 2, 3].map((k) => tape.public(k)));
  const witness = session.only(() =>
    engine.fromInts(Int32Array.from({ length: 2 ** LOG_SIZE }, (_, k) => (k * k * 31 + 7) % 1009)),
  );
  const commitment = witness.present
    ? ProverOnly.of(
        await CAPS.commit(engine, witness.value, LOG_SIZE, 1 << LOG_LEAF, { logInvRate: LOG_RATE }),
      )
    : ProverOnly.none<LeafSource>();
  const scope = new Scope(
    session,
    witness.map((held) => ({ witness: held, parameters: engine.alloc(2 ** LOG_SIZE) })),
  );
  const cap = await session.send(1 << LOG_CAP, 'commitment', () => commitment.value.cap);
  const x = session.challenge();
  const [y] = await session.send(1, 'sample', async () => [
    await engine.evalPow(witness.value, session.value(x)),
  ]);

  // sum_b a(b) b(b) = claimed, (a b - c) = 0 nowhere tested: one product sum
  const block = (k: number): Tensor =>
    Tensor.of({ vector: 'witness', offset: k * 64, log: 6 }, [axis('n', 6)]);
  const sum = new Sumcheck(scope, [axis('n', 6)], 'sum');
  const [a, b] = [sum.tensor(block(0)), sum.tensor(block(1))];
  const [total] = await session.send(1, 'total', async () => [
    await engine.dot(witness.value.slice(0, 64), witness.value.slice(64, 64)),
  ]);
  sum.require(a.mul(b), total);
  sum.require(sum.eq({ n: scope.random('n', 6) }).mul(a.sub(a)));
  await sum.run();
  tape.bits(total, 40);

  // The same values twice, with opposite numerators.
  const gamma = session.challenge();
  const { point, num, den } = await zeroFractionSum(session, 6, async () => {
    const values = witness.value.slice(128, 32);
    const negated = engine.linear([values], [P - 1n], session.value(gamma));
    const [nums, dens] = [engine.alloc(64), engine.alloc(64)];
    nums.axpy(0, 1n, engine.linear([engine.alloc(32)], [1n], 1n));
    nums.axpy(32, 1n, engine.linear([engine.alloc(32)], [1n], P - 1n));
    dens.axpy(0, 1n, negated);
    dens.axpy(32, 1n, negated);
    return engine.fractions(nums, dens);
  });
  tape.assertEqual(num, tape.linear([[point[0], -2n]], 1n), 'fractions: numerators');
  const looked = Tensor.of({ vector: 'witness', offset: 128, log: 5 }, [axis('m', 5)]);
  scope.claims.addTensor(session, looked, { m: point.slice(1) }, tape.sub(gamma, den));

  const { point: at, values } = await reduceClaims(scope, LOG_SIZE, [{ vector: 'witness', x, y }]);
  await openAt(
    session,
    parameters,
    [{ cap, coef: tape.constant(1n), width: 1 << LOG_LEAF, commitment }],
    at,
    values[0],
    witness.map((held) => engine.linear([held], [1n], 0n)),
  );
  session.finish();
}

export class Noting extends Session {
  readonly labels: Label[] = [];
  private note(what: string, count: number): void {
    this.labels.push({ what, start: this.messages.length, count });
  }
  override send(...args: Parameters<Session['send']>): ReturnType<Session['send']> {
    this.note(args[1], args[0]);
    return super.send(...args);
  }
  override hint(...args: Parameters<Session['hint']>): ReturnType<Session['hint']> {
    this.note(args[1], args[0]);
    return super.hint(...args);
  }
  override grindAndSample(
    ...args: Parameters<Session['grindAndSample']>
  ): ReturnType<Session['grindAndSample']> {
    this.note('nonce', 1);
    return super.grindAndSample(...args);
  }
}

const permute = (s: [bigint, bigint, bigint]): [bigint, bigint, bigint] => engine.permute(s);

export async function proveSmall(statement: bigint[]): Promise<Noting> {
  const session = new Noting({ engine, permute, statement });
  await script(session);
  return session;
}

export async function verifySmall(statement: bigint[], messages: bigint[]): Promise<Session> {
  const session = new Session({ permute, statement, messages });
  await script(session);
  return session;
}

export async function shapeSmall(): Promise<Session> {
  const session = new Session({});
  await script(session);
  return session;
}
