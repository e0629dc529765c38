/** Requests and answers of OpenAI's API, as far as they have a meaning here. Answers are greedy: what would change that is refused. */
import { z } from 'zod';

/** A parameter that clients send with the value that it has anyway. */
const only = <T extends number | boolean | string>(value: T, why: string) =>
  z.literal(value, { error: `only ${JSON.stringify(value)} is supported: ${why}` }).optional();

const GREEDY = 'answers are greedy';
const ONE = 'a prompt has one answer';

const count = z
  .int()
  .positive()
  .max(2 ** 31 - 1);

const common = {
  model: z.string().min(1).max(256),
  stream: z.boolean().optional(),
  stream_options: z.strictObject({ include_usage: z.boolean().optional() }).optional(),
  temperature: only(0, GREEDY),
  top_p: only(1, GREEDY),
  presence_penalty: only(0, GREEDY),
  frequency_penalty: only(0, GREEDY),
  n: only(1, ONE),
  /** The same answer comes with every seed. */
  seed: z.int().optional(),
  user: z.string().max(256).optional(),
  attensor: z
    .strictObject({
      prove: z.boolean().optional().describe('prove the answer, after it was given'),
      attest: z.boolean().optional().describe('refused: no answers are attested yet'),
      reveal: z.boolean().optional().describe('write prompt and answer into the proof file'),
    })
    .optional(),
};

const text = z.string().max(2 ** 22);

export const completionRequest = z
  .strictObject({
    ...common,
    prompt: z.union([text, z.array(z.int().nonnegative()).min(1), z.array(text).length(1)], {
      error: 'expected one text, or one list of token ids',
    }),
    max_tokens: count.optional(),
    best_of: only(1, ONE),
    echo: only(false, 'the prompt is not repeated'),
  })
  .meta({ id: 'CompletionRequest' });
export type CompletionRequest = z.infer<typeof completionRequest>;

const message = z.strictObject({
  role: z.enum(['system', 'developer', 'user', 'assistant']),
  content: z.union([text, z.array(z.strictObject({ type: z.literal('text'), text })).min(1)], {
    error: 'expected a text',
  }),
});
export type Message = z.infer<typeof message>;

export const chatRequest = z
  .strictObject({
    ...common,
    messages: z.array(message).min(1).max(4096),
    max_tokens: count.optional(),
    max_completion_tokens: count.optional(),
    logprobs: only(false, 'probabilities are not computed'),
    response_format: z.strictObject({ type: z.literal('text') }).optional(),
  })
  .meta({ id: 'ChatCompletionRequest' });
export type ChatRequest = z.infer<typeof chatRequest>;

const field = z.string().regex(/^\d+$/);

/** What an answer carries beyond OpenAI's API. */
const attensor = z.object({
  /** Absent unless a proof was asked for. */
  proofId: z.string().optional(),
  inputHash: field,
  outputHash: field,
  promptTokens: z.array(z.int()),
  outputTokens: z.array(z.int()),
});
export type AnswerFacts = z.infer<typeof attensor>;

const usage = z.object({
  prompt_tokens: z.int(),
  completion_tokens: z.int(),
  total_tokens: z.int(),
});
const finishReason = z.enum(['stop', 'length']);

const head = { id: z.string(), created: z.int(), model: z.string() };

export const completion = z
  .object({
    ...head,
    object: z.literal('text_completion'),
    choices: z.array(
      z.object({
        index: z.literal(0),
        text: z.string(),
        logprobs: z.null(),
        finish_reason: finishReason.nullable(),
      }),
    ),
    usage: usage.nullable().optional(),
    attensor: attensor.optional(),
  })
  .meta({ id: 'Completion' });

export const chatCompletion = z
  .object({
    ...head,
    object: z.literal('chat.completion'),
    choices: z.array(
      z.object({
        index: z.literal(0),
        message: z.object({
          role: z.literal('assistant'),
          content: z.string(),
          refusal: z.null(),
        }),
        logprobs: z.null(),
        finish_reason: finishReason,
      }),
    ),
    usage,
    attensor,
  })
  .meta({ id: 'ChatCompletion' });

export const chatChunk = z
  .object({
    ...head,
    object: z.literal('chat.completion.chunk'),
    choices: z.array(
      z.object({
        index: z.literal(0),
        delta: z.object({
          role: z.literal('assistant').optional(),
          content: z.string().optional(),
        }),
        logprobs: z.null(),
        finish_reason: finishReason.nullable(),
      }),
    ),
    usage: usage.nullable().optional(),
    attensor: attensor.optional(),
  })
  .meta({ id: 'ChatCompletionChunk' });

export const modelEntry = z
  .object({
    id: z.string(),
    object: z.literal('model'),
    created: z.int(),
    owned_by: z.string(),
    attensor: z.object({
      maxPositions: z.int(),
      /** Of a committed model, and only where proofs are made. */
      commitment: z
        .object({
          modelRoot: field,
          vocabularyRoot: field,
          capacity: z.int(),
        })
        .optional(),
    }),
  })
  .meta({ id: 'Model' });
export type ModelEntry = z.infer<typeof modelEntry>;

export const modelList = z.object({ object: z.literal('list'), data: z.array(modelEntry) });
