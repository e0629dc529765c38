/** Poseidon's gates over given states: the same circuit as o1js makes, and one that no wrong state satisfies. */
import { beforeAll, describe, expect, it } from '@jest/globals';
import { Core, Experimental, Field, Poseidon, Provable, setBackend } from 'o1js';
import { permutationGates, type PermutationGates, type PermutationState } from './index.js';

const { mds, roundConstants } = Core.Constants.poseidonParamsKimchiFp;
const [MATRIX, CONSTANTS] = [mds, roundConstants].map((rows) => rows.map((row) => row.map(BigInt)));
const mod = (x: bigint): bigint => x % Field.ORDER;

/** By the definition of the permutation. */
function statesOf(start: [bigint, bigint, bigint]): bigint[] {
  const out: bigint[] = [];
  let state: bigint[] = start;
  for (const constants of CONSTANTS) {
    const powers = state.map((x) => mod(x ** 7n));
    state = MATRIX.map((row, i) =>
      mod(row.reduce((sum, m, j) => sum + m * powers[j], constants[i])),
    );
    out.push(...state);
  }
  return out;
}

type Permute = PermutationGates;
const byO1js: Permute = (state) => Poseidon.update(state, [Field(0), Field(0)]);
let byGates: Permute;
beforeAll(async () => {
  setBackend('native');
  byGates = await permutationGates(statesOf);
});

const RANDOM = Array.from({ length: 4 }, () => Field.random().toBigInt());

/** Permutations of whatever a state may consist of: variables, sums, multiples, constants, results, one variable twice. */
function circuit(permute: Permute, results: Field[] = []): void {
  const [x, y, z, w] = RANDOM.map((v) => Provable.witness(Field, () => v));
  const [five, zero] = [Field(5), Field(0)];
  const once = permute([x, y, z]);
  const states: PermutationState[] = [
    once,
    [x.add(y), y.mul(3), z.add(w).add(7)],
    [x.neg(), five, w.mul(2)],
    [zero, x, zero],
    [x, zero, z],
    [x, x, x],
    [once[2].add(x), once[0], once[1].mul(9).sub(once[0])],
  ];
  results.push(...once, ...states.flatMap((state) => permute(state)));
  // the gates after them use the same variables
  results.reduce((a, b) => a.mul(b).add(x)).assertEquals(results[0].mul(results[1]).add(w).seal());
}

describe('permutationGates', () => {
  it('makes the circuit of Poseidon.update, gate by gate', async () => {
    const expected = await Provable.constraintSystem(() => circuit(byO1js));
    const made = await Provable.constraintSystem(() => circuit(byGates));
    expect(made.gates).toEqual(expected.gates);
    expect(made.digest).toBe(expected.digest);
    expect(made.gates.filter(({ type }) => type === 'Poseidon')).toHaveLength(8 * 11);
  });

  it('permutes a constant by gates, as Poseidon.hash begins where only what follows is variable', async () => {
    const of = (f: (x: Field) => Field): Promise<{ digest: string }> =>
      Provable.constraintSystem(() => void f(Provable.witness(Field, () => RANDOM[0])));
    const expected = await of((x) => Poseidon.hash([Field(3), Field(4), x]));
    const made = await of((x) => {
      const [a, b, c] = byGates([Field(3), Field(4), Field(0)]);
      return byGates([a.add(x), b, c])[0];
    });
    expect(made.digest).toBe(expected.digest);
  });

  it('calls for no states where a circuit is only compiled', async () => {
    const none = await permutationGates(() => {
      throw new Error('called');
    });
    await Provable.constraintSystem(() => circuit(none));
  });

  it('gives the values of Poseidon.update', async () => {
    const valuesBy = async (permute: Permute): Promise<bigint[]> => {
      let values: bigint[] = [];
      await Provable.runAndCheck(() => {
        const results: Field[] = [];
        const [x, y, z] = RANDOM.map((v) => Provable.witness(Field, () => v));
        results.push(...permute([x, y, z]), ...permute([x.add(y), Field(5), z.mul(3)]));
        Provable.asProver(() => (values = results.map((r) => r.toBigInt())));
      });
      return values;
    };
    expect(await valuesBy(byGates)).toEqual(await valuesBy(byO1js));
  });

  it('wants 165 states', async () => {
    const short = await permutationGates((state) => statesOf(state).slice(3));
    await expect(Provable.runAndCheck(() => circuit(short))).rejects.toThrow(
      'expected 165 values, got 162',
    );
  });
});

describe('a proof of Kimchi', () => {
  /** Hashes one secret; `forge` edits the states that the prover gives. */
  const program = async (): Promise<{
    prove(forge?: (states: bigint[]) => void, hash?: bigint): Promise<boolean>;
  }> => {
    let forge: (states: bigint[]) => void = () => undefined;
    const permute = await permutationGates((state) => {
      const states = statesOf(state);
      forge(states);
      return states;
    });
    const hashOf = Experimental.ZkFunction({
      name: 'permutation',
      publicInputType: Field,
      privateInputTypes: [Field],
      main: (hash: Field, secret: Field) => {
        const [result] = permute([secret, Field(0), Field(0)]);
        result.assertEquals(hash);
      },
    });
    const { verificationKey } = await hashOf.compile();
    return {
      prove: async (how = () => undefined, hash = honest) => {
        forge = how;
        try {
          const proof = await hashOf.prove(Field(hash), Field(SECRET));
          return await hashOf.verify(proof, verificationKey);
        } catch {
          return false;
        }
      },
    };
  };
  const SECRET = RANDOM[0];
  const honest = Poseidon.hash([Field(SECRET)]).toBigInt();

  it('is made with the right states and with no others', async () => {
    const { prove } = await program();
    expect(await prove()).toBe(true);
    const edits = {
      'the first state': [0],
      'one inside a row': [7],
      'one where two rows meet': [14],
      'the last but one': [161],
    };
    for (const [what, [at]] of Object.entries(edits))
      expect([what, await prove((states) => void states[at]++)]).toEqual([what, false]);
    // a result that the states before it do not give, claimed as the hash
    const result = honest + 1n;
    expect(await prove((states) => void (states[162] = result), result)).toBe(false);
    // states of another secret, consistent from the first round on
    const other = statesOf([SECRET + 1n, 0n, 0n]);
    const forged = await prove((states) => void states.splice(0, 165, ...other), other[162]);
    expect(forged).toBe(false);
    expect(await prove()).toBe(true);
  }, 300_000);
});
