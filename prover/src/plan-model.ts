/** What a whole model costs by its plan: nothing is committed, proved or compiled. */
import type { ModelConfig } from '@attensor/inference';
import { planModelScript } from './commitment/model-commitment.js';
import { nativeTime } from './estimate.js';

export interface ModelPlan {
  /** log2 of the committed size */
  logSize: number;
  cells: number;
  /** of one proof; those of the weights are made once */
  permutations: number;
  /** by circuit */
  rows: number[];
  /** of the native part, weights committed, if a permutation takes this long with all threads */
  nativeSeconds(permutation: number): number;
}

/** @throws UNSUPPORTED_CONFIG when no circuits hold the model */
export async function planModel(config: ModelConfig, capacity: number): Promise<ModelPlan> {
  const { unit, script, segments } = await planModelScript(config, capacity);
  const { logSize, permutations } = script;
  return {
    logSize,
    cells: unit.builder.witness.cells,
    permutations,
    rows: segments.map((s) => s.rows),
    // lookups and the reduction, both over the whole vector
    nativeSeconds: (permutation) =>
      nativeTime(permutation, { permutations, entries: 2 * 2 ** logSize, states: 0 }),
  };
}
