/**
 * @module poseidon2
 * The Poseidon2 permutation (Grassi, Khovratovich, Schofnegger, ePrint 2023/323) over the field of committed vectors, with the
 * parameters that HorizenLabs/poseidon2 publishes for it under the name Pallas (4 and 8 lanes; 16 come from the same script). A plain
 * reference: kernels and relations are held to it.
 *
 * The state goes through the external layer; then half of the full rounds, all partial rounds, the other half. A round adds its
 * constants, applies x^5 to all lanes (in a partial round to lane 0 alone) and then its layer: the external one, or in partial rounds the
 * internal one.
 */
import { add, mod, mul, P } from '../protocol/field.js';
import { Grain } from './grain.js';

/** Lanes of a state. */
export type Width = 4 | 8 | 16;

export interface Poseidon2 {
  width: Width;
  /** half of them come before the partial rounds, half after */
  fullRounds: number;
  partialRounds: number;
  /** of each round: one for each lane, in partial rounds one for lane 0 */
  constants: bigint[][];
  /** The internal layer takes lane e to diagonal[e] * lane e + sum of all lanes. */
  diagonal: bigint[];
}

/** The least exponent that is prime to p - 1. */
export const EXPONENT = 5;
export const FULL_ROUNDS = 8;
/** By width: the least number that meets the published bounds for 128 bits, with their margin. */
export const PARTIAL_ROUNDS: Record<Width, number> = { 4: 56, 8: 57, 16: 57 };
/** By width: diagonals drawn before the first whose matrix has the required minimal polynomials. */
export const REJECTED_DIAGONALS: Record<Width, number> = { 4: 0, 8: 6, 16: 1 };
/** of p */
export const FIELD_BITS = 255;

const known = new Map<Width, Poseidon2>();

/** The instance of a width. */
export function poseidon2(width: Width): Poseidon2 {
  let instance = known.get(width);
  if (!instance) known.set(width, (instance = derive(width)));
  return instance;
}

function derive(width: Width): Poseidon2 {
  const partialRounds = PARTIAL_ROUNDS[width];
  const grain = new Grain({
    fieldBits: FIELD_BITS,
    width,
    fullRounds: FULL_ROUNDS,
    partialRounds,
  });
  const constants = Array.from({ length: FULL_ROUNDS + partialRounds }, (_, round) => {
    const full = isFull({ fullRounds: FULL_ROUNDS, partialRounds }, round);
    return Array.from({ length: full ? width : 1 }, () => {
      let value = grain.number(FIELD_BITS);
      while (value >= P) value = grain.number(FIELD_BITS);
      return value;
    });
  });
  let diagonal: bigint[] = [];
  for (let k = 0; k <= REJECTED_DIAGONALS[width]; k++) diagonal = drawDiagonal(grain, width);
  return { width, fullRounds: FULL_ROUNDS, partialRounds, constants, diagonal };
}

/** The next candidate. What is drawn is the matrix's diagonal, one more than what is added to the sum. */
export const drawDiagonal = (grain: Grain, width: Width): bigint[] =>
  Array.from({ length: width }, () => mod(grain.number(FIELD_BITS) - 1n));

/** Whether all lanes go through an S-box in a round. */
export const isFull = (
  { fullRounds, partialRounds }: Pick<Poseidon2, 'fullRounds' | 'partialRounds'>,
  round: number,
): boolean => round < fullRounds / 2 || round >= fullRounds / 2 + partialRounds;

/** S-boxes of a permutation. */
export const sboxCount = ({ width, fullRounds, partialRounds }: Poseidon2): number =>
  fullRounds * width + partialRounds;

export function fifthPower(x: bigint): bigint {
  const square = mul(x, x);
  return mul(mul(square, square), x);
}

/** Each row's coefficients for four lanes; the external matrix of `width` is this in every block, and twice this in those of its diagonal. */
export const EXTERNAL = [
  [5n, 7n, 1n, 3n],
  [4n, 6n, 1n, 1n],
  [1n, 3n, 5n, 7n],
  [1n, 1n, 4n, 6n],
];

export function externalLayer(state: bigint[]): bigint[] {
  const fours = state.map((_, i) => {
    const first = i - (i % 4);
    return mod(EXTERNAL[i % 4].reduce((sum, c, k) => sum + c * state[first + k], 0n));
  });
  if (state.length === 4) return fours;
  const sums = [0, 1, 2, 3].map((k) =>
    fours.reduce((sum, v, i) => (i % 4 === k ? add(sum, v) : sum), 0n),
  );
  return fours.map((v, i) => add(v, sums[i % 4]));
}

export function internalLayer({ diagonal }: Poseidon2, state: bigint[]): bigint[] {
  const sum = state.reduce(add);
  return state.map((v, e) => add(sum, mul(diagonal[e], v)));
}

/** What a permutation computes on the way: the inputs of all S-boxes round by round, and its result. */
export interface Permuted {
  inputs: bigint[];
  out: bigint[];
}

/**
 * @param state as many canonical elements as the instance has lanes
 * @throws RangeError for another number of them
 */
export function trace(instance: Poseidon2, state: bigint[]): Permuted {
  if (state.length !== instance.width)
    throw new RangeError(
      `poseidon2: a state of ${state.length} elements, expected ${instance.width}`,
    );
  const inputs: bigint[] = [];
  let lanes = externalLayer(state);
  instance.constants.forEach((constants, round) => {
    const started = lanes.map((v, e) => (e < constants.length ? add(v, constants[e]) : v));
    inputs.push(...started.slice(0, constants.length));
    const boxed = started.map((v, e) => (e < constants.length ? fifthPower(v) : v));
    lanes = isFull(instance, round) ? externalLayer(boxed) : internalLayer(instance, boxed);
  });
  return { inputs, out: lanes };
}

export const permute = (instance: Poseidon2, state: bigint[]): bigint[] =>
  trace(instance, state).out;
