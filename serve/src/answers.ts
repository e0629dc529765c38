/** Prompts as token ids, and greedy answers: so many at a time, so many waiting, each for so long. */
import { AttensorError } from '@attensor/core';
import { answer, type Answer, eosTokens, openModel, type OpenModel } from '@attensor/inference';
import pLimit from 'p-limit';
import type { ChatTemplate } from './chat-template.js';
import { readChatTemplate } from './chat-template.js';
import { RequestError } from './http/errors.js';
import type { Message } from './http/openai-schemas.js';

export interface AnswerLimits {
  /** answers that are computed side by side */
  parallel: number;
  /** requests that wait for one of these */
  waiting: number;
  /** of a request, waiting included */
  seconds: number;
}

export interface Asked {
  promptIds: number[];
  /** absent where the prompt was token ids */
  prompt?: string;
}

export type FinishReason = 'stop' | 'length';

export interface Given extends Answer {
  text: string;
  finishReason: FinishReason;
}

export class Answers {
  private readonly run: ReturnType<typeof pLimit>;

  private constructor(
    readonly opened: OpenModel,
    private readonly template: ChatTemplate | undefined,
    private readonly limits: AnswerLimits,
  ) {
    this.run = pLimit(limits.parallel);
  }

  /** @throws NOT_FOUND, BAD_MODEL, BAD_TOKENIZER */
  static async open(dir: string, limits: AnswerLimits): Promise<Answers> {
    const opened = await openModel(dir);
    return new Answers(opened, await readChatTemplate(dir), limits);
  }

  /** Answers that are computed or wait. */
  get busy(): number {
    return this.run.activeCount + this.run.pendingCount;
  }

  get maxPositions(): number {
    return this.opened.model.config.maxPositions;
  }

  /** @throws EMPTY_PROMPT, BAD_ARGUMENT, TOO_LONG */
  ofText(prompt: string): Asked {
    return { prompt, promptIds: this.tokenizer.encodePrompt(prompt) };
  }

  /** @throws RequestError when the model's template refuses the conversation */
  ofChat(messages: Message[]): Asked {
    return this.ofText(this.chatPrompt(messages));
  }

  private chatPrompt(messages: Message[]): string {
    const said = messages.map(({ role, content }) => ({
      role: role === 'developer' ? 'system' : role,
      content: typeof content === 'string' ? content : content.map((part) => part.text).join(''),
    }));
    // a model that was not trained on conversations continues texts
    if (this.template === undefined) return said.map(({ content }) => content).join('\n');
    return this.template(said);
  }

  private get tokenizer() {
    const { tokenizer } = this.opened;
    if (tokenizer) return tokenizer;
    throw new RequestError({
      status: 400,
      code: 'no_tokenizer',
      param: 'prompt',
      message: 'The model has no tokenizer: give the prompt as token ids, to /v1/completions',
    });
  }

  /**
   * How many tokens may be answered.
   *
   * @param most tokens of prompt and answer together
   * @param wanted by the request; `otherwise` if it does not say
   * @throws TOO_LONG
   */
  room(promptTokens: number, most: number, wanted: number | undefined, otherwise: number): number {
    const room = most - promptTokens;
    const count = wanted ?? Math.min(otherwise, room);
    if (count >= 1 && count <= room) return count;
    throw new AttensorError({
      code: 'TOO_LONG',
      what: 'prompt and answer do not fit',
      expected: `at most ${most} tokens`,
      got: `${promptTokens} of the prompt, ${Math.max(1, count)} of the answer`,
      hint: 'Shorten the prompt, or ask for fewer tokens',
    });
  }

  /** @throws RequestError when too many wait or it takes too long, and what `generate` throws */
  async answer(
    asked: Asked,
    {
      maxTokens,
      signal,
      onText,
    }: { maxTokens: number; signal: AbortSignal; onText?: (piece: string) => void },
  ): Promise<Given> {
    if (this.run.pendingCount >= this.limits.waiting)
      throw new RequestError({
        status: 429,
        code: 'too_many_requests',
        message: 'Too many requests wait for an answer',
        retryAfter: 5,
      });
    const late = AbortSignal.timeout(1000 * this.limits.seconds);
    const either = AbortSignal.any([signal, late]);
    try {
      const options = { maxTokens, stopAtEos: true, signal: either, onText };
      const given = await this.run(async () => {
        either.throwIfAborted();
        return await answer(this.opened, asked.promptIds, options);
      });
      const last = given.outputIds.at(-1) ?? -1;
      const ended = eosTokens(this.opened.model.config).includes(last);
      return { ...given, text: given.text ?? '', finishReason: ended ? 'stop' : 'length' };
    } catch (error) {
      if (!late.aborted || signal.aborted) throw error;
      throw new RequestError({
        status: 503,
        code: 'timeout',
        message: `The answer took more than ${this.limits.seconds} s`,
      });
    }
  }
}
