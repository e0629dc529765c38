/**
 * @module hashing/layout
 * Where everything lies in S, the vector that holds the hashing of opened leaves. S is a matrix: a row for each column of the trace,
 * an entry of every row for each compression. Compressions are in aligned ranges: of each group of trees one for every level of a
 * leaf's own tree and one for every step of a path; within a range the numbers of compression, tree and query follow each other.
 */
import { leafWidth } from '../commitment/parameters.js';
import { ceilLog2 } from '../protocol/field.js';
import { isFull, sboxCount } from './poseidon2.js';
import type { TreeHash, TreeShape } from './tree-hash.js';

/** Trees of one shape that are opened at the same leaves; all constants of the circuit. */
export interface GroupShape extends TreeShape {
  trees: number;
  queries: number;
}

/** An aligned range of compressions. */
export interface Range {
  offset: number;
  /** log2 of its compressions of one instance */
  log: number;
}

export interface GroupLayout extends GroupShape {
  /** log2 of the trees and of the queries, padded: what is there twice are copies of the first */
  logTrees: number;
  logQueries: number;
  /** of a leaf's own tree, the lowest level first */
  levels: Range[];
  /** from the leaf's hash up */
  path: Range[];
}

/** Numbers of the trace's columns. */
export interface Columns {
  /** A compression's children: `width` columns from here. */
  lanes: number;
  /** S-box inputs, but for those of the first round, which the children give. */
  sboxes: number;
  out: number;
  /** Where the node so far stands, lowest bit first: `logArity` columns from here. */
  bits: number;
  count: number;
}

export interface HashingLayout {
  hash: TreeHash;
  groups: GroupLayout[];
  columns: Columns;
  logColumns: number;
  logCompressions: number;
  /** log2 of the entries of S */
  logSize: number;
  /** entries of a leaf of S, see `leafWidth` */
  width: number;
}

function columnsOf(hash: TreeHash): Columns {
  const { width, logArity, instance } = hash;
  const sboxes = width;
  const out = sboxes + sboxCount(instance) - width;
  const bits = out + 1;
  return { lanes: 0, sboxes, out, bits, count: bits + logArity };
}

/** The column of an S-box's input in a round after the first. */
export function sboxColumns({ hash, columns }: HashingLayout): number[][] {
  const { instance } = hash;
  let next = columns.sboxes;
  return instance.constants.map((_, round) =>
    round === 0
      ? []
      : Array.from({ length: isFull(instance, round) ? hash.width : 1 }, () => next++),
  );
}

/** @throws RangeError for a group without trees, queries, entries or levels above its leaves */
export function hashingLayout(hash: TreeHash, shapes: GroupShape[]): HashingLayout {
  const groups = shapes.map((shape): GroupLayout => {
    for (const [name, value] of Object.entries(shape))
      if (!Number.isInteger(value) || value < 1)
        throw new RangeError(`hashing: a group with ${name} = ${value}, expected 1 or more`);
    const range = (log: number): Range => ({ offset: -1, log });
    return {
      ...shape,
      logTrees: ceilLog2(shape.trees),
      logQueries: ceilLog2(shape.queries),
      levels: hash.leafLevels(shape.entries).map(range),
      path: Array.from({ length: hash.pathSteps(shape.depth) }, () => range(0)),
    };
  });
  // Larger ranges first: each then starts at a multiple of its size.
  const ranges = groups.flatMap((g) =>
    [...g.levels, ...g.path].map((range) => ({ range, size: 2 ** (range.log + instanceLog(g)) })),
  );
  ranges.sort((a, b) => b.size - a.size);
  let end = 0;
  for (const { range, size } of ranges) {
    range.offset = end;
    end += size;
  }
  const columns = columnsOf(hash);
  const logColumns = ceilLog2(columns.count);
  const logCompressions = ceilLog2(end);
  const logSize = logColumns + logCompressions;
  return {
    hash,
    groups,
    columns,
    logColumns,
    logCompressions,
    logSize,
    width: leafWidth(columns.count * 2 ** logCompressions, logSize),
  };
}

/** log2 of a group's instances: trees, then queries. */
export const instanceLog = ({ logTrees, logQueries }: GroupLayout): number => logTrees + logQueries;
