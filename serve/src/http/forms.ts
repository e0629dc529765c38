/** An answer in the two forms of OpenAI's API, whole and in pieces. */
import type { z } from 'zod';
import type { FinishReason, Given } from '../answers.js';
import { chatChunk, chatCompletion, completion, type AnswerFacts } from './openai-schemas.js';

/** What all pieces of an answer have. */
export interface Head {
  id: string;
  /** seconds since 1970 */
  created: number;
  model: string;
}

export interface Form {
  prefix: string;
  whole(head: Head, given: Given, facts: AnswerFacts): object;
  /** @param first of its answer */
  piece(head: Head, text: string, first: boolean): object;
  last(head: Head, reason: FinishReason, facts: AnswerFacts, first: boolean): object;
  usage(head: Head, given: Given): object;
}

const usageOf = ({ promptIds, outputIds }: Given) => ({
  prompt_tokens: promptIds.length,
  completion_tokens: outputIds.length,
  total_tokens: promptIds.length + outputIds.length,
});

const textPart = (
  head: Head,
  text: string,
  reason: FinishReason | null,
): z.input<typeof completion> => ({
  ...head,
  object: 'text_completion',
  choices: [{ index: 0, text, logprobs: null, finish_reason: reason }],
});

export const TEXT: Form = {
  prefix: 'cmpl',
  whole: (head, given, attensor) =>
    completion.parse({
      ...textPart(head, given.text, given.finishReason),
      usage: usageOf(given),
      attensor,
    }),
  piece: (head, text) => completion.parse(textPart(head, text, null)),
  last: (head, reason, attensor) => completion.parse({ ...textPart(head, '', reason), attensor }),
  usage: (head, given) =>
    completion.parse({ ...textPart(head, '', null), choices: [], usage: usageOf(given) }),
};

const chatPart = (
  head: Head,
  delta: { role?: 'assistant'; content?: string },
  reason: FinishReason | null,
): z.input<typeof chatChunk> => ({
  ...head,
  object: 'chat.completion.chunk',
  choices: [{ index: 0, delta, logprobs: null, finish_reason: reason }],
});
const roleIf = (first: boolean) => (first ? { role: 'assistant' as const } : {});

export const CHAT: Form = {
  prefix: 'chatcmpl',
  whole: (head, given, attensor) =>
    chatCompletion.parse({
      ...head,
      object: 'chat.completion',
      choices: [
        {
          index: 0,
          message: { role: 'assistant', content: given.text, refusal: null },
          logprobs: null,
          finish_reason: given.finishReason,
        },
      ],
      usage: usageOf(given),
      attensor,
    }),
  piece: (head, content, first) =>
    chatChunk.parse(chatPart(head, { ...roleIf(first), content }, null)),
  last: (head, reason, attensor, first) =>
    chatChunk.parse({ ...chatPart(head, roleIf(first), reason), attensor }),
  usage: (head, given) =>
    chatChunk.parse({ ...chatPart(head, {}, null), choices: [], usage: usageOf(given) }),
};
