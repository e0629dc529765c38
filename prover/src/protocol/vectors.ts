/**
 * @module vectors
 * The two committed vectors within a script: how a root in the statement binds a commitment, and the opening of everything that
 * was claimed about both.
 */
import { mod } from './field.js';
import type { Commitment } from '@attensor/native';
import { SAMPLE_DOMAIN } from './domains.js';
import { capRoot, openAt, type Oracle } from './opening.js';
import type { OpeningParameters } from './parameters.js';
import { reduceClaims, type PowClaim } from './reduction.js';
import type { Scope } from './scope.js';
import type { Session } from './session.js';
import type { V } from './tape.js';
import type { Vector } from './tensor.js';

/** What opens a root: all of it secret but the cap. */
export interface Opened {
  commitment: Commitment;
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
 * The cap and out-of-domain sample of the commitment that `root` stands for: the sample's point follows from the cap, so a root
 * fixes one vector within the decoding radius.
 */
export async function bindRoot(
  session: Session,
  root: V,
  purpose: bigint,
  domains: RootDomains,
  cap: V[],
  what: string,
  opened?: Opened,
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

export type Openable = Omit<Oracle, 'coef'> & { vector: Vector; x: V; y: V };

/** Proves all claims and samples: one reduction, then both vectors open together. */
export async function openVectors(
  scope: Scope,
  parameters: OpeningParameters,
  vectors: Openable[],
): Promise<void> {
  const { session } = scope;
  const { tape } = session;
  const { point, values } = await reduceClaims(
    scope,
    parameters.logSize,
    vectors.map(({ vector, x, y }): PowClaim => ({ vector, x, y })),
  );
  // F = first + mu second, mu after their values.
  const mu = vectors.length > 1 ? session.challenge() : undefined;
  const coefs = vectors.map((_, i) => (i === 0 ? tape.constant(1n) : mu!));
  await openAt(
    session,
    parameters,
    vectors.map((v, i) => ({ ...v, coef: coefs[i] })),
    point,
    tape.sum(vectors.map((v, i) => tape.mul(coefs[i], values[v.vector]!))),
    scope.vectors &&
      session.engine.linear(
        vectors.map((v) => scope.vectors![v.vector]),
        session.valuesOf(coefs),
        0n,
      ),
  );
}
