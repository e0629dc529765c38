/** The ledger's Merkle tree: leaves in the order accounts were created, empty subtrees not stored. */
import { emptyAccountHash, merge, type PathElement } from '@attensor/contracts/ledger';

/** As on Mina's networks: paths have this length, whatever the number of accounts. */
export const LEDGER_DEPTH = 35;

export class LedgerTree {
  /** `levels[h]`: the nodes at height h that are not empty, from the left. */
  private readonly levels: bigint[][] = Array.from({ length: LEDGER_DEPTH + 1 }, () => []);
  private readonly empty: bigint[];

  constructor() {
    this.empty = [emptyAccountHash()];
    for (let height = 0; height < LEDGER_DEPTH; height++) {
      this.empty.push(merge(height, this.empty[height], this.empty[height]));
    }
  }

  get root(): bigint {
    return this.levels[LEDGER_DEPTH][0] ?? this.empty[LEDGER_DEPTH];
  }

  /**
   * Replaces leaves; new ones must follow the last one. Every node above is computed once.
   *
   * @returns what makes the tree what it was
   */
  set(leaves: Map<number, bigint>): () => void {
    const lengths = this.levels.map((level) => level.length);
    const replaced: [height: number, index: number, node: bigint][] = [];
    const put = (height: number, index: number, node: bigint) => {
      if (index < lengths[height]) replaced.push([height, index, this.levels[height][index]]);
      this.levels[height][index] = node;
    };
    for (const [index, leaf] of [...leaves].sort(([a], [b]) => a - b)) put(0, index, leaf);
    let changed = new Set(leaves.keys());
    for (let height = 0; height < LEDGER_DEPTH; height++) {
      const parents = new Set([...changed].map((index) => index >> 1));
      for (const index of parents) {
        const [left, right] = [2 * index, 2 * index + 1].map((child) => this.node(height, child));
        put(height + 1, index, merge(height, left, right));
      }
      changed = parents;
    }
    return () => {
      lengths.forEach((length, height) => (this.levels[height].length = length));
      for (const [height, index, node] of replaced) this.levels[height][index] = node;
    };
  }

  leaf(index: number): bigint {
    return this.node(0, index);
  }

  /** From the leaf up. `left` means: the leaf is on the left, this is its right sibling. */
  path(index: number): PathElement[] {
    return Array.from({ length: LEDGER_DEPTH }, (_, height) => {
      const at = Math.floor(index / 2 ** height);
      const sibling = this.node(height, at ^ 1);
      return at % 2 === 0 ? { left: sibling } : { right: sibling };
    });
  }

  private node(height: number, index: number): bigint {
    return this.levels[height][index] ?? this.empty[height];
  }
}
