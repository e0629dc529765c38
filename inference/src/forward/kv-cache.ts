/** Keys and values of past positions of one layer: kn (S,H,nope), rotated kr (S,rope), V (S,H,v). */
import type { ModelConfig } from '../config.js';

export interface KeysAndValues {
  kn: BigInt64Array;
  kr: BigInt64Array;
  v: BigInt64Array;
}

/** Keys and values of all positions so far, for every layer. */
export class KvCache {
  private readonly layers: KeysAndValues[];
  private readonly widths: { [K in keyof KeysAndValues]: number };
  private capacity = 0;
  private filled = 0;

  constructor(config: Pick<ModelConfig, 'layers' | 'heads' | 'nope' | 'rope' | 'vDim'>) {
    const { heads, nope, rope, vDim } = config;
    this.widths = { kn: heads * nope, kr: rope, v: heads * vDim };
    this.layers = Array.from({ length: config.layers }, () => ({
      kn: new BigInt64Array(0),
      kr: new BigInt64Array(0),
      v: new BigInt64Array(0),
    }));
  }

  /** Positions whose pass is complete. */
  get length(): number {
    return this.filled;
  }

  /** Stores rows of positions length .. and returns those of all positions so far. */
  append(layer: number, rows: KeysAndValues): KeysAndValues {
    const count = rows.kr.length / this.widths.kr;
    const end = this.filled + count;
    if (end > this.capacity) this.grow(end);
    const stored = this.layers[layer];
    for (const key of ['kn', 'kr', 'v'] as const) {
      stored[key].set(rows[key], this.filled * this.widths[key]);
    }
    return {
      kn: stored.kn.subarray(0, end * this.widths.kn),
      kr: stored.kr.subarray(0, end * this.widths.kr),
      v: stored.v.subarray(0, end * this.widths.v),
    };
  }

  /** Called once per pass, after all layers. */
  advance(count: number): void {
    this.filled += count;
  }

  private grow(end: number): void {
    this.capacity = Math.max(end, 2 * this.capacity, 16);
    for (const layer of this.layers) {
      for (const key of ['kn', 'kr', 'v'] as const) {
        const grown = new BigInt64Array(this.capacity * this.widths[key]);
        grown.set(layer[key]);
        layer[key] = grown;
      }
    }
  }
}
