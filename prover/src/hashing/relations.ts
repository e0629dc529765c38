/**
 * @module hashing/relations
 * What ties S to the answers, indices and roots that a verifier knows, as claims on S (docs/protocol.md, section 15). The script of
 * prover, plain verifier and circuit.
 *
 * At a random compression: its S-boxes follow from its children, bits are bits, and on a path the child that the bits name is the result
 * of the step before. At a random instance: the path's bits make up the index, its last result is the root, the levels of a leaf's own
 * tree follow each other, and the leaf's entries fold to the answer.
 */
import type { FpVec } from '@attensor/native';
import { Expr } from '../protocol/expression.js';
import { alignedBlocks, eqInteger, eqTable } from '../protocol/polynomials.js';
import type { Scope } from '../protocol/scope.js';
import { Sumcheck } from '../protocol/sumcheck.js';
import type { Tape, Wire } from '../protocol/tape.js';
import { axis, type ClaimPart } from '../protocol/tensor.js';
import { compressionRelation } from './compression.js';
import {
  instanceLog,
  sboxColumns,
  type GroupLayout,
  type HashingLayout,
  type Range,
} from './layout.js';

/** What is known of a group's instances; all of it fixed before S is committed. */
export interface HashedGroup {
  /** of each tree */
  roots: Wire[];
  /** Of the leaf that each query opens. Everyone must know that it is below 2^depth: its own bits, say, are on the tape. */
  indexes: Wire[];
}

/** sum over trees t and entries k of scale eq(tree, t) eq(entry, k) times entry k of tree t's leaf. */
export interface LeafTerm {
  group: number;
  scale: Wire;
  /** a coordinate for each bit of a tree's number; none for a group of one tree */
  tree: Wire[];
  /** a coordinate for each bit of an entry's number */
  entry: Wire[];
}

/** The terms' sum is the answer, for every query. The terms' groups have as many queries each. */
export interface Folding {
  terms: LeafTerm[];
  answers: Wire[];
}

/**
 * The terms' sum, at a point over the queries, is a value: what rows of a vocabulary are claimed to be. Queries that are missing to a
 * power of two count as copies of the first.
 */
export interface LeafValue {
  terms: LeafTerm[];
  /** a coordinate for each bit of a query's number */
  query: Wire[];
  value: Wire;
}

export interface Hashed {
  groups: HashedGroup[];
  foldings: Folding[];
  values?: LeafValue[];
}

/** The extension of a list whose first entry fills it up to a power of two. */
function extended(tape: Tape, values: Wire[], point: Wire[]): Wire {
  const first = values[0];
  const weights = eqTable(tape, point).slice(1, values.length);
  return tape.add(
    first,
    tape.sum(weights.map((w, k) => tape.mul(w, tape.sub(values[k + 1], first)))),
  );
}

/** Where parts of S lie. */
class Places {
  constructor(
    private readonly tape: Tape,
    private readonly layout: HashingLayout,
  ) {}

  /** A column on a range, at points over the range's compressions and its instances. */
  column(column: number, range: Range, point: Wire[], coef: ClaimPart['coef']): ClaimPart {
    const offset = column * 2 ** this.layout.logCompressions + range.offset;
    return { vector: 'witness', offset, coef, point };
  }

  /** The children on a range: the last coordinates of `child` number them, the others the range's compressions. */
  child(
    group: GroupLayout,
    range: Range,
    child: Wire[],
    instance: Wire[],
    coef: ClaimPart['coef'],
  ): ClaimPart {
    const { hash, logCompressions } = this.layout;
    const lane = child.slice(child.length - hash.logArity);
    const block = child.slice(0, child.length - hash.logArity);
    const log = range.log + instanceLog(group);
    const prefix = this.bits(range.offset / 2 ** log, logCompressions - log);
    return {
      vector: 'witness',
      offset: 0,
      coef,
      point: [...lane, ...prefix, ...block, ...instance],
    };
  }

  bits(value: number, count: number): Wire[] {
    return Array.from({ length: count }, (_, k) =>
      this.tape.constant(BigInt(Math.floor(value / 2 ** (count - 1 - k)) % 2)),
    );
  }
}

/** eq of a point's first coordinates with the bits of numbers; numbers with a common beginning share it. */
class Indicators {
  private readonly known = new Map<string, Wire>();
  constructor(
    private readonly tape: Tape,
    private readonly point: Wire[],
  ) {}

  of(value: number, length: number): Wire {
    if (length === 0) return this.tape.constant(1n);
    const key = `${value}/${length}`;
    let v = this.known.get(key);
    if (v === undefined) {
      const parent = this.of(Math.floor(value / 2), length - 1);
      const r = this.point[length - 1];
      v =
        value % 2 === 1
          ? this.tape.mul(parent, r)
          : this.tape.sub(parent, this.of(value + 1, length));
      this.known.set(key, v);
    }
    return v;
  }
}

