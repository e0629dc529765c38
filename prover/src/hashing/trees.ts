/**
 * @module hashing/trees
 * Committing to codewords by the root of a tree of compressions: what level 2 proves the hashing of.
 */
import { CAPS, type Scheme } from '../commitment/scheme.js';
import { LOG_LEAF } from '../commitment/parameters.js';
import { PlainTree, TreeHash } from './tree-hash.js';

/** The hash of all trees whose hashing is proved. */
export const TREE_HASH = new TreeHash(8);

/** Numbers, in a stored tree, of the other children on the way from a leaf to the root. */
function siblings({ width, logArity }: TreeHash, logDomain: number, index: number): number[][] {
  let size = 2 ** logDomain;
  let layer = 0;
  return Array.from({ length: Math.ceil(logDomain / logArity) }, (_, step) => {
    const own = Math.floor(index / width ** step);
    const first = own - (own % width);
    const [start, count] = [layer, size];
    layer += size;
    size = Math.ceil(size / width);
    return Array.from({ length: width }, (__, k) => first + k)
      .filter((at) => at !== own)
      .map((at) => (at < count ? start + at : -1));
  });
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
  siblings: (logDomain, index) => siblings(TREE_HASH, logDomain, index),
};

/** The same as plain integers over the engine's codeword, for any width: a reference for small vectors. */
export const plainTrees = (hash: TreeHash): Scheme => ({
  nodes: 1,
  async commit(engine, vector, logSize, width, options) {
    const codeword = await CAPS.commit(engine, vector, logSize, width, options);
    const { logDomain } = codeword;
    const leaves = Array.from({ length: 2 ** logDomain }, (_, i) => codeword.open(i).leaf);
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
  siblings: (logDomain, index) => siblings(hash, logDomain, index),
});
