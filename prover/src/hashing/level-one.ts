/**
 * @module hashing/level-one
 * The opening by answers: codewords are committed to by roots of Poseidon2 trees, and a query's message is what its leaves fold to. What
 * it leaves for the second level are the groups of opened trees and the foldings that give the answers.
 */
import type { FpVec, ProverEngine } from '@attensor/native';
import {
  commitRows,
  domainPoint,
  openWith,
  type Codewords,
  type Shift,
} from '../commitment/opening.js';
import {
  LOG_LEAF,
  openingParameters,
  type OpeningParameters,
  type OpeningRound,
} from '../commitment/parameters.js';
import { mod, mul, rootOfUnity } from '../protocol/field.js';
import { eqTable } from '../protocol/polynomials.js';
import { ProverOnly } from '../protocol/prover-only.js';
import type { Session } from '../protocol/session.js';
import type { Wire } from '../protocol/tape.js';
import { hashingLayout, type GroupShape, type HashingLayout } from './layout.js';
import type { HashedGroup, Folding, LeafTerm } from './relations.js';
import type { OpenedGroup } from './trace.js';
import { PlainTree, type OpenedLeaf, type TreeHash } from './tree-hash.js';

/** A committed codeword, as its prover holds it. */
export interface TreeSource {
  readonly root: bigint;
  open(index: number): OpenedLeaf;
  dispose(): void;
}

/** Trees over codewords of one domain and one width of leaves. */
export interface TreeOracle {
  roots: Wire[];
  /** Tree t has the weight scale eq(tree, t) in F. */
  scale: Wire;
  /** a coordinate for each bit of a tree's number; none for one tree */
  tree: Wire[];
  /** Entries of a leaf, see `commitRows`. */
  width: number;
  sources: ProverOnly<TreeSource[]>;
}

/** What level 2 has to show of an opening. */
export interface Answered {
  shapes: GroupShape[];
  groups: HashedGroup[];
  foldings: Folding[];
  opened: ProverOnly<OpenedGroup[]>;
}

/** Commits to the first `width` of the 2^LOG_LEAF rows of a vector of 2^logSize entries. */
export type CommitTree = (
  engine: ProverEngine,
  vector: FpVec,
  logSize: number,
  width: number,
  logInvRate: number,
) => Promise<TreeSource>;

/** A tree as plain integers over the engine's codeword: a reference for small vectors. */
export const plainCommitTree =
  (hash: TreeHash): CommitTree =>
  async (engine, vector, logSize, width, logInvRate) => {
    const codeword = await commitRows(engine, vector, logSize, width, { logInvRate });
    const leaves = Array.from({ length: 2 ** codeword.logDomain }, (_, i) => codeword.open(i).leaf);
    codeword.dispose();
    const tree = new PlainTree(hash, leaves);
    return { root: tree.root, open: (index) => tree.open(index), dispose: () => undefined };
  };

/**
 * F = sum over oracles and their trees of weight times vector; F(point) = value.
 *
 * @param oracles of round 0, whose roots the transcript has absorbed
 * @param vector F, in the prover role
 */
