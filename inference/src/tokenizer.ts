/** The tokenizer of a model directory (Hugging Face tokenizer.json). */
import { join } from 'node:path';
import { Tokenizer as HfTokenizer } from '@huggingface/tokenizers';
import { z } from 'zod';
import { readJson } from './checkpoint/json-file.js';
import { checkTokens } from './components/embedding.js';
import type { ModelConfig } from './config.js';
import { AttensorError } from './errors.js';

const tokenizerSchema = z.looseObject({ model: z.looseObject({ type: z.string().optional() }) });
const tokenizerConfigSchema = z.looseObject({});

export class Tokenizer {
  private constructor(
    private readonly tokenizer: HfTokenizer,
    private readonly config: Pick<ModelConfig, 'bos' | 'vocabSize' | 'maxPositions'>,
  ) {}

  /** @throws NOT_FOUND, BAD_TOKENIZER */
  static async open(
    dir: string,
    config: Pick<ModelConfig, 'bos' | 'vocabSize' | 'maxPositions'>,
  ): Promise<Tokenizer> {
    const hint = 'Import the checkpoint again, with the tokenizer it was published with';
    const path = join(dir, 'tokenizer.json');
    const json = await readJson(path, tokenizerSchema, 'BAD_TOKENIZER', hint);
    const configPath = join(dir, 'tokenizer_config.json');
    const settings = await readJson(configPath, tokenizerConfigSchema, 'BAD_TOKENIZER', hint);
    const bad = (what: string, expected?: string, got?: string, cause?: unknown): AttensorError =>
      new AttensorError({ code: 'BAD_TOKENIZER', what, where: path, expected, got, hint, cause });
    let tokenizer: HfTokenizer;
    try {
      tokenizer = new HfTokenizer(json, settings);
    } catch (cause) {
      const got = cause instanceof Error ? cause.message : String(cause);
      throw bad('the tokenizer cannot be built', undefined, got, cause);
    }
    for (const [token, id] of tokenizer.get_vocab(true)) {
      if (id >= config.vocabSize) {
        const got = `${id} for '${token}'`;
        throw bad(
          'a token lies outside the model vocabulary',
          `ids below ${config.vocabSize}`,
          got,
        );
      }
    }
    if (tokenizer.id_to_token(config.bos) === undefined) {
      throw bad(
        'the tokenizer does not know the bos token of the model',
        undefined,
        `${config.bos}`,
      );
    }
    return new Tokenizer(tokenizer, config);
  }

  /** [bos] + the tokens of the text. Special tokens written out in the text become their ids. */
  encodePrompt(text: string): number[] {
    if (text.length === 0) {
      throw new AttensorError({
        code: 'EMPTY_PROMPT',
        what: 'the prompt is empty',
        where: 'encodePrompt',
      });
    }
    const surrogate = /\p{Surrogate}/u.exec(text);
    if (surrogate) {
      throw new AttensorError({
        code: 'BAD_ARGUMENT',
        what: 'the prompt holds half a surrogate pair, which is not text',
        where: `encodePrompt, character ${surrogate.index}`,
      });
    }
    const ids = [
      this.config.bos,
      ...this.tokenizer.encode(text, { add_special_tokens: false }).ids,
    ];
    checkTokens(ids, this.config.vocabSize, 'encodePrompt');
    if (ids.length > this.config.maxPositions) {
      throw new AttensorError({
        code: 'TOO_LONG',
        what: 'the prompt is longer than the model allows',
        where: 'encodePrompt',
        expected: `at most ${this.config.maxPositions} tokens`,
        got: String(ids.length),
        hint: 'Shorten the prompt',
      });
    }
    return ids;
  }

  /** The text of the tokens without special ones. Bytes that are not UTF-8 become U+FFFD. */
  decode(ids: number[]): string {
    ids.forEach((id, position) => {
      if (!Number.isInteger(id) || this.tokenizer.id_to_token(id) === undefined) {
        throw new AttensorError({
          code: 'BAD_TOKENS',
          what: 'a token id is not in the vocabulary of the tokenizer',
          where: `decode, position ${position}`,
          got: String(id),
          hint: 'Decode with the tokenizer of the model that made these tokens',
        });
      }
    });
    return ids.length === 0 ? '' : this.tokenizer.decode(ids, { skip_special_tokens: true });
  }
}
