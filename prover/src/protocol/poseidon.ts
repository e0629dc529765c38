/**
 * @module poseidon
 * Poseidon on bigints, for scripts in every role: by the native addon where there is one, and otherwise by o1js, some fifty times
 * slower, so that verifying needs no native code.
 */
import { engine, hasAddon } from '@attensor/native';
import { Core, Field, Poseidon } from 'o1js';
import { P } from './field.js';

export type State = [bigint, bigint, bigint];

export const permute = (state: State): State =>
  hasAddon() ? engine.permute(state) : permuteByO1js(state);

/** The permutation's states after each of its 55 rounds, three elements a round. */
export const roundStates = (state: State): bigint[] =>
  hasAddon() ? engine.roundStates(state) : roundStatesInJavaScript(state);

/** Poseidon.hash: two elements at a time from the zero state. */
export const hash = (values: bigint[]): bigint =>
  hasAddon() ? engine.hash(values) : hashByO1js(values);

export const permuteByO1js = (state: State): State => {
  const [a, b, c] = state.map(Field);
  const [x, y, z] = Poseidon.update([a, b, c], [Field(0), Field(0)]);
  return [x.toBigInt(), y.toBigInt(), z.toBigInt()];
};

export const hashByO1js = (values: bigint[]): bigint => Poseidon.hash(values.map(Field)).toBigInt();

const { mds, roundConstants } = Core.Constants.poseidonParamsKimchiFp;

/** A round is `MATRIX` times the state's seventh powers, plus the round's constants. */
export const MATRIX: bigint[][] = mds.map((row) => row.map(BigInt));
export const CONSTANTS: bigint[][] = roundConstants.map((row) => row.map(BigInt));

/** Three times as fast as o1js's rounds, because sums are reduced once. */
export function roundStatesInJavaScript(state: State): bigint[] {
  const out: bigint[] = [];
  for (const constants of CONSTANTS) {
    const [a, b, c] = out.length === 0 ? state : out.slice(-3);
    const powers = [power7(a), power7(b), power7(c)];
    MATRIX.forEach((row, i) => {
      const sum = row.reduce((total, entry, j) => total + entry * powers[j], constants[i]);
      out.push(sum % P);
    });
  }
  return out;
}

function power7(x: bigint): bigint {
  const square = (x * x) % P;
  const cube = (square * x) % P;
  return (((square * square) % P) * cube) % P;
}
