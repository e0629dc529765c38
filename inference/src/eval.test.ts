import { writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import { describe, expect, test } from '@jest/globals';
import { perplexity, readReference, readValidationTokens } from './eval.js';
import { failure, withModel, withTempDir } from './testing/fixtures.js';

describe('bad references', () => {
  test('are clear errors', async () => {
    await withTempDir(async (dir) => {
      const path = join(dir, 'reference.json');
      expect(await failure(readReference(path))).toMatchObject({ code: 'NOT_FOUND' });
      for (const text of ['', '{}', '{"val": {}, "prompts": []}']) {
        await writeFile(path, text);
        expect(await failure(readReference(path))).toMatchObject({ code: 'BAD_REFERENCE' });
      }
      await writeFile(path, '[1, "2"]');
      expect(await failure(readValidationTokens(path))).toMatchObject({ code: 'BAD_REFERENCE' });
    });
    await withModel('nano', async (model) => {
      expect(await failure(perplexity(model, [1, 2], 128))).toMatchObject({ code: 'BAD_ARGUMENT' });
      const tokens = Array<number>(129).fill(600);
      expect(await failure(perplexity(model, tokens, 128))).toMatchObject({ code: 'BAD_TOKENS' });
    });
  });
});
