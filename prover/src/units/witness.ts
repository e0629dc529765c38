/** Fills the two vectors of a unit. */
import { AttensorError } from '@attensor/inference';
import type { Builder, Values } from '../components/builder.js';
import { padded } from '../components/builder.js';
import type { Run, Unit } from './unit.js';

/**
 * What fills the witness of one run.
 *
 * @param weights by name: those that `Builder.witnessWeights` lists
 */
export function valuesOf(
  unit: { successors(run: Run): number[] },
  run: Run,
  weights: ReadonlyMap<string, ArrayLike<number>>,
): Values {
  const found = <T>(value: T | undefined, what: string): T => {
    if (value === undefined) throw new Error(`witness: no ${what}`);
    return value;
  };
  return {
    get: (name) => found(run.tensors.get(name), `tensor ${name} in the trace`),
    weights: (name) => found(weights.get(name), `weight ${name}`),
    successors: () => unit.successors(run),
  };
}

/** The witness's values as signed integers, its multiplicities counted. @throws OVERFLOW when a value does not fit its cells */
export function witnessInts(
  { builder, lookups }: Pick<Unit, 'builder' | 'lookups'>,
  from: Values,
  logSize: number,
): BigInt64Array {
  const out = new BigInt64Array(2 ** logSize);
  fillWitness(builder, from, out, requireRange);
  lookups?.complete(out);
  return out;
}

type Fill = Builder['witnessFills'][number];

/**
 * Writes every block's values but the multiplicities.
 *
 * @param check sees the values of a block before they are cut into cells
 */
export function fillWitness(
  builder: Builder,
  from: Values,
  out: BigInt64Array,
  check?: (fill: Fill, values: ArrayLike<bigint>) => void,
): void {
  // The cells of one value share a source: evaluate it once.
  let lastSource: unknown;
  let values: ArrayLike<bigint> = [];
  for (const fill of builder.witnessFills) {
    const { block, dims, source, offset, shift, mask, pad = 0n } = fill;
    if (source !== lastSource) {
      values = source(from);
      lastSource = source;
      const expected = dims.reduce((p, d) => p * d.size, 1);
      if (values.length !== expected)
        throw new RangeError(
          `witness: a block of ${dims.map((d) => d.name).join()} got ${values.length} values, expected ${expected}`,
        );
      check?.(fill, values);
    }
    const at = block.offset;
    if (mask === undefined)
      padded(dims, (to, i) => {
        out[at + to] = i < 0 ? pad : values[i];
      });
    else
      padded(dims, (to, i) => {
        out[at + to] = (((i < 0 ? 0n : values[i]) + offset) >> shift) & mask;
      });
  }
}

function requireRange({ name, offset, cells }: Fill, values: ArrayLike<bigint>): void {
  if (cells === undefined) return;
  const limit = 1n << BigInt(16 * cells);
  for (let i = 0; i < values.length; i++) {
    const v = values[i] + offset;
    if (v < 0n || v >= limit)
      throw new AttensorError({
        code: 'OVERFLOW',
        what: 'a value does not fit the cells that prove its range',
        where: `${name}, entry ${i}`,
        expected: `${-offset} .. ${limit - offset - 1n}`,
        got: String(values[i]),
      });
  }
}
