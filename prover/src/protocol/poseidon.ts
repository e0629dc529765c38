/**
 * @module poseidon
 * Poseidon on bigints, for scripts in every role: by the native addon where there is one, and otherwise by o1js, some fifty times
 * slower, so that verifying needs no native code.
 */
import { engine, hasAddon } from '@attensor/native';
import { Core, Field, Poseidon } from 'o1js';

export type State = [bigint, bigint, bigint];

export const permute = (state: State): State =>
  hasAddon() ? engine.permute(state) : permuteByO1js(state);

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
