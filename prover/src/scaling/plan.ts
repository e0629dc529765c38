/** What a whole model costs by its plan: nothing is committed, proved or compiled. */
import type { ModelConfig } from '@attensor/inference';
import { plan } from '../circuits/planner.js';
import { nativeTime } from '../component-proof/estimate.js';
import { requiredLogSize, shapeOf } from '../commitment/model-commitment.js';
import { ModelProtocol } from '../units/model.js';
import { openingPermutations } from '../commitment/parameters.js';
import { Session } from '../protocol/session.js';

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
  const logSize = requiredLogSize(config, capacity);
  const protocol = new ModelProtocol(shapeOf(config, capacity, logSize));
  const session = new Session({});
  await protocol.script(session);
  const permutations = openingPermutations(protocol.widths.witness, protocol.opening);
  return {
    logSize,
    cells: protocol.b.witness.cells,
    permutations,
    rows: plan(session.tape).map((s) => s.rows),
    // lookups and the reduction, both over the whole vector
    nativeSeconds: (permutation) =>
      nativeTime(permutation, { permutations, entries: 2 * 2 ** logSize, states: 0 }),
  };
}
