import { join } from 'node:path';
import { describe, expect, test } from '@jest/globals';
import { evaluate, perplexity, readReference, readValidationTokens } from './eval.js';
import { checkpointDir, withModel } from './testing/fixtures.js';

describe('fidelity to the float reference', () => {
  test.each(['tiny', 'tiny-fp8', 'nano'] as const)(
    '%s: every greedy continuation',
    async (name) => {
      await withModel(name, async (model) => {
        const reference = await readReference(join(checkpointDir(name), 'reference.json'));
        const { prompts, identical } = await evaluate(model, reference);
        expect(prompts.filter((p) => !p.identical)).toEqual([]);
        expect(identical).toBe(10);
      });
    },
  );

  test.each(['v3', 'moonlight', 'kimi-k2', 'v2-lite', 'v2'] as const)(
    '%s in small: every greedy continuation, logits within 0.02',
    async (name) => {
      await withModel(`family/${name}`, async (model) => {
        const path = join(checkpointDir(`family/${name}`), 'reference.json');
        const { identical, maxLogitError } = await evaluate(model, await readReference(path));
        expect(identical).toBe(6);
        expect(maxLogitError).toBeLessThan(0.02);
      });
    },
  );

  test('tiny: perplexity within 0.1 %', async () => {
    await withModel('tiny', async (model) => {
      const reference = await readReference(join(checkpointDir('tiny'), 'reference.json'));
      const tokens = await readValidationTokens(join(checkpointDir('tiny'), 'val_tokens.json'));
      const result = await perplexity(model, tokens, reference.val.window);
      expect(result.predictions).toBe(19968);
      expect(Math.abs(result.perplexity / reference.val.perplexity - 1)).toBeLessThan(0.001);
    });
  });
});
