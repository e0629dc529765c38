/**
 * Level 2: a second committed vector S holds the hashing of all opened paths, and its verifier is counted here by writing it: the
 * messages it absorbs and what it computes of them, on a real tape. Nothing proves yet.
 */
import {
  ceilLog2,
  eqEval,
  eqInteger,
  eqTable,
  leafWidth,
  LOG_CAP,
  nextEval,
  openAt,
  openingParameters,
  powEval,
  ProverOnly,
  queryCount,
  SECURITY_BITS,
  zeroFractionSum,
  type OpeningParameters,
  type Oracle,
  type Session,
  type Wire,
} from '@attensor/prover/planning';
import type { Group } from './level-one.js';
import { leafSteps, pathSteps, POWER, relation, sboxes, type TreeHash } from './tree-hash.js';

const nothing = (): bigint[] => [];

/** Columns of S beside the S-boxes' inputs: a node's hash, and the bits that say where the node before stands among its children. */
export const columnsOf = (hash: TreeHash): number => sboxes(hash) + 1 + hash.logArity;

/** Permutations of each of a group's instances, and their log2, padded. */
const stepsOf = (hash: TreeHash, { entries, depth }: Group): number =>
  leafSteps(hash, entries) + pathSteps(hash, depth);
const logSteps = (hash: TreeHash, group: Group): number => ceilLog2(stepsOf(hash, group));

export interface Layout {
  /** permutations, not padded */
  permutations: number;
  /** log2 of all permutations with padding: each step of a group is a block of 2^i instances, and so are all groups together */
  logPermutations: number;
  logColumns: number;
  /** log2 of the entries of S */
  logSize: number;
  /** entries of a leaf of S: it is zero behind its last column */
  width: number;
}

export function layoutOf(hash: TreeHash, groups: Group[]): Layout {
  const permutations = groups.reduce((sum, g) => sum + g.indexes.length * stepsOf(hash, g), 0);
  const padded = groups.reduce(
    (sum, g) => sum + 2 ** ceilLog2(g.indexes.length) * stepsOf(hash, g),
    0,
  );
  const logPermutations = ceilLog2(padded);
  const columns = columnsOf(hash);
  const logColumns = ceilLog2(columns);
  const logSize = logColumns + logPermutations;
  const width = leafWidth(columns * 2 ** logPermutations, logSize);
  return { permutations, logPermutations, logColumns, logSize, width };
}

/** A round of a sumcheck that proves a sum of this degree. */
async function roundsOf(
  session: Session,
  count: number,
  degree: number,
): Promise<{ point: Wire[]; claim: Wire }> {
  const { tape } = session;
  const point: Wire[] = [];
  let claim = tape.input();
  for (let i = 0; i < count; i++) {
    const [c0, ...upper] = await session.send(degree, 'level 2: round', nothing);
    const r = session.challenge();
    const c1 = tape.linear([[claim, 1n], [c0, -2n], ...upper.map((c): [Wire, bigint] => [c, -1n])]);
    claim = [c0, c1, ...upper].reduceRight((acc, c) => tape.add(tape.mul(acc, r), c));
    point.push(r);
  }
  return { point, claim };
}

/** S at a point of all its variables, with the value that is claimed of it. */
interface Claim {
  point: Wire[];
  value: Wire;
}

export interface Committed {
  root: Wire;
  /** claims that a vector of this many variables is opened at */
  claims: Claim[];
  logSize: number;
  width: number;
}

const extended = (session: Session, values: Wire[], point: Wire[]): Wire =>
  session.tape.inner(values, eqTable(session.tape, point).slice(0, values.length));

/** What of S follows from values of all its columns at one point: one value of S, at a random column. */
function acrossColumns(session: Session, logColumns: number, values: Wire[], at: Wire[]): Claim {
  const column = session.challenges(logColumns);
  return { point: [...column, ...at], value: extended(session, values, column) };
}

/**
 * Trees: all permutations by one zero-check of degree 6, steps by a sumcheck over [a = b + 1], indices, roots and answers as
 * evaluations.
 */
