/**
 * @module layout
 * Where everything lies in the two committed vectors. Three regions of the witness: range-checked cells from 0 up (one
 * lookup covers them all), then values bound by other relations, among them the contiguous operands and multiplicities of the
 * pair tables. Blocks are powers of two; larger ones come first, so that nothing is lost to alignment.
 */
import { present } from '@attensor/core';
import { logOf, Tensor, type Axis, type Block, type Vector } from './tensor.js';
import { ceilLog2 } from './field.js';

/** Values of a block, row-major over its true dimensions. */
export interface Fill {
  dims: number[];
  /** Power-of-two sizes (log) per dimension; entries beyond the true dimensions hold `pad`. */
  logs: number[];
  data: ArrayLike<bigint> | ArrayLike<number>;
  pad: bigint;
}

export type Region = 'cell' | 'free';

interface Entry {
  name: string;
  region: Region;
  log: number;
  block: Block;
}

/** Offsets are assigned by seal(); blocks handed out before are filled in then. */
export class Layout {
  private readonly entries: Entry[] = [];
  private readonly names = new Set<string>();
  /** End of the range-checked cells, set by seal(). */
  cells = 0;
  /** End of the last block, set by seal(): the vector is zero from there. */
  end = 0;

  constructor(readonly vector: Vector) {}

  block(name: string, log: number, region: Region): Block {
    if (this.names.has(name)) throw new RangeError(`layout: ${name} is there twice`);
    this.names.add(name);
    const block = { vector: this.vector, offset: -1, log };
    this.entries.push({ name, region, log, block });
    return block;
  }

  /**
   * Assigns offsets: cells from the bottom, everything else where it first fits after them, larger blocks first.
   * @returns the log of the vector's size
   */
  seal(minimumLog = 0): number {
    const of = (region: Region): Entry[] =>
      this.entries.filter((e) => e.region === region).sort((a, b) => b.log - a.log);
    const total = (entries: Entry[]): number => entries.reduce((n, e) => n + 2 ** e.log, 0);
    const cells = of('cell');
    const free = of('free');
    // Cells are rounded up to whole 64ths of the vector: few aligned blocks then make up the range, and its claim is short.
    for (let log = Math.max(minimumLog, ceilLog2(total(cells) + total(free))); ; log++) {
      const unit = 2 ** Math.max(log - 6, 0);
      this.cells = Math.ceil(total(cells) / unit) * unit;
      let bottom = 0;
      for (const e of cells) {
        e.block.offset = bottom;
        bottom += 2 ** e.log;
      }
      this.end = placeAligned(free, this.cells);
      if (this.end > 2 ** log) continue;
      return log;
    }
  }

  list(): readonly Readonly<Entry>[] {
    return this.entries;
  }
}

/**
 * Offsets from `start` up for blocks in descending order of size, each at a multiple of its size, in the first gap that holds it.
 * @returns the end of the last one
 */
function placeAligned(entries: Entry[], start: number): number {
  let gaps = [{ start, end: Infinity }];
  let end = start;
  for (const { log, block } of entries) {
    const size = 2 ** log;
    const aligned = (at: number): number => Math.ceil(at / size) * size;
    const gap = present(
      gaps.find((g) => aligned(g.start) + size <= g.end),
      'a gap',
    );
    block.offset = aligned(gap.start);
    const after = block.offset + size;
    end = Math.max(end, after);
    gaps = gaps.flatMap((g) =>
      g === gap
        ? [
            { start: g.start, end: block.offset },
            { start: after, end: g.end },
          ].filter((part) => part.start < part.end)
        : [g],
    );
  }
  return end;
}

/** Tensor over a fresh block with these axes. */
export function scalar(layout: Layout, name: string, axes: Axis[], region: Region): Tensor {
  return Tensor.of(layout.block(name, logOf(axes), region), axes);
}

/** Non-negative value of `count` 16-bit cells, lowest first. */
export function unsigned(layout: Layout, name: string, axes: Axis[], count: number): Tensor {
  return Array.from({ length: count }, (_, k) =>
    scalar(layout, `${name}.${k}`, axes, 'cell').times(1n << BigInt(16 * k)),
  ).reduce((a, b) => a.plus(b));
}
