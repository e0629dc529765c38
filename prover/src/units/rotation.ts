/** The tables of RoPE as parameters of a unit. */
import { ropeTables } from '@attensor/inference';
import { dim, type Builder, type Dim } from '../components/builder.js';
import type { RotationTable } from '../components/rope.js';
import { axis, type Tensor } from '../protocol/tensor.js';

/**
 * Cosines and sines as parameters, over (t, pair). A table may cover more positions than a unit has: the unit reads the first rows.
 *
 * @param width of what is rotated
 * @param positions of the table
 */
export function rotationTable(
  builder: Builder,
  t: Dim,
  width: number,
  theta: number,
  positions: number,
): RotationTable {
  const { cos, sin } = ropeTables(theta, width, positions);
  const all = dim('position', positions);
  const skipped = Array.from({ length: all.log - t.log }, () => ({ bit: 0 as const }));
  const view = (part: string, values: ArrayLike<number>): Tensor =>
    builder
      .parameter(() => values, [all, dim('pair', width / 2)], `table.${part}`)
      .split('position', [...skipped, axis('t', t.log)]);
  return { cos: view('cos', cos), sin: view('sin', sin), cosValues: cos, sinValues: sin };
}
