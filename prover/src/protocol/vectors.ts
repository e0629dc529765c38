/**
 * @module vectors
 * The two committed vectors within a script: how a root in the statement binds a commitment, and the opening of everything that
 * was claimed about both.
 */
import type { FpVec } from '@attensor/native';
import { ceilLog2, mod } from './field.js';
import { SAMPLE_DOMAIN } from './domains.js';
import { LongVector } from './long-vector.js';
import { capRoot, openAt, type LeafSource, type Oracle } from './opening.js';
import type { OpeningParameters } from './parameters.js';
import { eqTable } from './polynomials.js';
import { reduceClaims, type PowClaim } from './reduction.js';
import type { Scope } from './scope.js';
import type { Session } from './session.js';
import type { V } from './tape.js';
import type { Vector } from './tensor.js';

/** What opens a root: all of it secret but the caps. */
export interface Opened {
  /** of each part */
  commitments: LeafSource[];
  /** the vector as a univariate polynomial at the point that the cap determines */
  sample: bigint;
  salt: bigint;
}

/** Hashes that lead from a commitment to its root. */
export interface RootDomains {
  /** of cap and sample */
  vector: bigint;
  /** of the whole, with what the vector is for and the salt */
  root: bigint;
}

/**
 * The out-of-domain sample of the commitment that `root` stands for: the sample's point follows from the caps of all parts, so a
 * root fixes one vector within the decoding radius (docs/soundness.md, section 7).
 */
export async function bindRoot(
  session: Session,
  root: V,
  purpose: bigint,
  domains: RootDomains,
  cap: V[],
  what: string,
  opened?: Pick<Opened, 'sample' | 'salt'>,
): Promise<{ x: V; y: V }> {
  const { tape } = session;
  const merkle = capRoot(session, cap);
  const x = tape.hash([tape.constant(SAMPLE_DOMAIN), merkle]);
  const [y, salt] = await session.hint(2, `${what} sample and salt`, () => [
    mod(opened!.sample),
    opened!.salt,
  ]);
  const vectorRoot = tape.hash([tape.constant(domains.vector), merkle, y]);
  const found = tape.hash([tape.constant(domains.root), tape.constant(purpose), vectorRoot, salt]);
  tape.assertEqual(found, root, `${what}: the commitment does not open its root`);
  return { x, y };
}

export interface Openable {
  vector: Vector;
  x: V;
  y: V;
  /** The vector's parts in order, each of the size that opens; one for a vector that has this size itself. */
  parts: Omit<Oracle, 'coef'>[];
}

/**
 * Proves all claims and samples: one reduction, then all vectors open together. The first coordinates of the point that is left
 * number the parts, so eq of them weighs the parts.
 *
 * @throws RangeError for more than two vectors
 */
export async function openVectors(
  scope: Scope,
  parameters: OpeningParameters,
  vectors: Openable[],
): Promise<void> {
  if (vectors.length > 2)
    throw new RangeError(
      `opening: ${vectors.length} vectors; a third one needs a weight of its own`,
    );
  const { session } = scope;
  const { tape } = session;
  const partLog = parameters.logSize;
  const logSize = partLog + ceilLog2(Math.max(...vectors.map((v) => v.parts.length)));
  const { point, values, combined } = await reduceClaims(
    scope,
    logSize,
    vectors.map(({ vector, x, y }): PowClaim => ({ vector, x, y })),
    partLog,
  );
  const eq = logSize === partLog ? undefined : eqTable(tape, point.slice(0, logSize - partLog));
  const scaled = (coef: V, k: number): V => (eq ? tape.mul(coef, eq[k]) : coef);
  // F = first + mu second, mu after their values.
  const mu = vectors.length > 1 ? session.challenge() : undefined;
  const coefs = vectors.map((_, i) => (i === 0 ? tape.constant(1n) : mu!));
  const oracles = vectors.map((v, i) =>
    v.parts.map((part, k): Oracle => ({ ...part, coef: scaled(coefs[i], k) })),
  );
  const claim = tape.sum(vectors.map((v, i) => tape.mul(coefs[i], values[v.vector]!)));
  const f =
    scope.vectors &&
    session.engine.linear(
      vectors.map(({ vector }) => combined[vector] ?? wholeVector(scope, vector)),
      session.valuesOf(vectors.map((v, i) => (combined[v.vector] ? coefs[i] : oracles[i][0].coef))),
      0n,
    );
  for (const vector of Object.values(combined)) vector.dispose();
  await openAt(session, parameters, oracles.flat(), point.slice(logSize - partLog), claim, f);
}

function wholeVector(scope: Scope, vector: Vector): FpVec {
  const whole = scope.vectors![vector];
  if (whole instanceof LongVector) throw new Error(`opening: ${vector} was not combined`);
  return whole;
}
