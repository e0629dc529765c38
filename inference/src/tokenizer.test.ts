import { cp, writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import { describe, expect, test } from '@jest/globals';
import { readReference } from './eval.js';
import { checkpointDir, failure, withTempDir } from './testing/fixtures.js';
import type { Tokenizer } from './tokenizer.js';
import { openTokenizer } from './tokenizer-files.js';

const config = { bos: 510, vocabSize: 512, maxPositions: 256 };
const open = (): Promise<Tokenizer> => openTokenizer(checkpointDir('tiny'), config);

describe('tokenizer', () => {
  test('encodes the prompts and decodes the continuations of the reference', async () => {
    const tokenizer = await open();
    const { prompts } = await readReference(join(checkpointDir('tiny'), 'reference.json'));
    for (const { prompt, prompt_ids, continuation_ids, continuation } of prompts) {
      expect(tokenizer.encodePrompt(prompt)).toEqual(prompt_ids);
      expect(tokenizer.decode(continuation_ids)).toBe(continuation);
      expect(tokenizer.decode(prompt_ids)).toBe(prompt);
    }
  });

  test('any text makes the round trip', async () => {
    const tokenizer = await open();
    for (const text of [' ', '\n\t', 'é漢字🙂', '\u0000', 'a  b   c', '<|x|>']) {
      expect(tokenizer.decode(tokenizer.encodePrompt(text))).toBe(text);
    }
    expect(tokenizer.decode([])).toBe('');
    expect(tokenizer.decode([510, 511])).toBe('');
  });

  test('revealed ids stand for a text that they spell, and for no other', async () => {
    const tokenizer = await open();
    const own = tokenizer.encodePrompt('In the');
    const letters = [...'In the'].flatMap((letter) => tokenizer.encodePrompt(letter).slice(1));
    expect(letters).not.toEqual(own.slice(1));
    expect(tokenizer.outputIds('In the')).toEqual(own.slice(1));
    expect(tokenizer.outputIds('In the', letters)).toEqual(letters);
    expect(tokenizer.outputIds('In then', letters)).toEqual(
      tokenizer.encodePrompt('In then').slice(1),
    );
    expect(tokenizer.outputIds('In the', [-1])).toEqual(own.slice(1));
    // one special token may end an answer; none may hide in it
    const [bos, eos] = [510, 511];
    expect(tokenizer.outputIds('In the', [...letters, eos])).toEqual([...letters, eos]);
    for (const hidden of [
      [bos, ...letters],
      [...letters.slice(0, 2), eos, ...letters.slice(2)],
      [...letters, eos, eos],
    ]) {
      expect(tokenizer.decode(hidden)).toBe('In the');
      expect(tokenizer.outputIds('In the', hidden)).toEqual(own.slice(1));
    }
  });

  test('clear errors', async () => {
    const tokenizer = await open();
    expect(await failure(() => tokenizer.encodePrompt(''))).toMatchObject({ code: 'EMPTY_PROMPT' });
    expect(await failure(() => tokenizer.encodePrompt('x'.repeat(256)))).toMatchObject({
      code: 'TOO_LONG',
    });
    expect(await failure(() => tokenizer.encodePrompt('a\ud800'))).toMatchObject({
      code: 'BAD_ARGUMENT',
    });
    for (const id of [512, -1, 1.5, NaN]) {
      expect(await failure(() => tokenizer.decode([65, id]))).toMatchObject({ code: 'BAD_TOKENS' });
    }
  });

  test('files that do not fit', async () => {
    await withTempDir(async (dir) => {
      expect(await failure(openTokenizer(dir, config))).toMatchObject({ code: 'NOT_FOUND' });
      for (const file of ['tokenizer.json', 'tokenizer_config.json']) {
        await cp(join(checkpointDir('tiny'), file), join(dir, file));
      }
      const bad = { code: 'BAD_TOKENIZER' };
      expect(await failure(openTokenizer(dir, { ...config, vocabSize: 400 }))).toMatchObject(bad);
      const path = join(dir, 'tokenizer.json');
      for (const broken of ['', '[]', '{"model": {"type": "none"}}']) {
        await writeFile(path, broken);
        expect(await failure(openTokenizer(dir, config))).toMatchObject(bad);
      }
    });
  });
});
