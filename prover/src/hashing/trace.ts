/**
 * @module hashing/trace
 * S from opened leaves, as plain integers: all compressions of all instances. What a group lacks to powers of two are copies of its
 * first tree and its first query, so every relation holds there as well; compressions that belong to no group are of zeros.
 */
import type { FpVec, ProverEngine } from '@attensor/native';
import {
  instanceLog,
  sboxColumns,
  type GroupLayout,
  type HashingLayout,
  type Range,
} from './layout.js';
import type { Compression, OpenedLeaf } from './tree-hash.js';

/** The leaves of a group: of each tree, of each query. */
export interface OpenedGroup {
  indexes: number[];
  opened: OpenedLeaf[][];
}

/** A compression with the place of the node so far among its children, 0 where there is none. */
export interface Step extends Compression {
  position: number;
}

/** One instance's compressions: of its leaf level by level, then of its path. */
export interface InstanceTrace {
  levels: Step[][];
  path: Step[];
}

export function traceInstance(
  { hash }: Pick<HashingLayout, 'hash'>,
  index: number,
  { leaf, path }: OpenedLeaf,
): InstanceTrace {
  const levels = hash
    .leafChildren(leaf)
    .map((level) =>
      level.map((children): Step => ({ ...hash.compression(children), position: 0 })),
    );
  const [[top]] = levels.slice(-1);
  return {
    levels,
    path: hash.pathChildren(top.out, index, path).map((children, step): Step => ({
      ...hash.compression(children),
      position: hash.position(index, step),
    })),
  };
}

/** @returns the instances of a group, trees by queries, padded */
function instancesOf(
  layout: HashingLayout,
  group: GroupLayout,
  given: OpenedGroup,
): InstanceTrace[] {
  const { trees, queries, logTrees, logQueries } = group;
  const traced = given.opened.map((leaves) =>
    leaves.map((leaf, q) => traceInstance(layout, given.indexes[q], leaf)),
  );
  return Array.from({ length: 2 ** logTrees }, (_, t) =>
    Array.from(
      { length: 2 ** logQueries },
      (__, q) => traced[t < trees ? t : 0][q < queries ? q : 0],
    ),
  ).flat();
}

/** Fills S from traced instances: of each group trees by queries, padded. */
export function fillTrace(layout: HashingLayout, instances: InstanceTrace[][]): bigint[] {
  const { hash, columns, logCompressions, logSize } = layout;
  const size = 2 ** logCompressions;
  const out = new Array<bigint>(2 ** logSize).fill(0n);
  const sboxes = sboxColumns(layout).flat();
  const put = (at: number, step: Step): void => {
    step.children.forEach((v, k) => (out[(columns.lanes + k) * size + at] = v));
    step.inputs.slice(hash.width).forEach((v, k) => (out[sboxes[k] * size + at] = v));
    out[columns.out * size + at] = step.out;
    for (let k = 0; k < hash.logArity; k++)
      out[(columns.bits + k) * size + at] = BigInt((step.position >> k) & 1);
  };
  const zeros = hash.compression(new Array<bigint>(hash.width).fill(0n));
  for (let at = 0; at < size; at++) put(at, { ...zeros, position: 0 });
  layout.groups.forEach((group, k) => {
    const count = 2 ** instanceLog(group);
    instances[k].forEach((instance, u) => {
      instance.levels.forEach((level, i) =>
        level.forEach((step, block) => {
          put(group.levels[i].offset + block * count + u, step);
        }),
      );
      instance.path.forEach((step, i) => {
        put(group.path[i].offset + u, step);
      });
    });
  });
  return out;
}

/** S, honestly. */
export const hashingTrace = (layout: HashingLayout, given: OpenedGroup[]): bigint[] =>
  fillTrace(
    layout,
    layout.groups.map((group, k) => instancesOf(layout, group, given[k])),
  );

/** For tests of what a cheat does with them. */
export const hashingInstances = (layout: HashingLayout, given: OpenedGroup[]): InstanceTrace[][] =>
  layout.groups.map((group, k) => instancesOf(layout, group, given[k]));

/** S by the engine: all compressions of one step of all instances at a time. */
export async function filledTrace(
  engine: ProverEngine,
  layout: HashingLayout,
  given: OpenedGroup[],
): Promise<FpVec> {
  const { hash, columns, logCompressions, logSize } = layout;
  const size = 2 ** logCompressions;
  const { width } = hash;
  const nodes: bigint[][] = Array.from({ length: size }, () => []);
  const positions = new Uint8Array(size);
  const compress = async (children: bigint[][]): Promise<bigint[]> => {
    const flat = engine.fromBigints(children.flatMap((c) => padded(c, width)));
    const out = await engine.compress(flat);
    flat.dispose();
    return out.toBigints();
  };
  for (const [k, group] of layout.groups.entries()) {
    const { indexes, opened } = given[k];
    const instances = opened.flatMap((leaves) =>
      leaves.map((leaf, q) => ({ ...leaf, index: indexes[q] })),
    );
    /** Numbers of the instances that stand at each place, copies included. */
    const places = Array.from({ length: 2 ** instanceLog(group) }, (_, u) => {
      const [tree, query] = [u >> group.logQueries, u % 2 ** group.logQueries];
      const [t, q] = [tree < group.trees ? tree : 0, query < group.queries ? query : 0];
      return t * group.queries + q;
    });
    const put = (range: Range, block: number, of: (instance: number) => bigint[]): void => {
      places.forEach((instance, u) => {
        nodes[range.offset + block * places.length + u] = of(instance);
      });
    };
    let below = instances.map(({ leaf }) => leaf);
    for (const range of group.levels) {
      const count = 2 ** range.log;
      const children = below.map((entries) =>
        Array.from({ length: count }, (_, b) => entries.slice(b * width, (b + 1) * width)),
      );
      for (let b = 0; b < count; b++) put(range, b, (instance) => children[instance][b]);
      const out = await compress(children.flat());
      below = instances.map((_, u) => out.slice(u * count, (u + 1) * count));
    }
    let reached = below.map(([top]) => top);
    for (const [step, range] of group.path.entries()) {
      const children = instances.map(({ path, index }, u) => {
        const all = path[step].slice();
        all.splice(hash.position(index, step), 0, reached[u]);
        return all;
      });
      put(range, 0, (instance) => children[instance]);
      places.forEach((instance, u) => {
        positions[range.offset + u] = hash.position(instances[instance].index, step);
      });
      reached = await compress(children);
    }
  }
  const flat = engine.fromBigints(nodes.flatMap((children) => padded(children, width)));
  const trace = await engine.compressionTrace(flat);
  flat.dispose();
  const out = engine.alloc(2 ** logSize);
  out.axpy(0, 1n, trace);
  trace.dispose();
  for (let bit = 0; bit < hash.logArity; bit++)
    out.setInts(
      (columns.bits + bit) * size,
      Int32Array.from(positions, (position) => (position >> bit) & 1),
    );
  return out;
}

const padded = (children: bigint[], width: number): bigint[] =>
  children.length === width
    ? children
    : [...children, ...new Array<bigint>(width - children.length).fill(0n)];
