/** Keys and values of past positions: results of the architecture that later positions read. */

/** Keys and values of all positions so far, for every layer. */
export class KvCache {
  private readonly stored = new Map<string, BigInt64Array>();
  private filled = 0;

  /** Positions whose pass is complete. */
  get length(): number {
    return this.filled;
  }

  /**
   * Stores what a pass gives for positions length .., and returns it for all positions so far.
   *
   * @param name of the result
   * @param count of positions
   */
  append(name: string, rows: BigInt64Array, count: number): BigInt64Array {
    const width = rows.length / count;
    const [from, to] = [this.filled * width, (this.filled + count) * width];
    let all = this.stored.get(name) ?? new BigInt64Array(0);
    if (all.length < to) {
      const grown = new BigInt64Array(Math.max(to, 2 * all.length, 16 * width));
      grown.set(all);
      this.stored.set(name, (all = grown));
    }
    all.set(rows, from);
    return all.subarray(0, to);
  }

  /** Called once per pass, after all layers. */
  advance(count: number): void {
    this.filled += count;
  }
}
