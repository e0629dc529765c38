/**
 * @module opening
 * WHIR in evaluation form (docs/protocol.md, section 8), for several vectors of one size at one point:
 * F = sum_k coef_k f_k, claim F(point) = value. Per round: four sumcheck rounds fold F by 16; the folded vector is committed
 * at a lower rate; an out-of-domain sample pins it; queries into the previous codewords are folded and become claims.
 * The last folded vector is sent in clear.
 */
import type { FpVec } from '@attensor/native';
import { P, interpolate, rootOfUnity, sub } from '../protocol/field.js';
import { eqEval, eqTable, horner, powEval } from '../protocol/polynomials.js';
import {
  LOG_CAP,
  LOG_LEAF,
  RATE_STEP,
  type OpeningParameters,
  type OpeningRound,
} from './parameters.js';
import { ProverOnly } from '../protocol/prover-only.js';
import type { Session, Words } from '../protocol/session.js';
import type { Wire } from '../protocol/tape.js';
import { CAPS, type LeafSource } from './scheme.js';

export interface Oracle {
  /** Nodes below which Merkle paths end; bound to a root by the caller. */
  cap: Wire[];
  /** Weight of this vector in F. */
  coef: Wire;
  /** Entries of a leaf, see `Scheme`. */
  width: number;
  commitment: ProverOnly<LeafSource>;
}

/** The root that stands for a commitment's cap. */
export const capRoot = (session: Session, cap: Wire[]): Wire => session.tape.hash(cap);

/** A value of the folded vector, as a polynomial, at x. */
export interface Shift {
  x: Wire;
  y: Wire;
}

/** The two vectors of an inner product <f, w>. */
interface Factors {
  f: FpVec;
  w: FpVec;
}

const PRODUCT = { columns: 2, constants: [], ops: [[2, 0, 1]] as [2, 0, 1][], degree: 2 };

/** Folds `rounds` variables of <f, w> = claim. */
async function foldRounds(
  session: Session,
  rounds: number,
  claim: Wire,
  label: string,
  vectors: ProverOnly<Factors>,
): Promise<{ point: Wire[]; claim: Wire; folded: ProverOnly<Factors> }> {
  const { tape } = session;
  const prover = vectors.map(({ f, w }) => session.engine.sumcheck([f, w], PRODUCT));
  const point: Wire[] = [];
  for (let i = 0; i < rounds; i++) {
    const current = claim;
    const [c0, c2] = await session.send(2, `${label}: sumcheck ${i}`, async () => {
      const [g0, g2] = await prover.value.round();
      const coefs = interpolate([g0, sub(session.value(current), g0), g2]);
      return [coefs[0], coefs[2]];
    });
    const r = session.challenge();
    const c1 = tape.linear([
      [claim, 1n],
      [c0, -2n],
      [c2, -1n],
    ]);
    claim = tape.add(c0, tape.mul(r, tape.add(c1, tape.mul(r, c2))));
    await prover.each((p) => p.bind(session.value(r)));
    point.push(r);
  }
  await prover.each((p) => {
    p.dispose();
  });
  const folded = vectors.present
    ? ProverOnly.of(await fold(session, vectors.value, point))
    : ProverOnly.none<Factors>();
  return { point, claim, folded };
}

/** Binds the first variables of both vectors. */
async function fold(session: Session, vectors: Factors, point: Wire[]): Promise<Factors> {
  const { engine } = session;
  const weights = engine.eqTable(session.valuesOf(point));
  const rest = vectors.f.length / weights.length;
  const bind = (v: FpVec): Promise<FpVec> =>
    engine.contract(v, 0, [
      { size: rest, stride: 1 },
      { size: weights.length, stride: rest, weights },
    ]);
  return { f: await bind(vectors.f), w: await bind(vectors.w) };
}

/**
 * Climbs a Merkle tree: the prover gives both children of every node above the leaf, and the one that the index bit names must be the
 * node reached so far.
 * @param bits of the leaf's index, lowest first
 * @param siblings of the nodes on the way, in the prover role
 */
