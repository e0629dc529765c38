/** Counts of a protocol that is not there yet: what can be held of them is held against the prover and against plain arithmetic. */
import { expect, it } from '@jest/globals';
import { runProgram } from '@attensor/cli/frame';
import { capture } from '@attensor/cli/testing';
import { engine } from '@attensor/native';
import { openingParameters, Session, Tape, type Wire } from '@attensor/prover/planning';
import { benchProgram } from '../program.js';
import type { Counted } from './count.js';
import { openByAnswers, type Today } from './level-one.js';
import { parametersOfS } from './level-two.js';
import { leafSteps, pathSteps, relation, sboxes, TREE_HASHES, type TreeHash } from './tree-hash.js';

const P = 0x40000000000000000000000000000000224698fc094cf91b992d30ed00000001n;
const mod = (x: bigint): bigint => ((x % P) + P) % P;

/** The S-boxes' inputs and the result of the permutation that `relation` is about, by its layers' stand-in constants. */
function plain({ width, fullRounds, partialRounds }: TreeHash, start: bigint[]) {
  const inputs: bigint[] = [];
  const box = (x: bigint): bigint => {
    inputs.push(mod(x));
    return mod(x ** 5n);
  };
  const external = (lanes: bigint[]): bigint[] => {
    const mixed = lanes.map((_, i) => {
      const four = lanes.slice(i - (i % 4), i - (i % 4) + 4);
      return four.reduce((s, v, column) => s + v * BigInt(5 + (i % 4) + column), 3n);
    });
    if (width === 4) return mixed.map(mod);
    return mixed.map((v, i) =>
      mod(v + mixed.reduce((s, w, k) => (k % 4 === i % 4 ? s + w : s), 0n)),
    );
  };
  let state = start;
  const full = (): void => void (state = external(state.map(box)));
  for (let k = 0; k < fullRounds / 2; k++) full();
  for (let k = 0; k < partialRounds; k++) {
    const lanes = [box(state[0]), ...state.slice(1)];
    const sum = lanes.reduce((a, b) => a + b, 0n);
    state = lanes.map((v, e) => mod(sum + v * BigInt(e + 2) + (e === 0 ? 3n : 0n)));
  }
  for (let k = 0; k < fullRounds / 2; k++) full();
  return { inputs, out: state };
}

it.each(TREE_HASHES)('the relation of $name holds for its permutation and no other', (hash) => {
  const { inputs, out } = plain(
    hash,
    Array.from({ length: hash.width }, (_, e) => mod(7n ** BigInt(100 + e))),
  );
  expect(inputs).toHaveLength(sboxes(hash));
  const sumOf = (values: bigint[]): { sum: bigint; out: bigint[] } => {
    const tape = new Tape((state) => engine.permute(state));
    const wires: Wire[] = values.map((v) => tape.input(v));
    const made = relation(tape, hash, wires, tape.input(987654321n));
    return { sum: tape.value(made.sum), out: made.out.map((v) => tape.value(v)) };
  };
  expect(sumOf(inputs)).toEqual({ sum: 0n, out });
  for (const at of [hash.width, Math.floor(inputs.length / 2), inputs.length - 1])
    expect(sumOf(inputs.map((v, k) => (k === at ? v + 1n : v))).sum).not.toBe(0n);
});

it('a tree takes as many permutations as its leaves and levels', () => {
  const [four, eight, sixteen] = TREE_HASHES;
  expect([four, eight, sixteen].map((hash) => leafSteps(hash, 16))).toEqual([6, 3, 2]);
  expect([four, eight, sixteen].map((hash) => pathSteps(hash, 19))).toEqual([10, 7, 5]);
});

it('queries of S give what its proofs of work do not', () => {
  expect(parametersOfS(18, { logInvRateS: 3, grindingBitsS: 16 })).toEqual(
    openingParameters(18, 3),
  );
  const harder = parametersOfS(18, { logInvRateS: 3, grindingBitsS: 20 });
  openingParameters(18, 3).rounds.forEach((round, k) => {
    expect(harder.rounds[k].queries).toBeLessThan(round.queries);
  });
});

interface Report {
  subjects: {
    today: Today & { rows: number; circuits: number };
    counted: Counted[];
    best: Record<'A' | 'B', Counted>;
  }[];
}

it('accounts for every row of a component, and absorbs each answer once', async () => {
  const ran = await capture((streams) =>
    runProgram(benchProgram, ['openings', '--only', 'sigmoid_gate', '--json'], streams),
  );
  expect(ran.exitCode).toBe(0);
  const [{ today, counted, best }] = (ran.json() as unknown as Report).subjects;
  const categories = ['paths', 'leaves', 'embedding', 'statement', 'relations', 'opening'] as const;
  const whole = categories.reduce((rows, name) => rows + today[name].rows, 0);
  expect(today.circuits).toBe(1);
  expect(Math.ceil(whole)).toBe(today.rows);
  for (const { A, B } of counted)
    for (const { parts, rows } of [A, B])
      expect(Object.values(parts).reduce((a, b) => a + b, 0)).toBe(rows);
  // The relations that the prover has take the rows that were counted for them, and as large a vector.
  for (const { A, built, layout } of counted) {
    expect(Math.abs(built.rows / A.parts.trees - 1)).toBeLessThan(0.15);
    expect(Math.abs(built.logSize - layout.logSize)).toBeLessThanOrEqual(1);
  }
  for (const design of ['A', 'B'] as const)
    for (const c of counted) expect(best[design][design].cost).toBeLessThanOrEqual(c[design].cost);

  // The opening by answers is today's without leaves and paths: 15 of a cap's 16 nodes less, an answer for each query.
  const parameters = openingParameters(18, 3);
  const session = new Session({});
  const groups = await openByAnswers(
    session,
    parameters,
    [16, 16],
    [0, 0].map(() => session.tape.input()),
  );
  const queries = parameters.rounds.map((r) => r.queries);
  expect(groups.map((g) => g.indexes.length)).toEqual([queries[0], ...queries]);
  expect(groups.filter((g) => g.answers).map((g) => g.answers?.length)).toEqual(queries);
  const permutations = session.tape.ops.filter((op) => op.kind === 'permute').length;
  const messages = session.tape.inputCount - 2;
  // two elements a permutation, and some more where challenges follow
  expect(permutations).toBeGreaterThanOrEqual(messages / 2);
  expect(permutations).toBeLessThan(messages / 2 + 80);
}, 120_000);

it('refuses a name that it does not know', async () => {
  const ran = await capture((streams) =>
    runProgram(benchProgram, ['openings', '--only', 'nothing'], streams),
  );
  expect(ran.exitCode).not.toBe(0);
});
