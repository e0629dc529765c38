/** Where a component runs: names its errors. */
import { AttensorError } from '../errors.js';

export interface Site {
  /** As in the trace: `layers.1.wq_a`. */
  readonly component: string;
  /** Token position of a row of the component's input. */
  position(row: number): number;
}

/** A site outside a model, for tests and single components. */
export function site(component: string, position: (row: number) => number = (row) => row): Site {
  return { component, position };
}

export function overflow(
  at: Site,
  row: number,
  column: number,
  expected: string,
  got: bigint | number,
): AttensorError {
  const layer = /^layers\.(\d+)\.(.*)$/.exec(at.component);
  const place = layer ? `layer ${layer[1]}, component ${layer[2]}` : `component ${at.component}`;
  return new AttensorError({
    code: 'OVERFLOW',
    what: 'a value leaves its declared width',
    where: `${place}, position ${at.position(row)}, index ${column}`,
    expected,
    got: String(got),
    hint: 'The fixed-point range does not hold this activation; the model cannot be run exactly on this input',
  });
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
