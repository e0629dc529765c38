/** The tokenizer of a model directory. */
import { join } from 'node:path';
import { z } from 'zod';
import { readJson } from './checkpoint/json-file.js';
import { BAD_TOKENIZER_HINT, Tokenizer, type TokenizerConfig } from './tokenizer.js';

const tokenizerSchema = z.looseObject({ model: z.looseObject({ type: z.string().optional() }) });
const tokenizerConfigSchema = z.looseObject({});

/** @throws NOT_FOUND, BAD_TOKENIZER */
export async function openTokenizer(dir: string, config: TokenizerConfig): Promise<Tokenizer> {
  const read = <T extends z.ZodType>(name: string, schema: T): Promise<z.infer<T>> =>
    readJson(join(dir, name), schema, 'BAD_TOKENIZER', BAD_TOKENIZER_HINT);
  const json = await read('tokenizer.json', tokenizerSchema);
  const settings = await read('tokenizer_config.json', tokenizerConfigSchema);
  return Tokenizer.from(json, settings, config, join(dir, 'tokenizer.json'));
}
