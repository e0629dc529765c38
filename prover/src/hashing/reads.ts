/**
 * @module hashing/reads
 * Leaves that relations open beside the opening of vectors, of a vocabulary say, and everything that level 2 has to show.
 */
import type { ProverOnly } from '../protocol/prover-only.js';
import type { Wire } from '../protocol/tape.js';
import type { GroupShape } from './layout.js';
import type { Answered } from './level-one.js';
import type { Hashed, LeafTerm } from './relations.js';
import type { OpenedGroup } from './trace.js';

/** Opened leaves of one tree. */
export interface Read {
  shape: GroupShape;
  root: Wire;
  indexes: Wire[];
  opened: ProverOnly<OpenedGroup>;
  /** A point over a leaf's entries, at which leaves are claimed. */
  entry: Wire[];
  /** What leaves are there: each one by itself, or all of them at a point over the queries. */
  leaves: { answers: Wire[] } | { query: Wire[]; value: Wire };
}

/** What several openings left, as one: their groups one after the other. */
export function together([first, ...others]: Answered[]): Answered {
  return others.reduce((all, next) => {
    const start = all.groups.length;
    const moved = next.foldings.map(({ terms, answers }) => ({
      terms: terms.map((term) => ({ ...term, group: start + term.group })),
      answers,
    }));
    return {
      shapes: [...all.shapes, ...next.shapes],
      groups: [...all.groups, ...next.groups],
      foldings: [...all.foldings, ...moved],
      opened: all.opened.map((opened) => [...opened, ...next.opened.value]),
    };
  }, first);
}

/** What an opening left and what was read, as one: groups of reads come after those of the opening. */
export function withReads(
  { groups, foldings, opened }: Pick<Answered, 'groups' | 'foldings' | 'opened'>,
  reads: Read[],
  one: Wire,
): { hashed: Hashed; opened: ProverOnly<OpenedGroup[]> } {
  const hashed: Hashed & { values: NonNullable<Hashed['values']> } = {
    groups: [...groups],
    foldings: [...foldings],
    values: [],
  };
  for (const { root, indexes, entry, leaves } of reads) {
    const terms: LeafTerm[] = [{ group: hashed.groups.length, scale: one, tree: [], entry }];
    hashed.groups.push({ roots: [root], indexes });
    if ('answers' in leaves) hashed.foldings.push({ terms, ...leaves });
    else hashed.values.push({ terms, ...leaves });
  }
  return {
    hashed,
    opened: opened.map((all) => [...all, ...reads.map((read) => read.opened.value)]),
  };
}