export async function treeRelations(
  session: Session,
  hash: TreeHash,
  groups: Group[],
): Promise<Committed> {
  const { tape } = session;
  const { logPermutations, logColumns, logSize, width } = layoutOf(hash, groups);
  const [root] = await session.send(1, 'level 2: root', nothing);
  const longest = Math.max(...groups.map((g) => logSteps(hash, g)));
  const logInstances = logPermutations - longest;

  // Permutations, bits, and how a step takes up what the step before left, at one random point.
  const tau = session.challenges(logPermutations);
  const alpha = session.challenge();
  const { point: z, claim } = await roundsOf(session, logPermutations, POWER + 1);
  const inputs = await session.send(sboxes(hash), 'level 2: S-boxes', nothing);
  const [out, before, ...bits] = await session.send(2 + hash.logArity, 'level 2: node', nothing);
  const { sum, out: state } = relation(tape, hash, inputs, alpha);
  const children = eqTable(tape, bits);
  const start = inputs.slice(0, hash.width);
  // where steps begin and where leaves end, of every group: indicators of blocks and of first steps
  const masks = groups.map((g, k) => {
    const log = logSteps(hash, g);
    const block = eqInteger(tape, k, z.slice(0, Math.max(1, ceilLog2(groups.length))));
    return tape.mul(block, eqInteger(tape, 0, z.slice(z.length - log)));
  });
  const checks = [
    sum,
    // compression: the first element of what comes out, plus the first child
    tape.sub(out, tape.add(state[0], start[0])),
    tape.mul(tape.sum(masks), tape.sub(tape.inner(start, children), before)),
    ...bits.map((b) => tape.sub(tape.mul(b, b), b)),
  ];
  let weight = alpha;
  const batched = checks.map((c) => {
    weight = tape.mul(weight, alpha);
    return tape.mul(weight, c);
  });
  tape.assertEqual(tape.mul(tape.sum(batched), eqEval(tape, tau, z)), claim, 'level 2: zero-check');
  const claims = [acrossColumns(session, logColumns, [...inputs, out, ...bits], z)];

  // `before` at z is the sum of `out` over the steps, shifted by one.
  const at = z.slice(logInstances);
  const shifted = await roundsOf(session, longest, 2);
  const [earlier] = await session.send(1, 'level 2: node before', nothing);
  tape.assertEqual(
    tape.mul(nextEval(tape, at, shifted.point), earlier),
    shifted.claim,
    'level 2: steps',
  );
  claims.push({
    point: columnPoint(session, logColumns, [...z.slice(0, logInstances), ...shifted.point]),
    value: earlier,
  });

  // Indices, roots and answers of all instances at one random instance.
  const u = session.challenges(logInstances);
  const own = groups.map((g) => u.slice(u.length - Math.min(u.length, ceilLog2(g.indexes.length))));
  const blocks = groups.map((g, k) =>
    eqInteger(tape, k, u.slice(0, Math.max(1, u.length - own[k].length))),
  );
  const perGroup = (of: (g: Group, k: number) => Wire | undefined): Wire =>
    tape.sum(
      groups.flatMap((g, k) => {
        const value = of(g, k);
        return value === undefined ? [] : [tape.mul(blocks[k], value)];
      }),
    );
  const [index, top] = [
    perGroup((g, k) => extended(session, g.indexes, own[k])),
    perGroup((g) => g.root),
  ];
  claims.push({
    point: columnPoint(session, logColumns, [...u, ...zeros(session, longest)]),
    value: top,
  });
  // sum over steps and bits of powers of two times bits
  const digits = await roundsOf(session, longest + ceilLog2(hash.logArity), 2);
  const [digit] = await session.send(1, 'level 2: digits', nothing);
  const scale = powEval(tape, tape.constant(2n), digits.point);
  tape.assertEqual(tape.mul(scale, digit), tape.add(digits.claim, index), 'level 2: indices');
  claims.push({
    point: columnPoint(session, logColumns, [...u, ...digits.point]).slice(-logSize),
    value: digit,
  });
  // one evaluation of every tree's leaves, whose sum over the trees of a round is that of the answers
  for (const [k, g] of groups.entries()) {
    const [leaf] = await session.send(1, 'level 2: leaf', nothing);
    if (g.answers)
      tape.assertEqual(extended(session, g.answers, own[k]), tape.mul(leaf, alpha), 'answers');
    const within = session.challenges(logSteps(hash, g) + hash.logArity);
    claims.push({
      point: [...u, ...within, ...zeros(session, logSize)].slice(0, logSize),
      value: leaf,
    });
  }
  return { root, claims, logSize, width };
}

