/**
 * @module reduction
 * All evaluation claims of a script become one evaluation per committed vector, at one common point: a sumcheck of
 * sum_b [ witness(b) A(b) + parameters(b) B(b) ] = sum_i alpha^i value_i, where A and B collect the claims' weights.
 * The verifier evaluates A and B at the final point; the two values go to the opening.
 */
import { present } from '@attensor/core';
import type { FpVec, ProverEngine } from '@attensor/native';
import { add, mod, mul, power, sub } from './field.js';
import {
  LongSumcheck,
  LongVector,
  SinglePart,
  type LongProduct,
} from '../commitment/long-vector.js';
import { eqFactor, powEval } from './polynomials.js';
import { type Expr } from './expression.js';
import { Sumcheck } from './sumcheck.js';
import type { Scope } from './scope.js';
import type { Session } from './session.js';
import type { Tape, Wire } from './tape.js';
import { axis, type ClaimPart, type Vector } from './tensor.js';

/** A commitment's own out-of-domain value: sum_b f(b) x^b = y. */
export interface PowClaim {
  vector: Vector;
  x: Wire;
  y: Wire;
}

interface WeightedPart {
  part: ClaimPart;
  weight: Wire;
}

/** eq against the reduction point, with shared factors. */
class PointWeights {
  private readonly factors = new Map<string, Wire>();
  private readonly suffixes = new Map<string, Wire>();
  private readonly prefixes = new Map<string, Wire>();
  constructor(
    private readonly tape: Tape,
    private readonly point: Wire[],
  ) {}

  private factor(x: Wire, position: number): Wire {
    const key = `${x}@${position}`;
    let v = this.factors.get(key);
    if (v === undefined) this.factors.set(key, (v = eqFactor(this.tape, x, this.point[position])));
    return v;
  }

  suffix(z: Wire[]): Wire {
    const key = z.join(',');
    let v = this.suffixes.get(key);
    if (v === undefined) {
      const start = this.point.length - z.length;
      v = this.tape.product(z.map((x, i) => this.factor(x, start + i)));
      this.suffixes.set(key, v);
    }
    return v;
  }

  /** eq of the first `length` coordinates with the bits of `value`. */
  prefix(value: number, length: number): Wire {
    if (length === 0) return this.tape.constant(1n);
    const key = `${value}/${length}`;
    let v = this.prefixes.get(key);
    if (v === undefined) {
      const parent = this.prefix(value >> 1, length - 1);
      const r = this.point[length - 1];
      // the two children of a node add up to it
      v =
        value & 1
          ? this.tape.mul(parent, r)
          : this.tape.sub(parent, this.prefix(value | 1, length));
      this.prefixes.set(key, v);
    }
    return v;
  }

  /** sum of weight * eq(block prefix) * eq(suffix point) */
  total(parts: WeightedPart[]): Wire {
    const { tape } = this;
    const bySuffix = new Map<
      string,
      { z: Wire[]; terms: [Wire, Wire][]; scaled: [Wire, bigint, Wire][] }
    >();
    for (const { part, weight } of parts) {
      const key = part.point.join(',');
      let group = bySuffix.get(key);
      if (!group) bySuffix.set(key, (group = { z: part.point, terms: [], scaled: [] }));
      const log = part.point.length;
      const block = part.offset / 2 ** log;
      if (block >= MOST_BLOCKS)
        throw new RangeError(`reduction: block ${block} of 2^${log} entries, expected fewer`);
      const prefix = this.prefix(block, this.point.length - log);
      const coef = part.coef.v === undefined ? weight : tape.mul(weight, part.coef.v);
      group.scaled.push([coef, part.coef.c, prefix]);
    }
    return tape.sum(
      [...bySuffix.values()].map(({ z, scaled }) =>
        tape.mul(
          this.suffix(z),
          tape.linear(
            scaled.map(([coef, c, prefix]): [Wire, bigint] => [tape.mul(coef, prefix), c]),
          ),
        ),
      ),
    );
  }
}

/** Prover only: eq of a point with the bits of `value`. */
const eqAt = (point: bigint[], value: number): bigint =>
  point.reduce((e, r, i) => mul(e, (value >> (point.length - 1 - i)) & 1 ? r : sub(1n, r)), 1n);

/**
 * Prover only: the weights of all claims on a vector, its parts of 2^partLog entries scaled and added up. A vector in one part has
 * the scale 1.
 */
