/** Public tables as parameters of a unit. */
import {
  expTable,
  ropeTables,
  sigmoidTable,
  type NodeOf,
  type RopeAngles,
  type Rotation,
} from '@attensor/inference';
import { dim, type Builder, type Dim } from '../components/builder.js';
import { PairTable } from '../components/lookups.js';
import type { RotationTable } from '../components/rope.js';
import { axis, type Tensor } from '../protocol/tensor.js';

export const expPairs = (builder: Builder): PairTable =>
  new PairTable(builder, 'exp', 1, expTable());

export const sigmoidPairs = (builder: Builder): PairTable =>
  new PairTable(builder, 'sigmoid', 2, sigmoidTable());

/**
 * Cosines and sines over (t, pair). A table may cover more positions than a unit has: the unit reads the first rows.
 *
 * @param node one of those that rotate; all have one width
 * @param positions of the table
 */
export function rotationTable(
  builder: Builder,
  t: Dim,
  { dims }: Pick<NodeOf<'rope'>, 'dims'>,
  rotation: Rotation,
  positions: number,
): RotationTable {
  const width = dims[dims.length - 1];
  let made: RopeAngles | undefined;
  const tables = (): RopeAngles => (made ??= ropeTables(rotation, width, positions));
  const all = dim('position', positions);
  const skipped = Array.from({ length: all.log - t.log }, () => ({ bit: 0 as const }));
  const view = (part: 'cos' | 'sin'): Tensor =>
    builder
      .parameter(() => tables()[part], [all, dim('pair', width / 2)], `table.${part}`)
      .split('position', [...skipped, axis('t', t.log)]);
  return { cos: view('cos'), sin: view('sin'), values: tables };
}
