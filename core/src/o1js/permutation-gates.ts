/**
 * Poseidon's permutation in a circuit, with its inner states from whoever computes them faster than o1js does. `Poseidon.update`
 * computes them round by round, in OCaml compiled to JavaScript. Here the same constraint is added over states that are given.
 *
 * **Note**: The circuit does not depend on the states. They are witnesses, and its gates and wires are those of `Poseidon.update`:
 * `permutation-gates.test.ts` compares the two, and shows that Kimchi refuses wrong states.
 */
import { Field, initializeBindings } from 'o1js';
import { internalModule, unsupportedO1js } from './modules.js';

export type PermutationState = [Field, Field, Field];

/** The permutation of a state in the circuit that is being made, of a constant one too. */
export type PermutationGates = (state: PermutationState) => PermutationState;

/**
 * The states of a permutation after each of its 55 rounds, one after the other: 165 field elements of which the last three are the
 * permutation's result.
 */
export type InnerStates = (state: [bigint, bigint, bigint]) => bigint[];

const WIDTH = 3;
const ROUNDS = 55;

/** Values as OCaml keeps them: arrays have a leading 0. */
type FieldVar = Field['value'];
type MlField = [0, bigint];
type MlArray<T> = [0, ...T[]];

/** What is taken of o1js's `Snarky`. */
interface Snarky {
  run: {
    enterAsProver(size: number): (values: 0 | [0, MlArray<MlField>]) => MlArray<FieldVar>;
    inProver(): boolean | 0 | 1;
  };
  field: { readVar(x: FieldVar): MlField; assertEqual(x: FieldVar, y: FieldVar): void };
  /** Constrains each state to be a round of the one before: eleven rows of five rounds, and one for the last state. */
  gates: { poseidon(states: MlArray<MlArray<FieldVar>>): void };
}

/**
 * @param innerStates of the prover; they are not called where a circuit is only compiled
 * @throws AttensorError when this o1js has no such gates
 */
export async function permutationGates(innerStates: InnerStates): Promise<PermutationGates> {
  const snarky = await loadSnarky();
  return (state) => {
    // as `Poseidon.update` does, which adds to the first two
    const start = [seal(snarky, state[0]), seal(snarky, state[1]), state[2].value];
    const values = [...start, ...witness(snarky, start, innerStates)];
    const states: MlArray<MlArray<FieldVar>> = [0];
    for (let at = 0; at < values.length; at += WIDTH)
      states.push([0, ...values.slice(at, at + WIDTH)]);
    snarky.gates.poseidon(states);
    return values.slice(-WIDTH).map((v) => new Field(v)) as PermutationState;
  };
}

/** As o1js seals in OCaml: unlike `Field.seal`, it makes a variable of the constant 0. */
function seal(snarky: Snarky, x: Field): FieldVar {
  if (!x.isConstant() || x.toBigInt() !== 0n) return x.seal().value;
  const finish = snarky.run.enterAsProver(1);
  const [, zero] = finish(snarky.run.inProver() ? [0, [0, [0, 0n]]] : 0);
  snarky.field.assertEqual(x.value, zero);
  return zero;
}

/** Variables of the states after each round, in order. */
function witness(snarky: Snarky, start: FieldVar[], innerStates: InnerStates): FieldVar[] {
  const finish = snarky.run.enterAsProver(WIDTH * ROUNDS);
  if (!snarky.run.inProver()) return finish(0).slice(1) as FieldVar[];
  const [a, b, c] = start.map((x) => snarky.field.readVar(x)[1]);
  const values = innerStates([a, b, c]);
  if (values.length !== WIDTH * ROUNDS)
    throw new RangeError(
      `permutationGates: innerStates: expected ${WIDTH * ROUNDS} values, got ${values.length}`,
    );
  const given: MlArray<MlField> = [0];
  for (const value of values) given.push([0, value]);
  return finish([0, given]).slice(1) as FieldVar[];
}

async function loadSnarky(): Promise<Snarky> {
  await initializeBindings();
  const { Snarky: snarky } = await internalModule<{ Snarky?: Partial<Snarky> }>('bindings.js');
  if (!snarky?.run?.enterAsProver || !snarky.field?.assertEqual || !snarky.gates?.poseidon)
    throw unsupportedO1js('o1js has no gates of Poseidon where they are expected');
  return snarky as Snarky;
}
