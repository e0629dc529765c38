/** A model's tokenizer (Hugging Face tokenizer.json). Nothing of Node: a page uses it too. */
import { Tokenizer as HfTokenizer } from '@huggingface/tokenizers';
import { checkTokens } from './components/embedding.js';
import type { ModelConfig } from './config.js';
import { AttensorError } from '@attensor/core';

/** What of the model's configuration the tokens depend on. */
export type TokenizerConfig = Pick<ModelConfig, 'bos' | 'vocabSize' | 'maxPositions'>;

export const BAD_TOKENIZER_HINT =
  'Import the checkpoint again, with the tokenizer it was published with';

/** The tokenizer of a model: text to token ids and back, checked against the model's vocabulary. */
export class Tokenizer {
  private constructor(
    private readonly tokenizer: HfTokenizer,
    private readonly config: TokenizerConfig,
  ) {}

  /**
   * @param json contents of tokenizer.json
   * @param settings contents of tokenizer_config.json
   * @param where what they are called in errors
   * @throws BAD_TOKENIZER
   */
  static from(json: object, settings: object, config: TokenizerConfig, where: string): Tokenizer {
    const hint = BAD_TOKENIZER_HINT;
    const bad = (what: string, expected?: string, got?: string, cause?: unknown): AttensorError =>
      new AttensorError({ code: 'BAD_TOKENIZER', what, where, expected, got, hint, cause });
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
    if (config.bos !== null && tokenizer.id_to_token(config.bos) === undefined) {
      throw bad(
        'the tokenizer does not know the bos token of the model',
        undefined,
        `${config.bos}`,
      );
    }
    return new Tokenizer(tokenizer, config);
  }

  /**
   * The ids that an answer's text stands for. A text has several token sequences, and the model may have generated another one
   * than the tokenizer makes of it: `revealed` is taken where it spells exactly this text, with no special token but one at its
   * end. A prompt has no such choice: it is `encodePrompt`, since whoever asks decides on the text and nothing else.
   *
   * @throws BAD_ARGUMENT if the tokenizer cannot spell the text
   */
  outputIds(text: string, revealed?: readonly number[]): number[] {
    if (revealed !== undefined && this.spells(revealed, text)) return [...revealed];
    const own = this.encodePrompt(text).slice(this.begin.length);
    if (this.spells(own, text)) return own;
    throw new AttensorError({
      code: 'BAD_ARGUMENT',
      what: 'the tokenizer does not reproduce this text exactly',
      where: 'outputIds',
      expected: text,
      got: this.decode(own),
      hint: 'Compare token ids instead',
    });
  }

  private spells(ids: readonly number[], text: string): boolean {
    if (!ids.every((id) => this.tokenizer.id_to_token(id) !== undefined)) return false;
    const last = ids.slice(-1);
    const body = this.decode([...last]) === '' ? ids.slice(0, -1) : [...ids];
    // special tokens show here, and so differ from any text that hides them
    const shown =
      body.length === 0 ? '' : this.tokenizer.decode([...body], { skip_special_tokens: false });
    return shown === text;
  }

  /** What a prompt begins with. */
  private get begin(): number[] {
    return this.config.bos === null ? [] : [this.config.bos];
  }

  /** [bos], where the model has one, + the tokens of the text. Special tokens written out in the text become their ids. */
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
    const ids = [...this.begin, ...this.tokenizer.encode(text, { add_special_tokens: false }).ids];
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