export async function climb(
  session: Session,
  what: string,
  leaf: Wire,
  bits: Wire[],
  siblings: ProverOnly<bigint[]>,
): Promise<Wire> {
  const { tape } = session;
  const zero = tape.constant(0n);
  let node = leaf;
  for (const [d, bit] of bits.entries()) {
    const below = node;
    const [left, right] = await session.hint(2, what, () => {
      const pair = [session.value(below), siblings.value[d]];
      return session.value(bit) === 1n ? pair.reverse() : pair;
    });
    tape.assertEqual(
      tape.select(bit, right, left),
      below,
      `${what}: the children do not continue the path`,
    );
    node = tape.permute([left, right, zero])[0];
  }
  return node;
}

/** One queried column: its Merkle path to the cap is checked, its entries are returned. */
async function queryLeaf(
  session: Session,
  oracle: Oracle,
  bits: Wire[],
  logDomain: number,
): Promise<Wire[]> {
  const { tape } = session;
  const depth = logDomain - LOG_CAP;
  const { width } = oracle;
  const opened = oracle.commitment.map((commitment) =>
    commitment.open(bits.reduce((s, b, i) => s + (session.value(b) === 1n ? 2 ** i : 0), 0)),
  );
  const leaf = await session.hint(width, 'opening: leaf', () => opened.value.leaf);
  const hashed = tape.hash(leaf);
  const node = await climb(
    session,
    'opening: path',
    hashed,
    bits.slice(0, depth),
    opened.map((o) => o.path.flat()),
  );
  tape.assertEqual(
    capNode(session, oracle, bits.slice(depth)),
    node,
    'opening: the Merkle path does not lead to the root',
  );
  return leaf;
}

/** Differences of neighbouring cap nodes, made once for all queries of an oracle. */
const capDifferences = new WeakMap<Wire[], Wire[]>();

/** The cap node that index bits (lowest first) select. */
function capNode(session: Session, { cap }: Oracle, bits: Wire[]): Wire {
  const { tape } = session;
  let differences = capDifferences.get(cap);
  if (!differences) {
    differences = Array.from({ length: cap.length / 2 }, (_, i) =>
      tape.sub(cap[2 * i + 1], cap[2 * i]),
    );
    capDifferences.set(cap, differences);
  }
  let nodes = differences.map((d, i) => tape.add(cap[2 * i], tape.mul(bits[0], d)));
  for (const bit of bits.slice(1))
    nodes = Array.from({ length: nodes.length / 2 }, (_, i) =>
      tape.select(bit, nodes[2 * i + 1], nodes[2 * i]),
    );
  return nodes[0];
}

/** omega^index from the index bits, lowest first. */
export function domainPoint(session: Session, root: bigint, bits: Wire[]): Wire {
  const { tape } = session;
  let power = root;
  let x = tape.constant(1n);
  for (const bit of bits) {
    x = tape.mul(x, tape.linear([[bit, power - 1n]], 1n));
    power = (power * power) % P;
  }
  return x;
}

function disposeFactors({ f, w }: Factors): void {
  f.dispose();
  w.dispose();
}

/** How codewords are committed to, and how their leaves are looked at. */
export interface Codewords<O> {
  /** Commits to a folded vector of 2^logSize entries; its messages. */
  commit(vector: ProverOnly<FpVec>, logSize: number, logInvRate: number, label: string): Promise<O>;
  /** For each query the point of the domain and the leaves' value there, folded at `point`. */
  query(oracles: O[], round: OpeningRound, words: Words, point: Wire[]): Promise<Shift[]>;
  /** Of a folded vector, after its last query. */
  dispose(oracle: O): Promise<void>;
}

/** Leaves and paths are checked where they are used. */
const checkedHere = (session: Session): Codewords<Oracle> => ({
  async commit(vector, logSize, logInvRate, label) {
    const { tape } = session;
    const commitment = vector.present
      ? ProverOnly.of(
          await CAPS.commit(session.engine, vector.value, logSize, 1 << LOG_LEAF, { logInvRate }),
        )
      : ProverOnly.none<LeafSource>();
    const cap = await session.send(
      1 << LOG_CAP,
      `${label}: commitment`,
      () => commitment.value.cap,
    );
    return { cap, coef: tape.constant(1n), width: 1 << LOG_LEAF, commitment };
  },
  async query(oracles, round, words, point) {
    const { tape } = session;
    for (const { commitment } of oracles)
      await commitment.each((c) => c.prepare?.(words.numbers(), session.signal));
    const weights = eqTable(tape, point);
    const omega = rootOfUnity(round.logDomain);
    const sample: Shift[] = [];
    for (let q = 0; q < round.queries; q++) {
      const bits = words.next();
      const values: Wire[] = [];
      for (const oracle of oracles) {
        const leaf = await queryLeaf(session, oracle, bits, round.logDomain);
        values.push(tape.mul(oracle.coef, tape.inner(leaf, weights.slice(0, oracle.width))));
      }
      sample.push({ x: domainPoint(session, omega, bits), y: tape.sum(values) });
    }
    return sample;
  },
  async dispose({ commitment }) {
    await commitment.each((c) => {
      c.dispose();
    });
  },
});

