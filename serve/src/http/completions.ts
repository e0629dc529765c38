/** Models and answers, in the forms of OpenAI's API. */
import { inputHash, outputHash } from '@attensor/contracts';
import type { FastifyReply, FastifyRequest } from 'fastify';
import { createHash, randomUUID } from 'node:crypto';
import type { Answers, Asked, Given } from '../answers.js';
import type { Metrics } from '../metrics.js';
import type { ModelGuard } from '../model-guard.js';
import type { Proofs } from '../jobs/proofs.js';
import type { App } from './app.js';
import { bodyOf, errorBody, refusalOf, RequestError } from './errors.js';
import { eventOf, hangUp, Pushed, sendEvents } from './event-stream.js';
import { CHAT, TEXT, type Form, type Head } from './forms.js';
import {
  chatCompletion,
  chatRequest,
  completion,
  completionRequest,
  modelEntry,
  modelList,
  type AnswerFacts,
  type ChatRequest,
  type CompletionRequest,
  type ModelEntry,
} from './openai-schemas.js';
import { z } from 'zod';

export interface Completing {
  answers: Answers;
  guard: ModelGuard;
  /** Absent where no proofs are made. */
  proofs?: Proofs;
  modelId: string;
  metrics: Metrics;
  /** Whether prompts and answers go into the log. */
  logPrompts: boolean;
}

/** OpenAI's default for texts; a conversation's answer may be as long as there is room. */
const TEXT_TOKENS = 16;

type Body = CompletionRequest | ChatRequest;

export function completionRoutes(app: App, serving: Completing): void {
  const started = Math.floor(Date.now() / 1000);
  const entry = (): ModelEntry => {
    const { answers, proofs, modelId } = serving;
    const { maxPositions } = answers;
    return {
      id: modelId,
      object: 'model',
      created: started,
      owned_by: 'attensor',
      attensor: { maxPositions, ...(proofs && { commitment: proofs.commitment }) },
    };
  };
  const tags = ['Answers'];
  app.get(
    '/v1/models',
    { schema: { tags, summary: 'The model that answers', response: { 200: modelList } } },
    () => ({ object: 'list' as const, data: [entry()] }),
  );
  app.get(
    '/v1/models/:model',
    {
      schema: {
        tags,
        summary: 'The model of this name',
        params: z.object({ model: z.string() }),
        response: { 200: modelEntry, 404: errorBody },
      },
    },
    ({ params }) => {
      requireModel(params.model, serving.modelId);
      return entry();
    },
  );
  app.post(
    '/v1/completions',
    {
      preValidation: withoutNulls,
      schema: {
        tags,
        summary: 'Continues a text; with `stream`, as server-sent events',
        body: completionRequest,
        response: { 200: completion, 400: errorBody, 404: errorBody, 429: errorBody },
      },
    },
    async (request, reply) => {
      const { prompt } = request.body;
      return await complete(serving, TEXT, request, request.body, reply, {
        wanted: request.body.max_tokens,
        otherwise: TEXT_TOKENS,
        ask: () => askedOf(serving.answers, prompt),
      });
    },
  );
  app.post(
    '/v1/chat/completions',
    {
      preValidation: withoutNulls,
      schema: {
        tags,
        summary: 'Answers a conversation; with `stream`, as server-sent events',
        body: chatRequest,
        response: { 200: chatCompletion, 400: errorBody, 404: errorBody, 429: errorBody },
      },
    },
    async (request, reply) => {
      const { messages, max_tokens, max_completion_tokens } = request.body;
      return await complete(serving, CHAT, request, request.body, reply, {
        wanted: max_completion_tokens ?? max_tokens,
        otherwise: Infinity,
        ask: () => serving.answers.ofChat(messages),
      });
    },
  );
}

/** A parameter that is null has its default, in OpenAI's API. */
async function withoutNulls(request: FastifyRequest): Promise<void> {
  const { body } = request;
  if (typeof body !== 'object' || body === null || Array.isArray(body)) return;
  request.body = Object.fromEntries(Object.entries(body).filter(([, value]) => value !== null));
}

function requireModel(asked: string, own: string): void {
  if (asked === own) return;
  throw new RequestError({
    status: 404,
    code: 'model_not_found',
    param: 'model',
    message: `There is no model '${asked}' here, but '${own}'`,
  });
}

function askedOf(answers: Answers, prompt: CompletionRequest['prompt']): Asked {
  if (typeof prompt === 'string') return answers.ofText(prompt);
  const [first] = prompt;
  if (typeof first === 'string') return answers.ofText(first);
  return { promptIds: prompt as number[] };
}

interface Question {
  wanted: number | undefined;
  otherwise: number;
  ask: () => Asked;
}

