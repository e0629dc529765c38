/** Fills the witness vector of one inference from its trace. */
import { AttensorError, type Trace as TraceMap } from '@attensor/inference';
import type { Builder, Trace } from '../components/builder.js';
import { padded } from '../components/builder.js';
import type { Lookups } from '../components/lookups.js';

/** The trace by name; a missing tensor is an error that names it. */
export function traceOf(map: TraceMap): Trace {
  return {
    get(name) {
      const found = map.get(name);
      if (!found) throw new Error(`trace: no tensor ${name}`);
      return found;
    },
  };
}

/** All values as signed integers. @throws OVERFLOW when a value does not fit its cells */
export function witnessInts(
  b: Builder,
  lookups: Lookups | undefined,
  trace: Trace,
  logSize: number,
): BigInt64Array {
  const out = new BigInt64Array(2 ** logSize);
  // The cells of one value share a source: evaluate it once.
  let lastSource: unknown;
  let values: ArrayLike<bigint> = [];
  for (const { name, block, dims, source, offset, shift, mask, cells } of b.witnessFills) {
    if (source !== lastSource) {
      values = source(trace);
      lastSource = source;
      const expected = dims.reduce((p, d) => p * d.size, 1);
      if (values.length !== expected)
        throw new RangeError(
          `witness: a block of ${dims.map((d) => d.name).join()} got ${values.length} values, expected ${expected}`,
        );
      if (cells !== undefined) {
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
    }
    const at = block.offset;
    if (mask === undefined)
      padded(dims, (to, from) => (out[at + to] = from < 0 ? 0n : values[from]));
    else
      padded(dims, (to, from) => {
        out[at + to] = (((from < 0 ? 0n : values[from]) + offset) >> shift) & mask;
      });
  }
  lookups?.complete(out);
  return out;
}
