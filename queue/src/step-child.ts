/** The process of `step-process.ts`: `node step-child.js <settings>`. */
import { errorJson } from '@attensor/core';
import { endWithParent } from '@attensor/core/parent-process';
import { ArtifactStore } from './artifacts/artifact-store.js';
import { BadInput, StepInputs, type Kinds } from './kind.js';
import { Plan } from './plan.js';
import type { ProcessSettings, StepAnswer, StepRequest } from './step-process.js';

endWithParent();

const PROGRESS_MS = 500;
const settings = JSON.parse(process.argv[2]) as ProcessSettings;
const artifacts = await ArtifactStore.open(settings.artifacts);
process.env.ATTENSOR_DEVICE = settings.device;

const answer = (message: StepAnswer) => process.send?.(message);

async function run({ plan: hash, step, inputs }: StepRequest): Promise<StepAnswer> {
  try {
    const { kinds } = (await import(settings.kinds)) as { kinds: Kinds };
    const plan = await Plan.get(artifacts, hash);
    let told = 0;
    const bytes = await kinds[plan.json.kind].run({
      plan,
      step,
      inputs: new StepInputs(artifacts, inputs),
      artifacts,
      cacheDir: settings.cacheDir,
      progress: (fraction) => {
        if (Date.now() - told < PROGRESS_MS) return;
        told = Date.now();
        answer({ progress: fraction });
      },
    });
    return { done: { hash: await artifacts.put(bytes), bytes: bytes.length } };
  } catch (error) {
    if (error instanceof BadInput) return { bad: { input: error.input, reason: error.message } };
    return { error: errorJson(error) };
  }
}

process.on('message', (request: StepRequest) => void run(request).then(answer));