export function openAt(
  session: Session,
  parameters: OpeningParameters,
  oracles: Oracle[],
  point: Wire[],
  value: Wire,
  /** F */
  vector: ProverOnly<FpVec>,
): Promise<void> {
  return openWith(session, checkedHere(session), parameters, oracles, point, value, vector);
}

/** The opening, whatever its codewords are committed with. */
export async function openWith<O>(
  session: Session,
  codewords: Codewords<O>,
  parameters: OpeningParameters,
  oracles: O[],
  point: Wire[],
  value: Wire,
  /** F */
  vector: ProverOnly<FpVec>,
): Promise<void> {
  const { tape } = session;
  let factors = vector.map((f): Factors => ({
    f,
    w: session.engine.eqTable(session.valuesOf(point)),
  }));
  let claim = value;
  let current = oracles;
  const bound: Wire[] = [];
  const shifts: (Shift & { coef: Wire; start: number })[] = [];
  const last = parameters.rounds.length - 1;

  for (const [index, round] of parameters.rounds.entries()) {
    const label = `opening round ${index}`;
    const bindings = await foldRounds(session, LOG_LEAF, claim, label, factors);
    claim = bindings.claim;
    bound.push(...bindings.point);
    await factors.each(disposeFactors);
    factors = bindings.folded;
    const folded = factors.map(({ f }) => f);
    const size = round.logSize - LOG_LEAF;

    let next: O[] = [];
    let final: Wire[] = [];
    const sample: Shift[] = [];
    if (index === last) {
      final = await session.send(1 << size, `${label}: final vector`, () =>
        folded.value.toBigints(),
      );
    } else {
      next = [await codewords.commit(folded, size, round.logInvRate + RATE_STEP, label)];
      const z = session.challenge();
      const [y] = await session.send(1, `${label}: out-of-domain value`, async () => [
        await session.engine.evalPow(folded.value, session.value(z)),
      ]);
      sample.push({ x: z, y });
    }

    const words = await session.grindAndSample(
      parameters.grindingBits,
      round.queries,
      round.logDomain,
    );
    sample.push(...(await codewords.query(current, round, words, bindings.point)));
    if (index > 0) for (const oracle of current) await codewords.dispose(oracle);

    if (index === last) {
      for (const { x, y } of sample)
        tape.assertEqual(
          horner(tape, final, x),
          y,
          'opening: the final vector disagrees with the oracle',
        );
      const rest = await foldRounds(session, size, claim, `${label}: last`, factors);
      bound.push(...rest.point);
      const terms = [
        eqEval(tape, point, bound),
        ...shifts.map((s) => tape.mul(s.coef, powEval(tape, s.x, bound.slice(s.start)))),
      ];
      let folded = final;
      for (const r of rest.point) {
        const half = folded.length / 2;
        folded = Array.from({ length: half }, (_, i) =>
          tape.add(folded[i], tape.mul(r, tape.sub(folded[half + i], folded[i]))),
        );
      }
      tape.assertEqual(
        tape.mul(folded[0], tape.sum(terms)),
        rest.claim,
        'opening: the claim does not hold',
      );
      return;
    }

    // Out-of-domain sample and queries become claims on the folded vector, weighted by powers of a new challenge.
    const gamma = session.challenge();
    let coef = tape.constant(1n);
    const start = bound.length;
    const added = sample.map((s) => ({ ...s, coef: (coef = tape.mul(coef, gamma)), start }));
    claim = tape.sum([claim, ...added.map((s) => tape.mul(s.coef, s.y))]);
    shifts.push(...added);
    await factors.each(({ w }) =>
      session.engine.addPows(
        w,
        added.map((s) => session.value(s.coef)),
        added.map((s) => session.value(s.x)),
      ),
    );
    current = next;
  }
}
