/**
 * The tokenizer of a published model, as one file: what turns typed text into the token ids whose hash was proved. `attensor page`
 * writes it. It is the site's word that this is the model's tokenizer; a wrong one makes the check fail, or lets another text pass
 * for the proved one, so it never comes from a link or a proof.
 */
import { Tokenizer } from '@attensor/inference/tokenizer';
import { z } from 'zod';
import { AttensorError } from '@attensor/core';
import { fetchFile, json } from '../fetch-file.js';

const schema = z.strictObject({
  format: z.literal('attensor-tokenizer'),
  version: z.literal(1),
  bos: z.number().int().nonnegative().nullable(),
  vocabSize: z.number().int().positive(),
  maxPositions: z.number().int().positive(),
  tokenizer: z.looseObject({}),
  settings: z.looseObject({}),
});

const loaded = new Map<string, Promise<Tokenizer>>();

/** @throws NO_TOKENIZER, BAD_TOKENIZER */
export function loadTokenizer(url: string): Promise<Tokenizer> {
  let found = loaded.get(url);
  if (found === undefined) {
    found = fetchTokenizer(url);
    loaded.set(url, found);
    found.catch(() => loaded.delete(url));
  }
  return found;
}

async function fetchTokenizer(url: string): Promise<Tokenizer> {
  const failed = (got: string, cause?: unknown): AttensorError =>
    new AttensorError({
      code: 'NO_TOKENIZER',
      what: "the model's tokenizer cannot be read",
      where: url,
      got,
      hint: 'Load the page again; if that does not help, tell whoever runs this site',
      cause,
    });
  const value = await fetchFile(url, json, failed);
  const parsed = schema.safeParse(value);
  if (!parsed.success) throw failed(parsed.error.issues[0].message);
  const { tokenizer, settings, ...config } = parsed.data;
  return Tokenizer.from(tokenizer, settings, config, url);
}
