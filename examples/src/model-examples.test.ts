import { afterAll, beforeAll, describe, expect, it } from '@jest/globals';
import { forward, importCheckpoint, KvCache, Model } from '@attensor/inference';
import { mkdtemp, rm } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { forwardPass } from './integer-forward-pass.js';
import { checkpointOf, modelExamples } from './run-model.js';

let dir: string;
beforeAll(async () => {
  dir = await mkdtemp(join(tmpdir(), 'attensor-examples-'));
});
afterAll(() => rm(dir, { recursive: true, force: true }));

describe('the integer forward pass', () => {
  // nano: one dense layer and one with experts, two heads; tiny: several groups of experts, four heads
  it.each([
    ['nano', [510, 3, 77, 5, 5, 200, 1, 499, 8, 511, 0, 256]],
    ['tiny', [510, 73, 110, 301, 12]],
  ])('gives the logits that inference gives for %s', async (name, tokens) => {
    const modelDir = join(dir, name);
    await importCheckpoint(checkpointOf(name), modelDir);
    const model = await Model.open(modelDir);
    const { logits } = await forward(model, tokens, new KvCache());
    expect((await forwardPass(model, tokens)).flat()).toEqual(Array.from(logits));
  });
});

describe('the examples say', () => {
  const printed = async (name: string, checkpoint = 'nano'): Promise<string[]> => {
    const lines: string[] = [];
    const folder = await mkdtemp(join(dir, 'run-'));
    await modelExamples[name](checkpointOf(checkpoint), folder, (line) => lines.push(line));
    return lines;
  };

  it('generate-text', async () => {
    expect(await printed('generate-text', 'tiny')).toEqual(['" of the church, in"']);
  });

  it('forward-pass', async () => {
    expect(await printed('forward-pass')).toEqual(['next token 297, logit 5.029']);
  });

  it('commit-and-plan', async () => {
    expect(await printed('commit-and-plan')).toEqual([
      // has no salt: the same for every commitment to these embeddings
      'vocabularyRoot 2629820000792485969125746125337933905218705290261670836895806519025852032063',
      expect.stringMatching(/^2 circuits: \d{5} \+ \d{5} rows$/),
    ]);
  });
});
