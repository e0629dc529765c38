/**
 * Runs an example on one of the repository's small models: `node examples/dist/run-model.js <name> [nano | tiny]`.
 */
import { importCheckpoint, Model } from '@attensor/inference';
import { mkdtemp, rm } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { fileURLToPath } from 'node:url';
import { continueText } from './generate-text.js';
import { forwardPass } from './integer-forward-pass.js';
import { commitAndPlan, proveAnswer } from './prove-answer.js';

type Print = (line: string) => void;

const PROMPT = 'In the beginning';

/** Each takes a folder that is empty and removed afterwards. */
export const modelExamples: Record<
  string,
  (checkpoint: string, dir: string, print: Print) => Promise<void>
> = {
  'generate-text': async (checkpoint, dir, print) => {
    print(JSON.stringify(await continueText(checkpoint, join(dir, 'model'), PROMPT, 8)));
  },

  'forward-pass': async (checkpoint, dir, print) => {
    await importCheckpoint(checkpoint, join(dir, 'model'));
    const model = await Model.open(join(dir, 'model'));
    const logits = (await forwardPass(model, [model.config.bos ?? 0, 73, 110])).at(-1) as bigint[];
    const next = logits.reduce((best, logit, id) => (logit > logits[best] ? id : best), 0);
    print(`next token ${next}, logit ${(Number(logits[next]) / 2 ** 32).toFixed(3)}`);
  },

  'commit-and-plan': async (checkpoint, dir, print) => {
    await importCheckpoint(checkpoint, join(dir, 'model'));
    const { vocabularyRoot, rows } = await commitAndPlan(join(dir, 'model'), 4);
    print(`vocabularyRoot ${vocabularyRoot}`);
    print(`${rows.length} circuits: ${rows.join(' + ')} rows`);
  },

  'prove-answer': async (checkpoint, dir, print) => {
    await importCheckpoint(checkpoint, join(dir, 'model'));
    await commitAndPlan(join(dir, 'model'), 4);
    const { valid, checked } = await proveAnswer(join(dir, 'model'), 'I', 1);
    print(`${valid ? 'valid' : 'NOT VALID'}: ${checked.join(', ')}`);
  },
};

export function checkpointOf(name: string): string {
  return fileURLToPath(new URL(`../../models/${name}`, import.meta.url));
}

if (process.argv[1] === fileURLToPath(import.meta.url)) {
  const [, , name, model = 'nano'] = process.argv;
  const example = modelExamples[name];
  if (example === undefined) {
    console.error(`usage: run-model.js <${Object.keys(modelExamples).join(' | ')}> [nano | tiny]`);
    process.exitCode = 1;
  } else {
    const dir = await mkdtemp(join(tmpdir(), 'attensor-example-'));
    try {
      await example(checkpointOf(model), dir, console.log);
    } finally {
      await rm(dir, { recursive: true, force: true });
    }
  }
}
