/** Where a component runs: names its errors. */
import { AttensorError } from '@attensor/core';

/** Where a component runs, for errors: its name, and the position of each row. */
export interface Site {
  /** As in the trace: `layers.1.wq_a`. */
  readonly component: string;
  /** Token position of a row of the component's input. */
  position(row: number): number;
  /** The result's columns may be some of a wider one: where they begin. */
  readonly firstColumn?: number;
  /** Which of several sequences a row belongs to. */
  sequence?(row: number): number;
}

/** A site outside a model, for tests and single components. */
export function site(component: string, position: (row: number) => number = (row) => row): Site {
  return { component, position };
}

/** A failure at a row and column of a component: overflow, or a zero sum. */
export function place(
  at: Site,
  code: 'OVERFLOW' | 'ZERO_SUM' | 'INTERNAL',
  row: number,
  column: number,
  expected: string,
  got: string,
  cause?: unknown,
): AttensorError {
  const layer = /^layers\.(\d+)\.(.*)$/.exec(at.component);
  const component = layer
    ? `layer ${layer[1]}, component ${layer[2]}`
    : `component ${at.component}`;
  const index = column + (at.firstColumn ?? 0);
  const sequence = at.sequence ? `request ${at.sequence(row) + 1}, ` : '';
  const where = `${component}, ${sequence}position ${at.position(row)}, index ${index}`;
  return new AttensorError({ code, ...TEXT[code], where, expected, got, cause });
}

const TEXT = {
  OVERFLOW: {
    what: 'a value exceeds its declared width',
    hint: 'The fixed-point range does not hold this activation; the model cannot run exactly on this input',
  },
  ZERO_SUM: {
    what: 'the scores of all selected experts are zero, so their weights are undefined',
    hint: 'The model cannot run on this input',
  },
  INTERNAL: { what: 'a kernel failed', hint: 'Report this with the input' },
};

export function overflow(
  at: Site,
  row: number,
  column: number,
  expected: string,
  got: bigint | number,
): AttensorError {
  return place(at, 'OVERFLOW', row, column, expected, String(got));
}

export const INT32_RANGE = '-2^31 <= value < 2^31';
export const ACC_RANGE = '-2^47 <= acc < 2^47';

/** Rejects an array whose length is not the product of its dims. */
export function expectLength(at: Site, name: string, got: number, ...dims: number[]): void {
  const expected = dims.reduce((a, b) => a * b, 1);
  if (!dims.every((d) => Number.isInteger(d) && d >= 0) || got !== expected) {
    throw new AttensorError({
      code: 'BAD_SHAPE',
      what: `${name} has the wrong length`,
      where: at.component,
      expected: `${dims.join(' x ')} = ${expected}`,
      got: String(got),
    });
  }
}

/** Activations (rows, width) as numbers. @throws OVERFLOW if one is not a signed 32-bit integer. */
export function activations(at: Site, values: BigInt64Array, width: number): Float64Array {
  const out = new Float64Array(values.length);
  const halves = new Int32Array(values.buffer, values.byteOffset, 2 * values.length);
  for (let i = 0; i < out.length; i++) {
    out[i] = halves[2 * i];
    if (halves[2 * i + 1] !== halves[2 * i] >> 31) {
      throw overflow(at, Math.floor(i / width), i % width, INT32_RANGE, values[i]);
    }
  }
  return out;
}
