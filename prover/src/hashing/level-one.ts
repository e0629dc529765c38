/**
 * @module hashing/level-one
 * The opening by answers: codewords are committed to by roots of Poseidon2 trees, and a query's message is what its leaves fold to. What
 * it leaves for the second level are the groups of opened trees and the foldings that give the answers.
 */
import type { FpVec } from '@attensor/native';
import { domainPoint, openWith, type Codewords, type Shift } from '../commitment/opening.js';
import {
  LOG_LEAF,
  openingParameters,
  type OpeningParameters,
  type OpeningRound,
} from '../commitment/parameters.js';
import type { LeafSource, Scheme } from '../commitment/scheme.js';
import { mod, mul, rootOfUnity } from '../protocol/field.js';
import { ProverOnly } from '../protocol/prover-only.js';
import type { Session } from '../protocol/session.js';
import type { Wire } from '../protocol/tape.js';
import { hashingLayout, type GroupShape, type HashingLayout } from './layout.js';
import type { HashedGroup, Folding, LeafTerm } from './relations.js';
import type { OpenedGroup } from './trace.js';
import type { TreeHash } from './tree-hash.js';
import { columnBits } from './trees.js';

/** Trees over codewords of one domain and one width of leaves. */
export interface TreeOracle {
  roots: Wire[];
  /** Tree t has the weight scale eq(tree, t) in F. */
  scale: Wire;
  /** a coordinate for each bit of a tree's number; none for one tree */
  tree: Wire[];
  /** Entries of a leaf, see `Scheme`. */
  width: number;
  sources: ProverOnly<LeafSource[]>;
}

/** What level 2 has to show of an opening. */
export interface Answered {
  shapes: GroupShape[];
  groups: HashedGroup[];
  foldings: Folding[];
  opened: ProverOnly<OpenedGroup[]>;
}

/**
 * F = sum over oracles and their trees of weight times vector; F(point) = value.
 *
 * @param scheme of trees whose root is their only node
 * @param oracles of round 0, whose roots the transcript has absorbed
 * @param vector F, in the prover role
 */
export async function openByAnswers(
  session: Session,
  scheme: Scheme,
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
            await scheme.commit(session.engine, folded.value, logSize, width, { logInvRate }),
          ])
        : ProverOnly.none<LeafSource[]>();
      const roots = await session.send(1, `${label}: root`, () =>
        sources.value.flatMap(({ cap }) => cap),
      );
      return { roots, scale: tape.constant(1n), tree: [], width, sources };
    },
    async query(current, round, words, entry) {
      for (const { sources } of current)
        await sources.each(async (all) => {
          for (const source of all) await source.prepare?.(words.numbers(), session.signal);
        });
      const omega = rootOfUnity(round.logDomain);
      const indexes: Wire[] = [];
      const points: Wire[] = [];
      for (let q = 0; q < round.queries; q++) {
        const bits = words.next();
        indexes.push(tape.linear(bits.map((bit, l): [Wire, bigint] => [bit, 1n << BigInt(l)])));
        points.push(domainPoint(session, omega, columnBits(bits)));
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
    const eqValues = (point: Wire[]): bigint[] =>
      session.engine.eqTable(session.valuesOf(point)).toBigints();
    const entries = eqValues(entry);
    const sums = at.map(() => 0n);
    for (const { scale, tree, sources } of oracles) {
      const weights = eqValues(tree);
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
  /** of the boundary tensors, where a unit has any */
  boundary?: OpeningParameters;
  layout: HashingLayout;
}

/** Vectors that are opened together: their size, and the trees of round 0 with the entries of a leaf. */
export interface OpenedTrees {
  size: OpenedSize;
  oracles: { trees: number; width: number }[];
}

/**
 * All openings' parameters for the error of all of them together, and the layout of S that follows.
 *
 * @param main witness and parameters
 * @param beside leaves that are opened elsewhere, of a vocabulary say: groups after those of the openings
 * @param boundary the tensors at a unit's ends, opened by themselves: their groups follow those of `main`
 * @throws RangeError when the sizes can't meet the security level
 */
export function planLevels(
  hash: TreeHash,
  main: OpenedTrees,
  logInvRateS: number,
  beside: GroupShape[] = [],
  boundary?: OpenedTrees,
): Levels {
  const parametersOf = ({ size }: OpenedTrees, others: number): OpeningParameters =>
    openingParameters(size.logSize, size.logInvRate, others);
  const roundsOf = (opened?: OpenedTrees): number =>
    opened ? parametersOf(opened, 0).rounds.length : 0;
  const [ofMain, ofBoundary] = [roundsOf(main), roundsOf(boundary)];
  const folded = [{ trees: 1, width: 2 ** LOG_LEAF }];
  const groupsOf = ({ oracles }: OpenedTrees, { rounds }: OpeningParameters): GroupShape[] =>
    rounds.flatMap((round, k) => shapesOf(k === 0 ? oracles : folded, round));
  // The rounds of S share the error with level 1, whose queries make the size of S: more rounds than needed do no harm.
  for (let roundsOfS = 1; ; roundsOfS++) {
    const first = parametersOf(main, ofBoundary + roundsOfS);
    const ends = boundary && parametersOf(boundary, ofMain + roundsOfS);
    const layout = hashingLayout(hash, [
      ...groupsOf(main, first),
      ...(boundary && ends ? groupsOf(boundary, ends) : []),
      ...beside,
    ]);
    const second = openingParameters(layout.logSize, logInvRateS, ofMain + ofBoundary);
    if (second.rounds.length <= roundsOfS)
      return { first, second, layout, ...(ends && { boundary: ends }) };
  }
}
