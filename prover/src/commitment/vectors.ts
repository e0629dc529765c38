/**
 * @module vectors
 * Committed vectors within a script: how a commitment becomes part of the transcript or opens a root of the statement, and the
 * opening of everything that was claimed about the vectors.
 */
import { present } from '@attensor/core';
import type { FpVec } from '@attensor/native';
import { openByAnswers, type Answered, type TreeOracle } from '../hashing/level-one.js';
import { ceilLog2, mul, sub } from '../protocol/field.js';
import { PARAMETER_DOMAIN, SAMPLE_DOMAIN } from '../protocol/domains.js';
import { eqInteger, eqTable } from '../protocol/polynomials.js';
import { type ProverOnly } from '../protocol/prover-only.js';
import { reduceClaims } from '../protocol/reduction.js';
import type { Scope } from '../protocol/scope.js';
import type { Session } from '../protocol/session.js';
import type { Wire } from '../protocol/tape.js';
import type { Vector } from '../protocol/tensor.js';
import type { CommittedVector, Geometry } from './committed-vector.js';
import { LongVector } from './long-vector.js';
import { capRoot, openAt, type Oracle } from './opening.js';
import type { OpeningParameters } from './parameters.js';
import type { Scheme } from './scheme.js';

/** A commitment whose nodes are messages of the script. */
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

/** The nodes that stand for all parts, absorbed (`send`) or bound by what follows (`hint`). */
export async function commitmentMessages(
  session: Session,
  how: How,
  vector: Vector,
  { widths, scheme }: Pick<Geometry, 'widths' | 'scheme'>,
  committed: ProverOnly<CommittedVector>,
): Promise<Bound> {
  const parts: Bound['parts'] = [];
  for (const [k, width] of widths.entries()) {
    const commitment = committed.map((c) => c.parts[k]);
    const cap = await session[how](
      scheme.nodes,
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

/** F and its claim: all vectors at one point, weighted. */
interface Combined {
  /** Where parts are opened. */
  point: Wire[];
  /** A coordinate for each bit of a part's number. */
  top: Wire[];
  claim: Wire;
  /** of each vector in F */
  coefs: Wire[];
  whole: ProverOnly<FpVec>;
}

/**
 * Reduces all claims and samples to one point. Its first coordinates number the parts, so eq of them weighs the parts.
 *
 * @throws RangeError for more than two vectors
 */
async function combine(scope: Scope, partLog: number, vectors: Sampled[]): Promise<Combined> {
  if (vectors.length > MOST_VECTORS)
    throw new RangeError(`opening: ${vectors.length} vectors, expected at most ${MOST_VECTORS}`);
  const { session } = scope;
  const { tape } = session;
  const logSize = partLog + ceilLog2(Math.max(...vectors.map((v) => v.parts.length)));
  const { point, values, combined } = await reduceClaims(
    scope,
    logSize,
    vectors.map(({ vector, x, y }) => ({ vector, x, y })),
    partLog,
  );
  const top = point.slice(0, logSize - partLog);
  // F = first + mu second, mu after their values.
  const one = tape.constant(1n);
  const coefs = vectors.length > 1 ? [one, session.challenge()] : [one];
  const claim = tape.sum(vectors.map((_, i) => tape.mul(coefs[i], values[i])));
  // A vector in one part stays as it is: the weight of a first part is still to come.
  const weightOfFirst = (): bigint =>
    session.valuesOf(top).reduce((weight, r) => mul(weight, sub(1n, r)), 1n);
  const whole = scope.vectors.map((held) =>
    session.engine.linear(
      vectors.map(({ vector }, i) => {
        const f = combined[i] ?? present(held[vector], vector);
        if (f instanceof LongVector) throw new Error(`opening: ${vector} was not combined`);
        return f;
      }),
      coefs.map((coef, i) =>
        combined[i] ? session.value(coef) : mul(session.value(coef), weightOfFirst()),
      ),
      0n,
    ),
  );
  for (const vector of combined) vector?.dispose();
  return { point: point.slice(logSize - partLog), top, claim, coefs, whole };
}

/** Proves all claims and samples: one reduction, then all vectors open together, their leaves and paths checked in place. */
export async function openVectors(
  scope: Scope,
  parameters: OpeningParameters,
  vectors: Sampled[],
): Promise<void> {
  const { session } = scope;
  const { tape } = session;
  const { point, top, claim, coefs, whole } = await combine(scope, parameters.logSize, vectors);
  const eq = top.length === 0 ? undefined : eqTable(tape, top);
  const oracles = vectors.flatMap((v, i) =>
    v.parts.map((part, k): Oracle => ({
      ...part,
      coef: eq ? tape.mul(coefs[i], eq[k]) : coefs[i],
    })),
  );
  await openAt(session, parameters, oracles, point, claim, whole);
}

/** Parts whose leaves have one width: those before the last, and the last. */
export interface Trees {
  /** number of the first part */
  first: number;
  trees: number;
  width: number;
}

export function treesOf(widths: number[]): Trees[] {
  const out: Trees[] = [];
  widths.forEach((width, first) => {
    const [last] = out.slice(-1);
    if (out.length > 0 && last.width === width) last.trees++;
    else out.push({ first, trees: 1, width });
  });
  return out;
}

/** As `openVectors`, of commitments by roots; the leaves that are opened are left to level 2. */
export async function answerVectors(
  scope: Scope,
  scheme: Scheme,
  parameters: OpeningParameters,
  vectors: Sampled[],
): Promise<Answered> {
  const { session } = scope;
  const { tape } = session;
  const { point, top, claim, coefs, whole } = await combine(scope, parameters.logSize, vectors);
  const oracles = vectors.flatMap(({ parts }, i) =>
    treesOf(parts.map((part) => part.width)).map(({ first, trees, width }): TreeOracle => {
      const own = parts.slice(first, first + trees);
      const sources = session.only(() => own.map((part) => part.commitment.value));
      const roots = own.flatMap((part) => part.cap);
      // Trees from number 0 on are weighed by their coordinates, the last one by itself.
      const scale = first === 0 ? coefs[i] : tape.mul(coefs[i], eqInteger(tape, first, top));
      return { roots, scale, tree: first === 0 ? top : [], width, sources };
    }),
  );
  return openByAnswers(session, scheme, parameters, oracles, point, claim, whole);
}