const zeros = (session: Session, count: number): Wire[] =>
  Array.from({ length: count }, () => session.tape.constant(0n));

/** A point whose column is fixed: constants cost nothing. */
const columnPoint = (session: Session, logColumns: number, at: Wire[]): Wire[] => [
  ...zeros(session, logColumns),
  ...at,
];

/** Operations of a tape that level 2 would prove as a table, for `tapeRelations`. */
export interface TapeTable {
  permutations: number;
  arithmetic: number;
}

/** S-boxes of Kimchi's Poseidon: 55 rounds of three. */
const KIMCHI_SBOXES = 165;
const KIMCHI_POWER = 7;
/** Cells of a permutation and of an operation that are wired to others. */
const PERMUTATION_WIRES = 6;
const ARITHMETIC_WIRES = 3;
/** Columns of a table of operations a, b, c with c = k1 a + k2 b + k3 a b + k4: three values here, k and numbers of nodes with the keys. */
const ARITHMETIC_COLUMNS = 3;
const KEY_COLUMNS = 4 + ARITHMETIC_WIRES;

/** log2 of the entries that a table of the tape takes. */
export function tapeLayout({ permutations, arithmetic }: TapeTable): {
  logPermutations: number;
  logArithmetic: number;
  values: number;
  keys: number;
  logWires: number;
} {
  const logPermutations = ceilLog2(permutations);
  const logArithmetic = ceilLog2(arithmetic);
  const columns = KIMCHI_SBOXES + 3;
  return {
    logPermutations,
    logArithmetic,
    values: columns * 2 ** logPermutations + ARITHMETIC_COLUMNS * 2 ** logArithmetic,
    keys: PERMUTATION_WIRES * 2 ** logPermutations + KEY_COLUMNS * 2 ** logArithmetic,
    logWires: ceilLog2(PERMUTATION_WIRES * permutations + ARITHMETIC_WIRES * arithmetic),
  };
}

/**
 * The rest of the verifier as a table: Kimchi's permutations by a zero-check of degree 8, operations by one of degree 4, and wires by a
 * sum of fractions over node numbers. @returns claims on the values' vector and on the keys'
 */
