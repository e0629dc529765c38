/**
 * @module tree-hash
 * The hash of Merkle trees behind one seam: a compression of 2^logArity elements to one, and what trees make of it. Leaves are rows of
 * elements, hashed as small trees themselves: their entries, padded with zeros to a power of two, are the lowest children. A tree of
 * 2^depth leaves takes the lowest logArity bits of a leaf's index first; a root with fewer children has zeros in place of the others.
 *
 * Neither leaves nor nodes are marked. Whoever opens a tree fixes its depth and the width of its leaves as constants, so each
 * compression has one place, and two openings of one place under one root are a collision of the compression.
 */
import { add, ceilLog2, log2 } from '../protocol/field.js';
import { permute, poseidon2, trace, type Poseidon2, type Width } from './poseidon2.js';

/** What a verifier of paths knows of a tree. */
export interface TreeShape {
  /** elements of a leaf */
  entries: number;
  /** log2 of the number of leaves */
  depth: number;
}

/** A leaf with what leads from it to the root. */
export interface OpenedLeaf {
  leaf: bigint[];
  /** of each step from the leaf up: the other children of the node above, in order */
  path: bigint[][];
}

/** A compression in full. */
export interface Compression {
  /** the permutation's state before its first layer */
  children: bigint[];
  /** of all S-boxes, round by round */
  inputs: bigint[];
  out: bigint;
}

export class TreeHash {
  private readonly permutation: Poseidon2;
  /** log2 of a node's children, which fill the permutation's state. */
  readonly logArity: number;

  constructor(readonly width: Width) {
    this.permutation = poseidon2(width);
    this.logArity = log2(width);
  }

  get instance(): Poseidon2 {
    return this.permutation;
  }

  /** The permutation's first element plus the first child, as in section 3 of the Poseidon2 paper. */
  node(children: bigint[]): bigint {
    return add(permute(this.permutation, children)[0], children[0]);
  }

  /** The same with what a proof of it commits to. */
  compression(children: bigint[]): Compression {
    const { inputs, out } = trace(this.permutation, children);
    return { children, inputs, out: add(out[0], children[0]) };
  }

  /** log2 of the compressions on each level of a leaf's own tree, the lowest first; the last is 0. */
  leafLevels(entries: number): number[] {
    const levels: number[] = [];
    let log = ceilLog2(entries);
    do {
      log = Math.max(0, log - this.logArity);
      levels.push(log);
    } while (log > 0);
    return levels;
  }

  /** Compressions from a leaf's hash to the root. */
  pathSteps(depth: number): number {
    return Math.ceil(depth / this.logArity);
  }

  /** Compressions that check an opened leaf. */
  steps({ entries, depth }: TreeShape): number {
    const leaf = this.leafLevels(entries).reduce((sum, log) => sum + 2 ** log, 0);
    return leaf + this.pathSteps(depth);
  }

  /** The children of each compression on each level of a leaf's own tree, the lowest first. */
  leafChildren(entries: bigint[]): bigint[][][] {
    let below = entries;
    return this.leafLevels(entries.length).map((log) => {
      const children = Array.from({ length: 2 ** log }, (_, k) => this.group(below, k));
      below = children.map((c) => this.node(c));
      return children;
    });
  }

  leaf(entries: bigint[]): bigint {
    const [[top]] = this.leafChildren(entries).slice(-1);
    return this.node(top);
  }

  /** The children of node k of a level, zeros where there are none. */
  private group(level: bigint[], k: number): bigint[] {
    return Array.from({ length: this.width }, (_, i) => level[k * this.width + i] ?? 0n);
  }

  /** All levels of a tree over the hashes of its leaves, the root last. */
  levels(hashes: bigint[]): bigint[][] {
    const levels = [hashes];
    for (let below = hashes; below.length > 1; levels.push(below))
      below = Array.from({ length: Math.ceil(below.length / this.width) }, (_, k) =>
        this.node(this.group(below, k)),
      );
    return levels;
  }

  /** Where the node so far stands at a step. */
  position(index: number, step: number): number {
    return Math.floor(index / this.width ** step) % this.width;
  }

  /** The children on the way up from the leaf's hash, the node so far among them. */
  pathChildren(hash: bigint, index: number, path: bigint[][]): bigint[][] {
    let node = hash;
    return path.map((siblings, step) => {
      const children = siblings.slice();
      children.splice(this.position(index, step), 0, node);
      node = this.node(children);
      return children;
    });
  }

  /** Whether the leaf stands at `index` of a tree with this root. */
  verify(shape: TreeShape, root: bigint, index: number, { leaf, path }: OpenedLeaf): boolean {
    if (leaf.length !== shape.entries || path.length !== this.pathSteps(shape.depth)) return false;
    if (path.some((siblings) => siblings.length !== this.width - 1)) return false;
    if (!Number.isInteger(index) || index < 0 || index >= 2 ** shape.depth) return false;
    const hash = this.leaf(leaf);
    const [top] = this.pathChildren(hash, index, path).slice(-1);
    return (path.length === 0 ? hash : this.node(top)) === root;
  }
}

/** A tree with all its leaves, as plain integers. */
export class PlainTree {
  private readonly levels: bigint[][];

  /** @throws RangeError unless there are 2^i leaves of one width */
  constructor(
    private readonly hash: TreeHash,
    readonly leaves: bigint[][],
  ) {
    if (leaves.length === 0 || 2 ** ceilLog2(leaves.length) !== leaves.length)
      throw new RangeError(`tree: ${leaves.length} leaves, expected a power of two`);
    if (leaves.some((leaf) => leaf.length !== leaves[0].length || leaf.length === 0))
      throw new RangeError('tree: leaves of different widths, or empty ones');
    this.levels = hash.levels(leaves.map((leaf) => hash.leaf(leaf)));
  }

  get shape(): TreeShape {
    return { entries: this.leaves[0].length, depth: log2(this.leaves.length) };
  }

  get root(): bigint {
    return this.levels[this.levels.length - 1][0];
  }

  /** As the engine stores trees: a header, then the nodes above the leaves' hashes level by level, 32 bytes little-endian each. */
  serialize(): Uint8Array {
    const nodes = this.levels.slice(this.levels.length > 1 ? 1 : 0).flat();
    const { entries, depth } = this.shape;
    const out = Buffer.alloc(8 + 32 * nodes.length);
    out.write('ATTR');
    out.set([4, depth, entries, this.hash.logArity], 4);
    nodes.forEach((node, k) => {
      const bytes = Buffer.from(node.toString(16).padStart(64, '0'), 'hex').reverse();
      out.set(bytes, 8 + 32 * k);
    });
    return new Uint8Array(out.buffer, out.byteOffset, out.length);
  }

  open(index: number): OpenedLeaf {
    const { hash, levels } = this;
    const path = levels.slice(0, -1).map((level, step) => {
      const position = hash.position(index, step);
      const first = Math.floor(index / hash.width ** (step + 1)) * hash.width;
      return Array.from({ length: hash.width }, (_, k) => level[first + k] ?? 0n).filter(
        (_, k) => k !== position,
      );
    });
    return { leaf: this.leaves[index], path };
  }
}
