/** The tokenizer of a model directory. */
import { join } from 'node:path';
import { z } from 'zod';
import { readJson } from '@attensor/core/files';
import { BAD_TOKENIZER_HINT, Tokenizer, type TokenizerConfig } from './tokenizer.js';

const tokenizerSchema = z.looseObject({ model: z.looseObject({ type: z.string().optional() }) });
const tokenizerConfigSchema = z.looseObject({});

/** @throws NOT_FOUND, BAD_TOKENIZER */
export async function openTokenizer(dir: string, config: TokenizerConfig): Promise<Tokenizer> {
  const read = <T>(name: string, schema: z.ZodType<T>): Promise<T> =>
    readJson({ path: join(dir, name), schema, code: 'BAD_TOKENIZER', hint: BAD_TOKENIZER_HINT });
  const json = await read('tokenizer.json', tokenizerSchema);
  const settings = await read('tokenizer_config.json', tokenizerConfigSchema);
  return Tokenizer.from(json, settings, config, join(dir, 'tokenizer.json'));
}
