/**
 * @module vectors
 * Committed vectors within a script: how a commitment becomes part of the transcript or opens a root of the statement, and the
 * opening of everything that was claimed about the vectors.
 */
import { ceilLog2 } from '../protocol/field.js';
import { PARAMETER_DOMAIN, SAMPLE_DOMAIN } from '../protocol/domains.js';
import { eqTable } from '../protocol/polynomials.js';
import { type ProverOnly } from '../protocol/prover-only.js';
import { reduceClaims } from '../protocol/reduction.js';
import type { Scope } from '../protocol/scope.js';
import type { Session } from '../protocol/session.js';
import type { Wire } from '../protocol/tape.js';
import type { Vector } from '../protocol/tensor.js';
import type { CommittedVector } from './committed-vector.js';
import { LongVector } from './long-vector.js';
import { capRoot, openAt, type Oracle } from './opening.js';
import { LOG_CAP, type OpeningParameters } from './parameters.js';

/** A commitment whose caps are messages of the script. */
export interface Bound {
  vector: Vector;
  /** The parts in order, each of the size that opens; one for a vector that has this size itself. */
  parts: Omit<Oracle, 'coef'>[];
}

/** A commitment with its out-of-domain value y at x. */
export interface Sampled extends Bound {
  x: Wire;
  y: Wire;
}

/** What a root of the statement is for. */
export interface RootPurpose {
  /** Domain of the outer hash. */
  domain: bigint;
  /** Hash of the configuration that the vector is committed for. */
  purpose: bigint;
}

/** A commitment with the salt that hides it. */
export interface Salted {
  committed: CommittedVector;
  salt: bigint;
}

type How = 'send' | 'hint';

/** The caps of all parts, absorbed (`send`) or bound by what follows (`hint`). */
export async function commitmentMessages(
  session: Session,
  how: How,
  vector: Vector,
  widths: number[],
  committed: ProverOnly<CommittedVector>,
): Promise<Bound> {
  const parts: Bound['parts'] = [];
  for (const [k, width] of widths.entries()) {
    const commitment = committed.map((c) => c.parts[k]);
    const cap = await session[how](
      1 << LOG_CAP,
      `${vector}: commitment`,
      () => commitment.value.cap,
    );
    parts.push({ cap, width, commitment });
  }
  return { vector, parts };
}

/**
 * The out-of-domain sample of the commitment that `root` stands for: the sample's point follows from the caps of all parts, so a
 * root fixes one vector within the decoding radius (docs/soundness.md, section 7).
 */
export async function bindToRoot(
  session: Session,
  bound: Bound,
  root: Wire,
  { domain, purpose }: RootPurpose,
  salted: ProverOnly<Salted>,
): Promise<Sampled> {
  const { tape } = session;
  const merkle = capRoot(
    session,
    bound.parts.flatMap((p) => p.cap),
  );
  const x = tape.hash([tape.constant(SAMPLE_DOMAIN), merkle]);
  const [y, salt] = await session.hint(2, `${bound.vector} sample and salt`, () => [
    salted.value.committed.sample,
    salted.value.salt,
  ]);
  const vectorRoot = tape.hash([tape.constant(PARAMETER_DOMAIN), merkle, y]);
  const found = tape.hash([tape.constant(domain), tape.constant(purpose), vectorRoot, salt]);
  tape.assertEqual(found, root, `${bound.vector}: the commitment does not open its root`);
  return { ...bound, x, y };
}

/** An out-of-domain sample as a message: at the Johnson radius a cap alone may stand for several vectors. */
export async function bindByMessage(
  session: Session,
  bound: Bound,
  committed: ProverOnly<CommittedVector>,
): Promise<Sampled> {
  const x = session.challenge();
  const [y] = await session.send(1, `${bound.vector} sample`, async () => [
    await committed.value.evalPow(session.value(x)),
  ]);
  return { ...bound, x, y };
}

/** One combining challenge tells two vectors apart; a third would share it. */
const MOST_VECTORS = 2;

/**
 * Proves all claims and samples: one reduction, then all vectors open together. The first coordinates of the point that is left
 * number the parts, so eq of them weighs the parts.
 *
 * @throws RangeError for more than two vectors
 */
export async function openVectors(
  scope: Scope,
  parameters: OpeningParameters,
  vectors: Sampled[],
): Promise<void> {
  if (vectors.length > MOST_VECTORS)
    throw new RangeError(`opening: ${vectors.length} vectors, expected at most ${MOST_VECTORS}`);
  const { session } = scope;
  const { tape } = session;
  const partLog = parameters.logSize;
  const logSize = partLog + ceilLog2(Math.max(...vectors.map((v) => v.parts.length)));
  const { point, values, combined } = await reduceClaims(
    scope,
    logSize,
    vectors.map(({ vector, x, y }) => ({ vector, x, y })),
    partLog,
  );
  const eq = logSize === partLog ? undefined : eqTable(tape, point.slice(0, logSize - partLog));
  const scaled = (coef: Wire, k: number): Wire => (eq ? tape.mul(coef, eq[k]) : coef);
  // F = first + mu second, mu after their values.
  const one = tape.constant(1n);
  const coefs = vectors.length > 1 ? [one, session.challenge()] : [one];
  const oracles = vectors.map((v, i) =>
    v.parts.map((part, k): Oracle => ({ ...part, coef: scaled(coefs[i], k) })),
  );
  const claim = tape.sum(vectors.map((_, i) => tape.mul(coefs[i], values[i])));
  const whole = scope.vectors.map((held) =>
    session.engine.linear(
      vectors.map(({ vector }, i) => {
        const f = combined[i] ?? held[vector];
        if (f instanceof LongVector) throw new Error(`opening: ${vector} was not combined`);
        return f;
      }),
      session.valuesOf(vectors.map((_, i) => (combined[i] ? coefs[i] : oracles[i][0].coef))),
      0n,
    ),
  );
  for (const vector of combined) vector?.dispose();
  await openAt(session, parameters, oracles.flat(), point.slice(logSize - partLog), claim, whole);
}