async function complete(
  serving: Completing,
  form: Form,
  request: Pick<FastifyRequest, 'client' | 'headers' | 'log'>,
  body: Body,
  reply: FastifyReply,
  { wanted, otherwise, ask }: Question,
): Promise<FastifyReply> {
  const { answers, guard, metrics } = serving;
  requireModel(body.model, serving.modelId);
  await guard.check();
  const { prove, attest, reveal } = wishesOf(body);
  const proofs = prove ? requireProofs(serving, attest) : undefined;
  const asked = ask();
  if (reveal && asked.prompt === undefined)
    throw new RequestError({
      status: 400,
      code: 'invalid_value',
      param: 'attensor.reveal',
      message: 'Only a prompt that was given as a text can be revealed',
    });
  const positions = answers.maxPositions + 1;
  const most = Math.min(positions, proofs?.commitment.capacity ?? positions);
  const maxTokens = answers.room(asked.promptIds.length, most, wanted, otherwise);
  // before anything is computed for an answer that would not be proved
  proofs?.requireRoom(request.client?.id);
  if (serving.logPrompts) request.log.info({ prompt: asked }, 'prompt');

  const head: Head = {
    id: `${form.prefix}-${randomUUID()}`,
    created: Math.floor(Date.now() / 1000),
    model: serving.modelId,
  };
  const signal = hangUp(reply);
  /** An accepted proof is in the journal before its id is told. */
  const finish = async (given: Given): Promise<AnswerFacts> => {
    const { promptIds, outputIds, text } = given;
    metrics.tokens.inc({ kind: 'prompt' }, promptIds.length);
    metrics.tokens.inc({ kind: 'answer' }, outputIds.length);
    if (serving.logPrompts) request.log.info({ answer: text }, 'answer');
    // a model that was exchanged while it answered is not the one of the commitment
    await guard.check();
    const hashes = {
      inputHash: inputHash(promptIds).toString(),
      outputHash: outputHash(outputIds).toString(),
    };
    const job = await proofs?.accept({
      client: request.client?.id,
      idempotency: idempotencyOf(request.headers, body),
      promptIds,
      outputIds,
      ...hashes,
      attest,
      ...(reveal && asked.prompt !== undefined && { text: { prompt: asked.prompt, output: text } }),
    });
    return {
      ...(job && { proofId: job.id }),
      ...hashes,
      promptTokens: promptIds,
      outputTokens: outputIds,
    };
  };

  if (!body.stream) {
    const given = await answers.answer(asked, { maxTokens, signal });
    return await reply.send(form.whole(head, given, await finish(given)));
  }
  const pieces = new Pushed<string>();
  const answering = answers.answer(asked, {
    maxTokens,
    signal,
    onText: (piece) => {
      if (piece !== '') pieces.push(piece);
    },
  });
  answering.then(
    () => pieces.end(),
    () => pieces.end(),
  );
  const chunks = streamed(form, head, pieces, answering, finish, {
    usage: body.stream_options?.include_usage ?? false,
    failed: (error) => request.log.error({ err: error }, 'the answer broke off'),
  });
  // what fails before the first piece is refused with its status
  const first = await chunks.next();
  return sendEvents(
    reply,
    (async function* () {
      if (!first.done) yield first.value;
      yield* chunks;
    })(),
  );
}

async function* streamed(
  form: Form,
  head: Head,
  pieces: AsyncIterable<string>,
  answering: Promise<Given>,
  finish: (given: Given) => Promise<AnswerFacts>,
  { usage, failed }: { usage: boolean; failed: (error: unknown) => void },
): AsyncGenerator<string> {
  let begun = false;
  try {
    for await (const piece of pieces) {
      yield eventOf(form.piece(head, piece, !begun));
      begun = true;
    }
    const given = await answering;
    yield eventOf(form.last(head, given.finishReason, await finish(given), !begun));
    if (usage) yield eventOf(form.usage(head, given));
    yield eventOf('[DONE]');
  } catch (error) {
    if (!begun) throw error;
    failed(error);
    yield eventOf(bodyOf(refusalOf(error)));
  }
}

function wishesOf({ attensor = {} }: Body) {
  const { prove = false, attest = false, reveal = false } = attensor;
  if (prove || (!attest && !reveal)) return { prove, attest, reveal };
  throw new RequestError({
    status: 400,
    code: 'invalid_value',
    param: `attensor.${attest ? 'attest' : 'reveal'}`,
    message: `'attensor.${attest ? 'attest' : 'reveal'}' needs a proof: "attensor": {"prove": true}`,
  });
}

function requireProofs({ proofs }: Completing, attest: boolean): Proofs {
  if (proofs === undefined)
    throw new RequestError({
      status: 400,
      code: 'unsupported_parameter',
      param: 'attensor.prove',
      message: 'This service makes no proofs',
    });
  if (attest && !proofs.attests)
    throw new RequestError({
      status: 400,
      code: 'unsupported_parameter',
      param: 'attensor.attest',
      message: 'This service attests nothing; attensor submit does, with the proof file',
    });
  return proofs;
}

/** What makes a repeated request the same one. */
function idempotencyOf(headers: FastifyRequest['headers'], body: Body) {
  const key = headers['idempotency-key'];
  if (key === undefined) return undefined;
  if (typeof key !== 'string' || key.length > 256 || key === '')
    throw new RequestError({
      status: 400,
      code: 'invalid_value',
      param: 'idempotency-key',
      message: 'An idempotency key has 1 to 256 characters',
    });
  const fingerprint = createHash('sha256').update(JSON.stringify(body)).digest('hex');
  return { key, fingerprint };
}
