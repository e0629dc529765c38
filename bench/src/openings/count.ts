/** Rows of the two-level design for a unit: phase A, where level 2 proves hashing only, and phase B, where it proves the whole tape. */
import {
  ceilLog2,
  CIRCUIT_COST,
  hashingLayout,
  hashingRelations,
  leafWidth,
  LIMITS,
  LOG_LEAF,
  openingPermutations,
  ProverOnly,
  rowsOf,
  Scope,
  TreeHash as BuiltTreeHash,
  type GroupShape,
  type Hashed,
  type Script,
  type Session,
  type Wire,
} from '@attensor/prover/planning';
import { Labelled, openByAnswers, type Group, type Today } from './level-one.js';
import {
  layoutOf,
  openAll,
  parametersOfS,
  tapeLayout,
  tapeRelations,
  treeRelations,
  type Layout,
  type RateOfS,
} from './level-two.js';
import { leafSteps, relativeCost, type TreeHash } from './tree-hash.js';

/** Rows of a vocabulary that the circuit reads today; long rows are hashed by a sumcheck already, and their paths are left out here. */
export interface VocabularyReads {
  rows: number;
  width: number;
  depth: number;
}

export interface Options extends RateOfS {
  /** of the witness and the weights at level 1 */
  logInvRate: number;
  hash: TreeHash;
}

export interface Phase {
  rows: number;
  /** what the planner compares: permutations of both levels, and a circuit's proof in permutations */
  cost: number;
  /** Pickles proofs, without what is carried from one to the next */
  circuits: number;
  /** where the rows go */
  parts: Record<string, number>;
  /** log2 of the entries of S */
  logSize: number;
  /** Kimchi's permutations for S: commitments, keys apart, and proofs of work */
  permutations: number;
}

export interface Counted {
  options: Options;
  /** queried leaves, and the permutations of the tree hash that they and their paths take */
  instances: number;
  treePermutations: number;
  layout: Layout;
  /** the relations as they were built for phase A: rows of the hashing, log2 of the entries of S */
  built: { rows: number; logSize: number };
  A: Phase;
  B: Phase;
}

/** A tape's rows that a piece of the verifier adds. */
async function measured<T>(
  session: Session,
  parts: Record<string, number>,
  name: string,
  work: () => Promise<T>,
): Promise<T> {
  const start = session.tape.ops.length;
  const out = await work();
  const rows = session.tape.ops.slice(start).reduce((sum, op) => sum + rowsOf(op), 0);
  parts[name] = (parts[name] ?? 0) + Math.ceil(rows);
  return out;
}

const VOCABULARY = 'vocabulary';

const sum = (parts: Record<string, number>): number =>
  Object.values(parts).reduce((a, b) => a + b, 0);

const circuitsOf = (rows: number): number =>
  1 + Math.max(0, Math.ceil((rows - LIMITS.first) / LIMITS.next));

const inputs = (session: Session, count: number): Wire[] =>
  Array.from({ length: count }, () => session.tape.input());