/** The result that a step of a path takes up. */
const before = (group: GroupLayout, step: number): Range =>
  step === 0 ? group.levels[group.levels.length - 1] : group.path[step - 1];

/** @throws RangeError where what is hashed does not fit the layout */
function checkShapes(layout: HashingLayout, { groups, foldings, values = [] }: Hashed): void {
  const fail = (what: string): never => {
    throw new RangeError(`hashing: ${what} does not fit the layout`);
  };
  if (groups.length !== layout.groups.length) fail(`${groups.length} groups`);
  layout.groups.forEach(({ trees, queries }, k) => {
    if (groups[k].roots.length !== trees) fail(`${groups[k].roots.length} roots of group ${k}`);
    if (groups[k].indexes.length !== queries)
      fail(`${groups[k].indexes.length} indices of group ${k}`);
  });
  const checkTerms = (terms: LeafTerm[], fits: (group: GroupLayout) => boolean): void => {
    for (const { group, tree, entry } of terms) {
      const g = layout.groups[group] ?? fail(`group ${group}`);
      if (!fits(g)) fail(`the number of answers of group ${group}`);
      if (g.trees > 2 ** tree.length) fail(`a point of ${tree.length} coordinates over trees`);
      if (g.entries > 2 ** entry.length)
        fail(`a point of ${entry.length} coordinates over entries`);
    }
  };
  for (const { terms, answers } of foldings)
    checkTerms(terms, ({ queries }) => queries === answers.length);
  for (const { terms, query } of values)
    checkTerms(terms, ({ logQueries }) => logQueries === query.length);
}

/**
 * @param scope whose witness is S, committed before
 * @throws RangeError where what is hashed does not fit the layout
 */
export async function hashingRelations(
  scope: Scope,
  layout: HashingLayout,
  hashed: Hashed,
): Promise<void> {
  checkShapes(layout, hashed);
  await everyCompression(scope, layout);
  everyInstance(scope, layout, hashed);
}

/** One zero-check over all compressions, and what it leaves: one value of S, and one sum of results for the steps of all paths. */
async function everyCompression(scope: Scope, layout: HashingLayout): Promise<void> {
  const { session, claims } = scope;
  const { tape } = session;
  const { hash, groups, columns, logCompressions, logColumns } = layout;
  const tau = session.challenges(logCompressions);
  const alpha = session.challenge();
  const sum = new Sumcheck(scope, [axis('compression', logCompressions)], 'hashing: compressions');
  const size = 2 ** logCompressions;
  const column = (k: number): FpVec => scope.vectors.value.witness.slice(k * size, size);
  const all = Array.from({ length: columns.count }, (_, k) => sum.virtual(() => column(k)));
  const steps = groups.flatMap((g) =>
    g.path.map((range, step) => ({ range, before: before(g, step), log: instanceLog(g) })),
  );
  /** The results that paths take up, zero where no path does. */
  const taken = sum.virtual(() => {
    const table = session.engine.alloc(size);
    for (const { range, before: from, log } of steps)
      table.axpy(range.offset, 1n, column(columns.out).slice(from.offset, 2 ** log));
    return table;
  });
  let indicators: Indicators | undefined;
  const onPath = sum.public(
    ['compression'],
    () => {
      const table = session.engine.alloc(size);
      for (const { range, log } of steps)
        table.axpy(
          range.offset,
          1n,
          session.engine.linear([session.engine.alloc(2 ** log)], [1n], 1n),
        );
      return Promise.resolve(table);
    },
    ({ compression }) => {
      const at = (indicators = new Indicators(tape, compression));
      return tape.sum(
        steps.map(({ range, log }) => at.of(range.offset / 2 ** log, logCompressions - log)),
      );
    },
  );

  let power = tape.constant(1n);
  const next = (): Wire => {
    const current = power;
    power = tape.mul(power, alpha);
    return current;
  };
  const children = all.slice(columns.lanes, columns.lanes + hash.width);
  const bits = all.slice(columns.bits, columns.bits + hash.logArity);
  let relation = compressionRelation(
    tape,
    hash.instance,
    {
      children,
      sboxes: sboxColumns(layout).map((round) => round.map((k) => all[k])),
      out: all[columns.out],
    },
    next,
  );
  for (const bit of bits) relation = relation.add(Expr.of(next()).mul(bit.mul(bit).sub(bit)));
  // The child that the bits name, halving from the highest bit.
  let named = children;
  for (const bit of [...bits].reverse()) {
    const half = named.length / 2;
    const [low, high] = [named.slice(0, half), named.slice(half)];
    named = low.map((v, k) => v.add(bit.mul(high[k].sub(v))));
  }
  relation = relation.add(Expr.of(next()).mul(onPath.mul(named[0]).sub(taken)));
  sum.require(sum.eq({ compression: tau }).mul(relation));
  const { compression: z } = await sum.run();

  // All columns at z: one value of S at a random column.
  const which = session.challenges(logColumns);
  const weights = eqTable(tape, which).slice(0, columns.count);
  claims.add({
    what: 'hashing: columns',
    parts: [{ vector: 'witness', offset: 0, coef: { c: 1n }, point: [...which, ...z] }],
    value: tape.inner(
      weights,
      all.map((c) => sum.value(c)),
    ),
  });
  const places = new Places(tape, layout);
  const at = indicators ?? new Indicators(tape, z);
  claims.add({
    what: 'hashing: steps',
    parts: steps.map(({ range, before: from, log }) =>
      places.column(columns.out, from, z.slice(logCompressions - log), {
        v: at.of(range.offset / 2 ** log, logCompressions - log),
        c: 1n,
      }),
    ),
    value: sum.value(taken),
  });
}

