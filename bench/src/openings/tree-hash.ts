/** What a tree hash costs a proof about it. Only numbers of rounds and lanes matter here; constants are left out. */
import type { Tape, Wire } from '@attensor/prover/planning';

/** A hash of HorizenLabs' Poseidon2 family over Fp, as compression of the whole state to one element. */
export interface TreeHash {
  name: string;
  /** Field elements of the state. */
  width: 4 | 8 | 16;
  /** log2 of the children of a node; they fill the state. */
  logArity: number;
  fullRounds: number;
  partialRounds: number;
}

/** x^5 is the S-box of Poseidon2 over this field. */
export const POWER = 5;

/** Rounds of the published instances for 254 bits and x^5, with 128 bits of security. */
const poseidonTwo = (width: TreeHash['width'], partialRounds: number): TreeHash => ({
  name: `Poseidon2, ${width}`,
  width,
  logArity: Math.log2(width),
  fullRounds: 8,
  partialRounds,
});
export const TREE_HASHES: TreeHash[] = [
  poseidonTwo(4, 56),
  poseidonTwo(8, 57),
  poseidonTwo(16, 57),
];

/** S-boxes of a permutation: all lanes in full rounds, one in partial ones. */
export const sboxes = ({ width, fullRounds, partialRounds }: TreeHash): number =>
  fullRounds * width + partialRounds;

/** Field products of Kimchi's permutation; those of Poseidon2 are its S-boxes', since its layers add and scale by small numbers. */
const KIMCHI_PRODUCTS = 1155;
const SBOX_PRODUCTS = 3;

/** What a permutation takes of the time of Kimchi's, by products. */
export const relativeCost = (hash: TreeHash): number =>
  (sboxes(hash) * SBOX_PRODUCTS) / KIMCHI_PRODUCTS;

/** Permutations that hash a leaf: a chain of compressions, each of the hash so far and what else fits the state. */
export const leafSteps = ({ width }: TreeHash, entries: number): number =>
  Math.ceil(entries / (width - 1));

/** Permutations from a leaf to the root of a tree of so many leaves. */
export const pathSteps = ({ logArity }: TreeHash, depth: number): number =>
  Math.ceil(depth / logArity);

/**
 * The relation of one permutation at a point, batched by powers of alpha: each S-box's input is what the rounds before make of the
 * outputs of earlier S-boxes. The layers are linear with small constants, so they are combinations of few terms.
 *
 * @param inputs of all S-boxes, round by round
 * @returns the batched differences, and the state after the last round
 */
export function relation(
  tape: Tape,
  hash: TreeHash,
  inputs: Wire[],
  alpha: Wire,
): { sum: Wire; out: Wire[] } {
  const { width, fullRounds, partialRounds } = hash;
  let taken = 0;
  const terms: Wire[] = [];
  let weight = tape.constant(1n);
  let state: Wire[] = [];
  /** The S-box of a lane: its committed input must be what the lane holds. */
  const box = (lane: Wire | undefined): Wire => {
    const input = inputs[taken++];
    if (lane !== undefined) {
      terms.push(tape.mul(weight, tape.sub(input, lane)));
      weight = tape.mul(weight, alpha);
    }
    return fifthPower(tape, input);
  };
  const full = (): void => {
    state = external(
      tape,
      Array.from({ length: width }, (_, e) => box(state[e])),
    );
  };
  for (let k = 0; k < fullRounds / 2; k++) full();
  for (let k = 0; k < partialRounds; k++)
    state = internal(tape, [box(state[0]), ...state.slice(1)]);
  for (let k = 0; k < fullRounds / 2; k++) full();
  return { sum: tape.sum(terms), out: state };
}

function fifthPower(tape: Tape, x: Wire): Wire {
  const square = tape.mul(x, x);
  return tape.mul(tape.mul(square, square), x);
}

/** A stand-in for a constant of a round or a matrix. */
const CONSTANT = 3n;

/** The external layer: a 4 x 4 matrix on each four lanes, then the sums of the fours added to each. A round's constants come with it. */
function external(tape: Tape, lanes: Wire[]): Wire[] {
  const mixed: Wire[] = [];
  for (let at = 0; at < lanes.length; at += 4)
    for (let row = 0; row < 4; row++)
      mixed.push(
        tape.linear(
          lanes.slice(at, at + 4).map((v, column): [Wire, bigint] => [v, BigInt(5 + row + column)]),
          CONSTANT,
        ),
      );
  if (lanes.length === 4) return mixed;
  const sums = Array.from({ length: 4 }, (_, k) => tape.sum(mixed.filter((_, i) => i % 4 === k)));
  return mixed.map((v, i) => tape.add(v, sums[i % 4]));
}

/** The internal layer: the sum of all lanes, added to a multiple of each. */
function internal(tape: Tape, lanes: Wire[]): Wire[] {
  const sum = tape.sum(lanes);
  return lanes.map((v, e) =>
    tape.linear(
      [
        [sum, 1n],
        [v, BigInt(e + 2)],
      ],
      e === 0 ? CONSTANT : 0n,
    ),
  );
}
