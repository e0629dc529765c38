/**
 * @module hashing/compression
 * The relation of one compression in its committed columns. Each S-box's input is a linear function of the children, of the outputs of
 * earlier S-boxes, and of constants; so is the result. Weighted by powers of a challenge, all these equations are one sum: a coefficient
 * for each input and one for its fifth power. The coefficients come from carrying the weights through the layers backwards.
 */
import { Expr } from '../protocol/expression.js';
import type { Tape, Wire } from '../protocol/tape.js';
import { EXTERNAL, isFull, type Poseidon2 } from './poseidon2.js';

/** The columns of one compression, as values at a point or as columns of a sumcheck. */
export interface CompressionColumns {
  children: Expr[];
  /** by round; none in the first, whose S-boxes the children feed */
  sboxes: Expr[][];
  out: Expr;
}

interface Weighted {
  /** by round: what an S-box's input is multiplied with, none in the first round */
  inputs: Wire[][];
  /** by round: what the fifth power of an S-box's input is multiplied with, subtracted */
  outputs: Wire[][];
  /** of the result's equation */
  out: Wire;
  constant: Wire;
}

/** The external matrix, transposed: blocks after the sums, where the matrix has the sums after its blocks. */
function externalTransposed(tape: Tape, lanes: Wire[]): Wire[] {
  let mixed = lanes;
  if (lanes.length > 4) {
    const sums = [0, 1, 2, 3].map((k) => tape.sum(lanes.filter((_, i) => i % 4 === k)));
    mixed = lanes.map((v, i) => tape.add(v, sums[i % 4]));
  }
  return lanes.map((_, i) => {
    const first = i - (i % 4);
    return tape.linear(EXTERNAL.map((row, k): [Wire, bigint] => [mixed[first + k], row[i % 4]]));
  });
}

/** The internal matrix, which is its own transpose. */
function internal(tape: Tape, { diagonal }: Poseidon2, lanes: Wire[]): Wire[] {
  const sum = tape.sum(lanes);
  return lanes.map((v, e) =>
    tape.linear([
      [sum, 1n],
      [v, diagonal[e]],
    ]),
  );
}

/** @param next the next power of a challenge */
function weigh(tape: Tape, instance: Poseidon2, next: () => Wire): Weighted {
  const { constants, width } = instance;
  const inputs = constants.map((round, r) => (r === 0 ? [] : round.map(next)));
  const out = next();
  const outputs: Wire[][] = constants.map(() => []);
  const constantTerms: [Wire, bigint][] = [];
  const zero = tape.constant(0n);
  let lanes = Array.from({ length: width }, (_, e) => (e === 0 ? out : zero));
  for (let r = constants.length - 1; r >= 0; r--) {
    const before = isFull(instance, r)
      ? externalTransposed(tape, lanes)
      : internal(tape, instance, lanes);
    const boxed = constants[r].length;
    outputs[r] = before.slice(0, boxed);
    inputs[r].forEach((w, e) => constantTerms.push([w, -constants[r][e]]));
    lanes = [...inputs[r], ...before.slice(boxed)];
  }
  return { inputs, outputs, out, constant: tape.linear(constantTerms) };
}

/**
 * Zero wherever the columns are those of a compression; elsewhere not, but for (equations) / |F|.
 *
 * @param next gives a new power of a challenge at each call
 */
export function compressionRelation(
  tape: Tape,
  instance: Poseidon2,
  { children, sboxes, out }: CompressionColumns,
  next: () => Wire,
): Expr {
  const weights = weigh(tape, instance, next);
  let total = Expr.of(weights.constant).add(Expr.of(weights.out).mul(out.sub(children[0])));
  firstInputs(instance, children).forEach((x, e) => {
    const square = x.mul(x);
    total = total.sub(Expr.of(weights.outputs[0][e]).mul(square.mul(square)).mul(x));
  });
  sboxes.forEach((round, r) => {
    round.forEach((x, e) => {
      const square = x.mul(x);
      const fourth = square.mul(square);
      const factor = Expr.of(weights.inputs[r][e]).sub(Expr.of(weights.outputs[r][e]).mul(fourth));
      total = total.add(factor.mul(x));
    });
  });
  return total;
}

/** What the first round's S-boxes get: the external layer of the children, plus constants. */
function firstInputs({ constants, width }: Poseidon2, children: Expr[]): Expr[] {
  const fours = children.map((_, i) => {
    const first = i - (i % 4);
    return EXTERNAL[i % 4]
      .map((c, k) => (c === 1n ? children[first + k] : children[first + k].mul(c)))
      .reduce((a, b) => a.add(b));
  });
  const sums = [0, 1, 2, 3].map((k) =>
    fours.filter((_, i) => i % 4 === k).reduce((a, b) => a.add(b)),
  );
  return fours.map((v, i) => (width > 4 ? v.add(sums[i % 4]) : v).add(constants[0][i]));
}
