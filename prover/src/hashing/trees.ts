/**
 * @module hashing/trees
 * Committing to codewords by the root of a tree of compressions: what level 2 proves the hashing of.
 */
import type { ProverEngine } from '@attensor/native';
import { CAPS, type Scheme } from '../commitment/scheme.js';
import { LOG_LEAF } from '../commitment/parameters.js';
import { PlainTree, TreeHash } from './tree-hash.js';

/** The hash of all trees whose hashing is proved. */
export const TREE_HASH = new TreeHash(8);

/**
 * The leaves of a tree are the columns of a codeword, but not in the codeword's order: the leaves with one node above them are at the
 * points of a coset, where what is computed at one serves all.
 *
 * @param bits of a leaf's number, lowest first
 * @returns bits of its column's number
 */
export const columnBits = <Bit>(bits: Bit[]): Bit[] => [
  ...bits.slice(TREE_HASH.logArity),
  ...bits.slice(0, TREE_HASH.logArity),
];

/** The column of a codeword of 2^logDomain entries that leaf `index` is. */
export function columnOf(logDomain: number, index: number): number {
  const arity = 2 ** Math.min(TREE_HASH.logArity, logDomain);
  return (index % arity) * (2 ** logDomain / arity) + Math.floor(index / arity);
}

/** Hashes of leaves of one width. */
export async function hashLeaves(engine: ProverEngine, leaves: bigint[][]): Promise<bigint[]> {
  const { width } = TREE_HASH;
  const [{ length: entries }] = leaves;
  let below = leaves;
  for (const log of TREE_HASH.leafLevels(entries)) {
    const count = 2 ** log;
    const children = engine.fromBigints(
      below.flatMap((nodes) => Array.from({ length: width * count }, (_, k) => nodes[k] ?? 0n)),
    );
    const out = (await engine.compress(children)).toBigints();
    children.dispose();
    below = leaves.map((_, u) => out.slice(u * count, (u + 1) * count));
  }
  return below.map(([hash]) => hash);
}

export const TREES: Scheme = {
  nodes: 1,
  async commit(engine, vector, logSize, width, options) {
    const logRow = logSize - LOG_LEAF;
    const rows = vector.slice(0, width * 2 ** logRow);
    const tree = await engine.commitTree(rows, { ...options, logRow });
    return {
      logDomain: tree.logDomain,
      cap: [tree.root],
      open: (index) => tree.open(index),
      serializeTree: () => tree.serializeTree(),
      dispose: () => {
        tree.dispose();
      },
    };
  },
};

/** The same as plain integers over the engine's codeword, for any width: a reference for small vectors. */
export const plainTrees = (hash: TreeHash): Scheme => ({
  nodes: 1,
  async commit(engine, vector, logSize, width, options) {
    const codeword = await CAPS.commit(engine, vector, logSize, width, options);
    const { logDomain } = codeword;
    const leaves = Array.from(
      { length: 2 ** logDomain },
      (_, i) => codeword.open(columnOf(logDomain, i)).leaf,
    );
    codeword.dispose();
    const tree = new PlainTree(hash, leaves);
    return {
      logDomain,
      cap: [tree.root],
      open: (index) => tree.open(index),
      serializeTree: () => Promise.resolve(tree.serialize()),
      dispose: () => undefined,
    };
  },
});
