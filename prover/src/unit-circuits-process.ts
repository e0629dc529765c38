/** The process of `unit-circuits.ts`. */
import { errorJson } from '@attensor/core';
import { Model } from '@attensor/inference';
import { join } from 'node:path';
import { COMMITMENT_FILE, readCommitment } from './commitment/model-commitment.js';
import { CutProver } from './cut-prover.js';
import type { UnitCircuitsCall, UnitCircuitsMessage, UnitCircuitsResult } from './unit-circuits.js';

// ends with the process that started it
process.once('disconnect', () => process.exit());

const tell = (message: UnitCircuitsMessage) => process.send?.(message);

async function work(call: UnitCircuitsCall): Promise<UnitCircuitsResult> {
  const { modelDir, cacheDir } = call;
  const commitment = await readCommitment(join(modelDir, COMMITMENT_FILE));
  if (!('units' in commitment)) throw new Error('the model is not cut into units');
  const model = await Model.open(modelDir);
  const prover = await CutProver.of(model, commitment, { cacheDir });
  return prover.proveCircuits(call, (unit, circuit) => tell({ kind: 'proved', unit, circuit }));
}

process.once('message', (call: UnitCircuitsCall) => {
  void work(call).then(
    (result) => tell({ kind: 'result', result }),
    (error: unknown) => {
      const stack = error instanceof Error ? error.stack : undefined;
      tell({ kind: 'error', error: errorJson(error), stack });
    },
  );
});