/** @param script of the unit at level 1's rate */
export async function count(
  script: Script,
  before: Today,
  vocabulary: VocabularyReads | undefined,
  options: Options,
): Promise<Counted> {
  const { hash } = options;
  const widths = [...script.witness.widths, ...script.parameters.widths];

  const session = new Labelled({});
  const parts: Record<string, number> = {
    statement: Math.ceil(before.statement.rows),
    relations: Math.ceil(before.relations.rows),
  };
  const groups: Group[] = await measured(session, parts, 'opening', () =>
    openByAnswers(session, script.opening, widths, inputs(session, widths.length)),
  );
  if (vocabulary) {
    const { rows, width, depth } = vocabulary;
    const [root] = inputs(session, 1);
    const indexes = inputs(session, rows);
    groups.push({ name: VOCABULARY, indexes, root, entries: width, depth });
  }
  const verifier = session.tape.ops.length;
  const layout = layoutOf(hash, groups);
  const trees = await measured(session, parts, 'trees', () => treeRelations(session, hash, groups));
  await measured(session, parts, 'opening of S', () => openAll(session, [trees], options));
  const hashing = commitCost(script, hash);
  const A = phase(parts, trees.logSize, trees.width, options, hashing);

  // The verifier of level 1 is a table now: what it permutes and computes, relations included.
  const table = {
    permutations: before.relations.permutations,
    arithmetic: before.relations.arithmetic,
  };
  for (const op of session.tape.ops.slice(0, verifier))
    if (op.kind === 'permute') table.permutations++;
    else table.arithmetic += Math.ceil(2 * rowsOf(op));
  const last = new Labelled({});
  const lastParts: Record<string, number> = { statement: parts.statement };
  const own = groups.map((g) => ({
    ...g,
    indexes: inputs(last, g.indexes.length),
    ...(g.answers && { answers: inputs(last, g.answers.length) }),
    root: inputs(last, 1)[0],
  }));
  const again = await measured(last, lastParts, 'trees', () => treeRelations(last, hash, own));
  const claims = await measured(last, lastParts, 'tape', () => tapeRelations(last, table));
  const { values, keys } = tapeLayout(table);
  const end = layout.width * 2 ** (layout.logSize - 4) + values;
  const logSize = Math.max(ceilLog2(end), ceilLog2(keys), 8);
  const width = leafWidth(end, logSize);
  const vectors = [
    { ...again, claims: [...again.claims, ...claims.values], logSize, width },
    { root: last.tape.input(), claims: claims.keys, logSize, width: leafWidth(keys, logSize) },
  ];
  await measured(last, lastParts, 'opening of S', () => openAll(last, vectors, options));
  const B = phase(lastParts, logSize, width, options, hashing);
  return {
    options,
    instances: groups.reduce((n, g) => n + g.indexes.length, 0),
    treePermutations: layout.permutations,
    layout,
    built: await builtRelations(hash, groups),
    A,
    B,
  };
}

function phase(
  parts: Record<string, number>,
  logSize: number,
  width: number,
  options: RateOfS,
  hashing: number,
): Phase {
  const rows = sum(parts);
  const parameters = parametersOfS(logSize, options);
  const work = parameters.rounds.length * 2 ** parameters.grindingBits;
  const permutations = openingPermutations(width, parameters) + work;
  const circuits = circuitsOf(rows);
  const cost = hashing + permutations + CIRCUIT_COST * circuits;
  return { rows, circuits, cost, parts, logSize, permutations };
}

/** The same groups in the prover's own relations. Vocabulary rows are claimed at a point, which pads their number. */
async function builtRelations(hash: TreeHash, groups: Group[]): Promise<Counted['built']> {
  const session = new Labelled({});
  const isVocabulary = (g: Group): boolean => g.name === VOCABULARY;
  const shapes = groups.map((g): GroupShape => {
    const queries = g.indexes.length;
    return {
      trees: 1,
      queries: isVocabulary(g) ? 2 ** ceilLog2(queries) : queries,
      entries: g.entries,
      depth: g.depth,
    };
  });
  const layout = hashingLayout(new BuiltTreeHash(hash.width), shapes);
  const known: Hashed = {
    groups: shapes.map(({ queries }) => ({
      roots: inputs(session, 1),
      indexes: inputs(session, queries),
    })),
    foldings: [],
    values: [],
  };
  groups.forEach((g, group) => {
    const point = Math.max(LOG_LEAF, ceilLog2(g.entries));
    const term = {
      group,
      scale: session.tape.input(),
      tree: [],
      entry: inputs(session, point),
    };
    if (isVocabulary(g))
      known.values?.push({
        terms: [term],
        query: inputs(session, ceilLog2(shapes[group].queries)),
        value: session.tape.input(),
      });
    else if (g.answers)
      known.foldings.push({ terms: [term], answers: inputs(session, g.indexes.length) });
    // the trees after a round's first one add to its answers
    else known.foldings[known.foldings.length - 1].terms.push(term);
  });
  const parts: Record<string, number> = {};
  await measured(session, parts, 'relations', () =>
    hashingRelations(new Scope(session, ProverOnly.none()), layout, known),
  );
  return { rows: parts.relations, logSize: layout.logSize };
}

/** What a proof commits to at level 1, by the tree hash, in Kimchi's permutations. */
function commitCost({ witness, opening }: Script, hash: TreeHash): number {
  const perTree = opening.rounds.map(({ logDomain }, k) => {
    const leaf = leafSteps(hash, k === 0 ? witness.widths[0] : 2 ** LOG_LEAF);
    return 2 ** logDomain * (leaf + 1 / (hash.width - 1));
  });
  return perTree.reduce((a, b) => a + b, 0) * relativeCost(hash);
}