async function claimWeights(
  session: Session,
  partLog: number,
  scale: bigint[],
  parts: WeightedPart[],
  powers: { weight: Wire; x: Wire }[],
): Promise<FpVec> {
  const { engine } = session;
  const size = 2 ** partLog;
  const table = engine.alloc(size);
  for (const { part, weight } of parts) {
    const point = session.valuesOf(part.point);
    const top = point.splice(0, Math.max(0, point.length - partLog));
    const first = Math.floor(part.offset / size);
    let scaled = 0n;
    for (let k = 0; k < 2 ** top.length; k++)
      scaled = add(scaled, mul(scale[first + k], eqAt(top, k)));
    const coef = part.coef.v === undefined ? part.coef.c : part.coef.c * session.value(part.coef.v);
    const c = mod(scaled * session.value(weight) * coef);
    if (c !== 0n) await engine.addEq(table, part.offset % size, c, point);
  }
  const coefs = powers.map(({ weight, x }) => {
    const step = power(session.value(x), BigInt(size));
    const total = scale.reduceRight((sum, s) => add(mul(sum, step), s), 0n);
    return mul(session.value(weight), total);
  });
  await engine.addPows(
    table,
    coefs,
    powers.map((p) => session.value(p.x)),
  );
  return table;
}

/** Blocks are numbered with bit operators, which are right below 2^31. */
const MOST_BLOCKS = 2 ** 31;

const inParts = (engine: ProverEngine, f: FpVec | LongVector): SinglePart | LongVector =>
  f instanceof LongVector ? f : new SinglePart(engine, f);

export interface Reduced {
  point: Wire[];
  /** the vectors' values there, in the order of their samples */
  values: Wire[];
  /** Prover only, of vectors in parts: the parts weighted by eq of the point's first coordinates, added up. */
  combined: (FpVec | undefined)[];
}

/**
 * @param logSize of the longest vector
 * @param pows one for each vector that is opened; claims on another one are an error
 * @param partLog where a vector is committed in parts, the log of their size
 * @throws RangeError for a claim on a block that too many blocks of its size lie before
 */
export async function reduceClaims(
  scope: Scope,
  logSize: number,
  pows: PowClaim[],
  partLog = logSize,
): Promise<Reduced> {
  const { session } = scope;
  const { tape } = session;
  const alpha = session.challenge();
  let weight = tape.constant(1n);
  const ofEach = <T>(): Record<Vector, T[]> => ({ witness: [], parameters: [], in: [], out: [] });
  const parts = ofEach<WeightedPart>();
  const powers = ofEach<{ weight: Wire; x: Wire }>();
  const held = (vector: Vector): FpVec | LongVector => present(scope.vectors.value[vector], vector);
  const values: Wire[] = [];
  for (const claim of scope.claims.list) {
    for (const part of claim.parts) {
      if (!pows.some((p) => p.vector === part.vector))
        throw new Error(`reduction: a claim on ${part.vector}, which is not opened`);
      parts[part.vector].push({ part, weight });
    }
    values.push(tape.mul(weight, claim.value));
    weight = tape.mul(weight, alpha);
  }
  for (const { vector, x, y } of pows) {
    powers[vector].push({ weight, x });
    values.push(tape.mul(weight, y));
    weight = tape.mul(weight, alpha);
  }

  const sum = new Sumcheck(scope, [axis('index', logSize)], 'claims');
  const columns: Expr[] = [];
  const pair = (vector: Vector): Expr => {
    const f = sum.virtual(() => {
      const whole = held(vector);
      if (whole instanceof LongVector) throw new Error(`reduction: ${vector} is not there whole`);
      return whole.slice(0, 1 << logSize);
    });
    const w = sum.public(
      ['index'],
      () => claimWeights(session, logSize, [1n], parts[vector], powers[vector]),
      ({ index }) => {
        const at = new PointWeights(tape, index);
        return tape.sum([
          at.total(parts[vector]),
          ...powers[vector].map((p) => tape.mul(p.weight, powEval(tape, p.x, index))),
        ]);
      },
    );
    columns.push(f);
    return f.mul(w);
  };
  const pairs = pows.map((p) => pair(p.vector));
  sum.require(
    pairs.reduce((a, b) => a.add(b)),
    tape.sum(values),
  );
  const combined: Reduced['combined'] = pows.map(() => undefined);
  const long = (): LongProduct[] =>
    pows.map(({ vector }) => ({
      f: inParts(session.engine, held(vector)),
      w: (scale) => claimWeights(session, partLog, scale, parts[vector], powers[vector]),
    }));
  const at = await sum.run(
    partLog === logSize
      ? undefined
      : (expression) =>
          LongSumcheck.start(session.engine, long(), expression, logSize - partLog, (bound) =>
            bound.forEach((f, k) => {
              combined[k] = f;
            }),
          ),
  );
  return {
    point: at.index,
    combined,
    values: columns.map((column) => sum.value(column)),
  };
}