/** Everything about instances, at one random point over queries and one over trees. */
function everyInstance(
  scope: Scope,
  layout: HashingLayout,
  { groups, foldings, values = [] }: Hashed,
): void {
  const { session, claims } = scope;
  const { tape } = session;
  const { hash, columns } = layout;
  const most = (of: (g: GroupLayout) => number): number => Math.max(...layout.groups.map(of));
  const queryPoint = session.challenges(most((g) => g.logQueries));
  const treePoint = session.challenges(most((g) => g.logTrees));
  const childPoint = session.challenges(most((g) => g.levels[0].log));
  const last = (point: Wire[], count: number): Wire[] => point.slice(point.length - count);
  const places = new Places(tape, layout);
  const one = { c: 1n };

  layout.groups.forEach((group, k) => {
    const { roots, indexes } = groups[k];
    const tree = last(treePoint, group.logTrees);
    const query = last(queryPoint, group.logQueries);
    const instance = [...tree, ...query];
    claims.add({
      what: 'hashing: roots',
      parts: [places.column(columns.out, before(group, group.path.length), instance, one)],
      value: extended(tape, roots, tree),
    });
    claims.add({
      what: 'hashing: indices',
      parts: group.path.flatMap((range, step) =>
        Array.from({ length: hash.logArity }, (_, bit) =>
          places.column(columns.bits + bit, range, instance, {
            c: 1n << BigInt(step * hash.logArity + bit),
          }),
        ),
      ),
      value: extended(tape, indexes, query),
    });
    group.levels.slice(1).forEach((range, i) => {
      const below = group.levels[i];
      const child = last(childPoint, below.log);
      const padding = places.bits(0, hash.logArity + range.log - below.log);
      claims.add({
        what: 'hashing: leaf levels',
        parts: [
          places.child(group, range, [...padding, ...child], instance, one),
          places.column(columns.out, below, [...child, ...instance], { c: -1n }),
        ],
        value: tape.constant(0n),
      });
    });
  });

  const parts = (terms: LeafTerm[], query: (g: GroupLayout) => Wire[]): ClaimPart[] =>
    terms.flatMap((term) => {
      const group = layout.groups[term.group];
      return leafParts(tape, layout, places, term, query(group));
    });
  for (const { terms, answers } of foldings) {
    const query = last(queryPoint, layout.groups[terms[0].group].logQueries);
    claims.add({
      what: 'hashing: answers',
      parts: parts(terms, () => query),
      value: extended(tape, answers, query),
    });
  }
  for (const { terms, query, value } of values)
    claims.add({ what: 'hashing: values', parts: parts(terms, () => query), value });
}

/** A term's entries as blocks: of the trees and entries that there are, and no padding. */
function leafParts(
  tape: Tape,
  { hash, groups }: HashingLayout,
  places: Places,
  { group: k, scale, tree, entry }: LeafTerm,
  query: Wire[],
): ClaimPart[] {
  const group = groups[k];
  const [range] = group.levels;
  const blocks = (count: number, point: Wire[], log: number): { weight: Wire; point: Wire[] }[] =>
    alignedBlocks(count, point.length).map((block) => ({
      weight: eqInteger(
        tape,
        block.offset / 2 ** block.log,
        point.slice(0, point.length - block.log),
      ),
      point: [
        ...places.bits(block.offset / 2 ** block.log, log - block.log),
        ...point.slice(point.length - block.log),
      ],
    }));
  const entries = blocks(group.entries, entry, range.log + hash.logArity);
  return blocks(group.trees, tree, group.logTrees).flatMap((t) =>
    entries.map((e) =>
      places.child(group, range, e.point, [...t.point, ...query], {
        v: tape.product([scale, t.weight, e.weight]),
        c: 1n,
      }),
    ),
  );
}