export async function tapeRelations(
  session: Session,
  table: TapeTable,
): Promise<Record<'values' | 'keys', Claim[]>> {
  const { tape } = session;
  const { logPermutations, logArithmetic, logWires } = tapeLayout(table);
  const values: Claim[] = [];
  const keys: Claim[] = [];
  // permutations: 55 rounds of a dense matrix, whose combinations have three terms and a constant
  const tau = session.challenges(logPermutations);
  const alpha = session.challenge();
  const permutations = await roundsOf(session, logPermutations, KIMCHI_POWER + 1);
  const boxes = await session.send(KIMCHI_SBOXES + 3, 'level 2: states', nothing);
  const powers = boxes.map((x) => {
    const square = tape.mul(x, x);
    return tape.mul(tape.mul(square, square), tape.mul(square, x));
  });
  let weight = alpha;
  const terms: Wire[] = [];
  for (let k = 0; k < KIMCHI_SBOXES; k++) {
    const first = k - (k % 3);
    const next = tape.linear(
      [0, 1, 2].map((e): [Wire, bigint] => [powers[first + e], BigInt(k + e + 2)]),
      1n,
    );
    terms.push(tape.mul(weight, tape.sub(boxes[k + 3], next)));
    weight = tape.mul(weight, alpha);
  }
  const eq = eqEval(tape, tau, permutations.point);
  tape.assertEqual(tape.mul(eq, tape.sum(terms)), permutations.claim, 'level 2: permutations');
  values.push(acrossColumns(session, ceilLog2(boxes.length), boxes, permutations.point));
  // operations
  const sigma = session.challenges(logArithmetic);
  const operations = await roundsOf(session, logArithmetic, 4);
  const [a, b, c] = await session.send(ARITHMETIC_COLUMNS, 'level 2: operation', nothing);
  const k = await session.send(4, 'level 2: operation of the keys', nothing);
  const made = tape.sum([
    tape.mul(k[0], a),
    tape.mul(k[1], b),
    tape.mul(k[2], tape.mul(a, b)),
    k[3],
  ]);
  tape.assertEqual(
    tape.mul(eqEval(tape, sigma, operations.point), tape.sub(made, c)),
    operations.claim,
    'level 2: operations',
  );
  values.push(acrossColumns(session, 2, [a, b, c], operations.point));
  keys.push(acrossColumns(session, 2, k, operations.point));
  // wires: a value and its node number, once where it is made and once for each use
  session.challenge();
  const wires = await zeroFractionSum(session, logWires, () =>
    Promise.reject(new Error('no prover')),
  );
  const [value, node, count] = await session.send(3, 'level 2: wires', nothing);
  tape.assertEqual(wires.den, tape.add(value, tape.mul(alpha, node)), 'level 2: denominators');
  tape.assertEqual(wires.num, count, 'level 2: numerators');
  values.push({ point: wires.point, value });
  keys.push({ point: wires.point, value: node }, { point: wires.point, value: count });
  return { values, keys };
}

/** How S is opened. */
export interface RateOfS {
  logInvRateS: number;
  grindingBitsS: number;
}

/** The prover's parameters, with other proofs of work: what they give, queries need not. */
export function parametersOfS(
  logSize: number,
  { logInvRateS, grindingBitsS }: RateOfS,
): OpeningParameters {
  const parameters = openingParameters(logSize, logInvRateS);
  const bits = SECURITY_BITS - grindingBitsS + Math.log2(parameters.rounds.length);
  const rounds = parameters.rounds.map((r) => ({ ...r, queries: queryCount(bits, r.logInvRate) }));
  return { ...parameters, grindingBits: grindingBitsS, rounds };
}

/** All claims on vectors of one size, reduced to one point by a sumcheck, and the opening there. */
export async function openAll(
  session: Session,
  vectors: Committed[],
  { logInvRateS, grindingBitsS }: RateOfS,
): Promise<void> {
  const { tape } = session;
  const logSize = Math.max(...vectors.map((v) => v.logSize));
  const samples: Wire[] = [];
  for (const { claims } of vectors) {
    const x = session.challenge();
    const [y] = await session.send(1, 'level 2: out-of-domain value', nothing);
    samples.push(x);
    claims.push({ point: [], value: y });
  }
  const alpha = session.challenge();
  const { point } = await roundsOf(session, logSize, 2);
  let weight = tape.constant(1n);
  const weights = vectors.map(({ claims }, k) =>
    tape.sum(
      claims.map((claim) => {
        weight = tape.mul(weight, alpha);
        const at = claim.point.slice(-logSize);
        const eq =
          at.length > 0
            ? eqEval(tape, at, point.slice(-at.length))
            : powEval(tape, samples[k], point);
        return tape.mul(weight, tape.mul(eq, claim.value));
      }),
    ),
  );
  tape.sum(weights);
  const values = await session.send(vectors.length, 'level 2: values', nothing);
  const mu = session.challenge();
  const oracles: Oracle[] = [];
  for (const [k, { width }] of vectors.entries()) {
    const cap = await session.hint(2 ** LOG_CAP, 'level 2: cap', nothing);
    const coef = k === 0 ? tape.constant(1n) : mu;
    oracles.push({ cap, coef, width, commitment: ProverOnly.none<never>() });
  }
  const claim = tape.sum(values.map((v, k) => tape.mul(v, oracles[k].coef)));
  const parameters = parametersOfS(logSize, { logInvRateS, grindingBitsS });
  await openAt(session, parameters, oracles, point, claim, ProverOnly.none());
}
