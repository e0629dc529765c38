/**
 * @module builder
 * Collects what the components of a unit put into the two vectors: blocks with axes, and where their values come from. A builder
 * holds shapes only; the values of one run arrive as `Values` when a vector is filled.
 */
import { ceilLog2 } from '../protocol/field.js';
import { Layout, scalar, unsigned, type Region } from '../protocol/layout.js';
import { axis, type Axis, type Block, type Tensor } from '../protocol/tensor.js';

/** What a witness is filled from: the values of one run. */
export interface Values {
  /** A tensor of the integer trace, by its true dimensions. @throws if the run has no such tensor */
  get(name: string): { dims: number[]; data: BigInt64Array };
  /** Integer weights that the witness depends on; `Builder.weights` names them in advance. */
  weights(name: string): ArrayLike<number>;
  /** The token that the statement requires after each position, or -1 where it requires none. */
  successors(): number[];
}

/** A dimension: its name in scripts, true size, padded log. It may consist of equal blocks, each padded by itself. */
export interface Dim extends Axis {
  size: number;
  /** Entries of a block, and their padded log. */
  block: { size: number; log: number };
}
export function dim(name: string, size: number, blocks = 1): Dim {
  const block = { size: size / blocks, log: ceilLog2(size / blocks) };
  return { name, size, log: ceilLog2(blocks) + block.log, block };
}

/** Whether a dimension has no padding. */
export const isFull = ({ size, log }: Dim): boolean => size === 2 ** log;

/** The index in the true dimension, or -1 for padding. */
export function trueIndex({ size, block }: Dim, at: number): number {
  const inner = at % 2 ** block.log;
  const index = Math.floor(at / 2 ** block.log) * block.size + inner;
  return inner < block.size && index < size ? index : -1;
}

export type Source = (values: Values) => ArrayLike<bigint>;

export interface WitnessFill {
  /** of the tensor, for messages */
  name: string;
  block: Block;
  dims: Dim[];
  source: Source;
  /** (value + offset) >> shift & mask; the padding holds value 0 */
  offset: bigint;
  shift: bigint;
  mask: bigint | undefined;
  /** number of cells of the value, when it is range-checked */
  cells?: number;
  /** what the padding holds instead, where the value has no cells */
  pad?: bigint;
}

export interface ParameterFill {
  tensor: Tensor;
  block: Block;
  dims: Dim[];
  /** The weight's name, or a table computed from the configuration. */
  source: string | (() => ArrayLike<number>);
}

const CELL = 0xffffn;

export class Builder {
  readonly witness = new Layout('witness');
  readonly parameters = new Layout('parameters');
  readonly witnessFills: WitnessFill[] = [];
  readonly parameterFills: ParameterFill[] = [];
  /** Names of the weights that fill the witness too. */
  readonly witnessWeights = new Set<string>();

  private axes(dims: Dim[]): Axis[] {
    return dims.map((d) => axis(d.name, d.log));
  }

  private fillCells(
    name: string,
    tensor: Tensor,
    dims: Dim[],
    offset: bigint,
    source: Source,
  ): void {
    tensor.views.forEach((view, k) => {
      this.witnessFills.push({
        name,
        block: view.block,
        dims,
        source,
        offset,
        shift: BigInt(16 * k),
        mask: CELL,
        cells: tensor.views.length,
      });
    });
  }

  /** Signed value of 16 `cells` bits; an activation has two. */
  signed(name: string, dims: Dim[], source: Source, cells = 2): Tensor {
    const offset = 1n << BigInt(16 * cells - 1);
    const t = unsigned(this.witness, name, this.axes(dims), cells).plusConstant(-offset);
    this.fillCells(name, t, dims, offset, source);
    return t;
  }
  /** Non-negative value below 2^(16 count). */
  unsigned(name: string, dims: Dim[], count: number, source: Source): Tensor {
    const t = unsigned(this.witness, name, this.axes(dims), count);
    this.fillCells(name, t, dims, 0n, source);
    return t;
  }
  /** A value that other relations bind: not range-checked. @param pad what the padding holds */
  free(name: string, dims: Dim[], source: Source, pad?: bigint): Tensor {
    const t = scalar(this.witness, name, this.axes(dims), 'free');
    this.witnessFills.push({
      name,
      block: t.views[0].block,
      dims,
      source,
      offset: 0n,
      shift: 0n,
      mask: undefined,
      pad,
    });
    return t;
  }
  /** Weights as a source: where remainders depend on them. */
  weights(name: string): Source {
    this.witnessWeights.add(name);
    return (values) => Array.from(values.weights(name), BigInt);
  }
  /** A tensor of the parameters. */
  parameter(
    source: string | (() => ArrayLike<number>),
    dims: Dim[],
    name = source as string,
  ): Tensor {
    const t = scalar(this.parameters, name, this.axes(dims), 'free');
    this.parameterFills.push({ tensor: t, block: t.views[0].block, dims, source });
    return t;
  }

  reserve(name: string, log: number, region: Region): Block {
    return this.witness.block(name, log, region);
  }
}

/** Calls visit(index in a row-major padded block, index in the true array or -1 for padding). */
export function padded(dims: Dim[], visit: (at: number, from: number) => void): void {
  const exact = dims.every(isFull);
  const total = 2 ** dims.reduce((s, d) => s + d.log, 0);
  if (exact) {
    for (let i = 0; i < total; i++) visit(i, i);
    return;
  }
  for (let i = 0; i < total; i++) {
    let rest = i;
    let from = 0;
    let stride = 1;
    for (let k = dims.length - 1; k >= 0; k--) {
      const d = dims[k];
      const x = trueIndex(d, rest & ((1 << d.log) - 1));
      rest >>>= d.log;
      if (x < 0) {
        from = -1;
        break;
      }
      from += x * stride;
      stride *= d.size;
    }
    visit(i, from);
  }
}

/** A traced tensor with its dimensions padded to powers of two, the padding zero. */
export function paddedTensor({
  dims,
  data,
}: {
  dims: number[];
  data: BigInt64Array;
}): BigInt64Array {
  const sizes = dims.map((size, k) => dim(String(k), size));
  if (sizes.every(isFull)) return data;
  const out = new BigInt64Array(2 ** sizes.reduce((sum, d) => sum + d.log, 0));
  padded(sizes, (at, from) => {
    if (from >= 0) out[at] = data[from];
  });
  return out;
}

/** Elementwise source over traced tensors. */
export function mapTrace(names: string[], f: (...values: bigint[]) => bigint): Source {
  return (values) => {
    const arrays = names.map((n) => values.get(n).data);
    const out = new Array<bigint>(arrays[0].length);
    for (let i = 0; i < out.length; i++) out[i] = f(...arrays.map((a) => a[i]));
    return out;
  };
}

export const fromTrace =
  (name: string): Source =>
  (values) =>
    values.get(name).data;