export async function openByAnswers(
  session: Session,
  commitTree: CommitTree,
  parameters: OpeningParameters,
  oracles: TreeOracle[],
  point: Wire[],
  value: Wire,
  vector: ProverOnly<FpVec>,
): Promise<Answered> {
  const { tape } = session;
  const shapes: GroupShape[] = [];
  const groups: HashedGroup[] = [];
  const foldings: Folding[] = [];
  const opened: OpenedGroup[] = [];
  const codewords: Codewords<TreeOracle> = {
    async commit(folded, logSize, logInvRate, label) {
      const width = 2 ** LOG_LEAF;
      const sources = folded.present
        ? ProverOnly.of([
            await commitTree(session.engine, folded.value, logSize, width, logInvRate),
          ])
        : ProverOnly.none<TreeSource[]>();
      const roots = await session.send(1, `${label}: root`, () =>
        sources.value.map(({ root }) => root),
      );
      return { roots, scale: tape.constant(1n), tree: [], width, sources };
    },
    async query(current, round, words, entry) {
      const omega = rootOfUnity(round.logDomain);
      const indexes: Wire[] = [];
      const points: Wire[] = [];
      for (let q = 0; q < round.queries; q++) {
        const bits = words.next();
        indexes.push(tape.linear(bits.map((bit, l): [Wire, bigint] => [bit, 1n << BigInt(l)])));
        points.push(domainPoint(session, omega, bits));
      }
      const terms = current.map(({ scale, tree }, k): LeafTerm => ({
        group: groups.length + k,
        scale,
        tree,
        entry,
      }));
      const answers = await answer(session, current, indexes, entry, opened);
      const sizes = current.map(({ roots, width }) => ({ trees: roots.length, width }));
      shapes.push(...shapesOf(sizes, round));
      for (const { roots } of current) groups.push({ roots, indexes });
      foldings.push({ terms, answers });
      return answers.map((y, q): Shift => ({ x: points[q], y }));
    },
    async dispose({ sources }) {
      await sources.each((all) => {
        for (const source of all) source.dispose();
      });
    },
  };
  await openWith(session, codewords, parameters, oracles, point, value, vector);
  return { shapes, groups, foldings, opened: session.only(() => opened) };
}

const shapesOf = (
  oracles: { trees: number; width: number }[],
  { queries, logDomain }: OpeningRound,
): GroupShape[] =>
  oracles.map(({ trees, width }) => ({ trees, queries, entries: width, depth: logDomain }));

/** A round's answers as messages; keeps what was opened for level 2. */
async function answer(
  session: Session,
  oracles: TreeOracle[],
  indexes: Wire[],
  entry: Wire[],
  opened: OpenedGroup[],
): Promise<Wire[]> {
  return session.send(indexes.length, 'opening: answers', () => {
    const at = session.valuesOf(indexes).map(Number);
    const entries = session.valuesOf(eqTable(session.tape, entry));
    const sums = at.map(() => 0n);
    for (const { scale, tree, sources } of oracles) {
      const weights = session.valuesOf(eqTable(session.tape, tree));
      const leaves = sources.value.map((source) => at.map((index) => source.open(index)));
      opened.push({ indexes: at, opened: leaves });
      leaves.forEach((row, t) => {
        const weight = mul(session.value(scale), weights[t]);
        row.forEach(({ leaf }, q) => {
          const folded = leaf.reduce((sum, v, k) => sum + mul(entries[k], v), 0n);
          sums[q] = mod(sums[q] + mul(weight, mod(folded)));
        });
      });
    }
    return sums;
  });
}

/** Sizes of a vector that is opened. */
export interface OpenedSize {
  logSize: number;
  logInvRate: number;
}

/** Sizes of both levels, known to everyone. */
export interface Levels {
  first: OpeningParameters;
  second: OpeningParameters;
  layout: HashingLayout;
}

/**
 * Both openings' parameters for the error of both together, and the layout of S that follows.
 *
 * @param oracles of round 0: trees and entries of a leaf
 * @param beside leaves that are opened elsewhere, of a vocabulary say: groups after those of the opening
 * @throws RangeError when the sizes can't meet the security level
 */
export function planLevels(
  hash: TreeHash,
  size: OpenedSize,
  oracles: { trees: number; width: number }[],
  logInvRateS: number,
  beside: GroupShape[] = [],
): Levels {
  // The rounds of S share the error with level 1, whose queries make the size of S: more rounds than needed do no harm.
  for (let roundsOfS = 1; ; roundsOfS++) {
    const first = openingParameters(size.logSize, size.logInvRate, roundsOfS);
    const folded = [{ trees: 1, width: 2 ** LOG_LEAF }];
    const shapes = first.rounds.flatMap((round, k) => shapesOf(k === 0 ? oracles : folded, round));
    const layout = hashingLayout(hash, [...shapes, ...beside]);
    const second = openingParameters(layout.logSize, logInvRateS, first.rounds.length);
    if (second.rounds.length <= roundsOfS) return { first, second, layout };
  }
}
