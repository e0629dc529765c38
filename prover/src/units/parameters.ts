/**
 * @module units/parameters
 * The integers of a unit's parameters by ranges: weights and tables in their blocks, dimensions padded to powers of two, zeros between
 * the blocks.
 */
import { AttensorError, present } from '@attensor/core';
import type { Integers } from '../commitment/integers.js';
import type { Dim, ParameterFill } from '../components/builder.js';
import type { WeightedUnit } from './unit.js';

/** Entries of a padded block that are read at a time. */
const PIECE = 2 ** 22;

/** Up to the last block's end. @throws BAD_MODEL when a weight has another size than the unit */
export function parameterIntegers<Source>(
  { builder, weight }: Pick<WeightedUnit<Source>, 'builder' | 'weight'>,
  source: Source,
): Integers {
  const blocks = builder.parameterFills
    .map((fill) => blockOf(fill, (name) => weight(source, name)))
    .sort((a, b) => a.offset - b.offset);
  return {
    length: builder.parameters.end,
    async read(from, into) {
      into.fill(0);
      const to = from + into.length;
      for (const block of blocks) {
        const low = Math.max(from, block.offset);
        const high = Math.min(to, block.offset + block.size);
        if (low < high)
          await block.read(low - block.offset, into.subarray(low - from, high - from));
      }
    },
  };
}

interface PlacedBlock {
  offset: number;
  size: number;
  /** Fills what is not padding; the rest is zero already. */
  read(from: number, into: Int32Array): Promise<void>;
}

function blockOf(
  { block, dims, source }: ParameterFill,
  weight: (name: string) => Integers,
): PlacedBlock {
  const named = typeof source === 'string';
  const values = named ? weight(source) : table(source);
  const expected = dims.reduce((p, d) => p * d.size, 1);
  if (values.length !== expected)
    throw new AttensorError({
      code: 'BAD_MODEL',
      what: 'a tensor has another size than the architecture',
      where: named ? source : 'table',
      expected: String(expected),
      got: String(values.length),
      hint: 'Import the checkpoint again',
    });
  const rows = new PaddedRows(dims);
  return {
    offset: block.offset,
    size: 2 ** block.log,
    async read(from, into) {
      for (let at = 0; at < into.length; at += PIECE)
        await rows.read(values, from + at, into.subarray(at, at + PIECE));
    },
  };
}

/** Computed once, when it is known that it is read. */
function table(source: () => ArrayLike<number>): Integers {
  const values = Int32Array.from(source());
  return {
    length: values.length,
    read(from, into) {
      into.set(values.subarray(from, from + into.length));
    },
  };
}

/** A row-major tensor in a block whose dimensions are padded: true rows of `width` entries, each at a multiple of `stride`. */
class PaddedRows {
  private readonly width: number;
  private readonly stride: number;
  /** Numbers the rows, padded ones among them. */
  private readonly outer: { size: number; padded: number }[];

  constructor(dims: Dim[]) {
    const levels = dims.flatMap(({ size, log, block }) => [
      { size: size / block.size, padded: 2 ** (log - block.log) },
      { size: block.size, padded: 2 ** block.log },
    ]);
    let [width, stride] = [1, 1];
    while (levels.length > 0 && width === stride) {
      const { size, padded } = present(levels.pop());
      width *= size;
      stride *= padded;
    }
    this.width = width;
    this.stride = stride;
    this.outer = levels.reverse();
  }

  /** Number of the true row that stands at row `at`, or -1 for padding. */
  private trueRow(at: number): number {
    let row = 0;
    let unit = 1;
    for (const { size, padded } of this.outer) {
      const index = at % padded;
      if (index >= size) return -1;
      row += index * unit;
      unit *= size;
      at = Math.floor(at / padded);
    }
    return row;
  }

  /** The true entries among [from, to) of the block, row by row: where they are in the block, in the tensor, and how many. */
  private *runs(from: number, to: number): Generator<[at: number, index: number, count: number]> {
    const { width, stride } = this;
    for (let row = Math.floor(from / stride); row * stride < to; row++) {
      const low = Math.max(from, row * stride);
      const high = Math.min(to, row * stride + width);
      const index = low < high ? this.trueRow(row) : -1;
      if (index >= 0) yield [low, index * width + low - row * stride, high - low];
    }
  }

  /** Fills what is not padding of the block's entries from `from` on. */
  async read(values: Integers, from: number, into: Int32Array): Promise<void> {
    const to = from + into.length;
    if (this.outer.length === 0 && this.width === this.stride) {
      await values.read(from, into);
      return;
    }
    // rows that follow each other in the block do so in the tensor
    let first = -1;
    let end = -1;
    for (const [, index, count] of this.runs(from, to)) {
      if (first < 0) first = index;
      end = index + count;
    }
    if (first < 0) return;
    const found = new Int32Array(end - first);
    await values.read(first, found);
    for (const [at, index, count] of this.runs(from, to))
      into.set(found.subarray(index - first, index - first + count), at - from);
  }
}
