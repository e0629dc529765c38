/** Proofs that were asked for: where they stand, their files, and the end of them. */
import { z } from 'zod';
import { isOver, proofView } from '../jobs/job.js';
import type { Proofs } from '../jobs/proofs.js';
import type { App } from './app.js';
import { errorBody } from './errors.js';
import { eventOf, Pushed, sendEvents } from './event-stream.js';

/** So that no proxy takes a connection for dead. */
const HEARTBEAT_MS = 15_000;

export function proofRoutes(app: App, proofs: Proofs): void {
  const tags = ['Proofs'];
  const params = z.object({ id: z.string() });
  const found = { 200: proofView, 404: errorBody };

  app.get(
    '/v1/proofs',
    {
      schema: {
        tags,
        summary: 'Proofs of this API key, the newest first',
        querystring: z.object({
          limit: z.coerce.number().int().min(1).max(100).default(20),
          after: z.string().optional().describe('id of the last one of the page before'),
        }),
        response: {
          200: z.object({
            object: z.literal('list'),
            data: z.array(proofView),
            has_more: z.boolean(),
          }),
        },
      },
    },
    ({ client, query: { limit, after } }) => {
      const jobs = proofs.list(client?.id, limit + 1, after);
      const data = jobs.slice(0, limit).map((job) => proofs.view(job));
      return { object: 'list' as const, data, has_more: jobs.length > limit };
    },
  );
  app.get(
    '/v1/proofs/:id',
    { schema: { tags, summary: 'State, step, price and time left', params, response: found } },
    ({ params: { id }, client }) => proofs.view(proofs.get(id, client?.id)),
  );
  app.get(
    '/v1/proofs/:id/file',
    {
      schema: {
        tags,
        summary: 'The proof file, as `attensor verify` reads it',
        params,
        response: { 200: z.string(), 404: errorBody, 409: errorBody },
      },
    },
    async ({ params: { id }, client }, reply) => {
      const file = await proofs.file(proofs.get(id, client?.id));
      return await reply
        .header('content-type', 'application/json; charset=utf-8')
        .header('content-disposition', `attachment; filename="proof-${id}.json"`)
        .serializer(() => file)
        .send(file);
    },
  );
  app.post(
    '/v1/proofs/:id/cancel',
    {
      schema: {
        tags,
        summary: 'Gives up a proof that is not finished',
        params,
        response: { ...found, 409: errorBody },
      },
    },
    async ({ params: { id }, client }) =>
      proofs.view(await proofs.cancel(proofs.get(id, client?.id))),
  );
  app.get(
    '/v1/proofs/:id/events',
    {
      schema: {
        tags,
        summary: 'Server-sent events `proof` with what /v1/proofs/{id} tells, until it is over',
        params,
        produces: ['text/event-stream'],
        response: { 200: z.string(), 404: errorBody },
      },
    },
    async ({ params: { id }, client }, reply) => {
      proofs.get(id, client?.id);
      const events = new Pushed<string>();
      const tell = () => {
        const job = proofs.get(id, client?.id);
        events.push(eventOf(proofView.parse(proofs.view(job)), 'proof'));
        if (isOver(job)) events.end();
      };
      const onChange = (changed: string) => {
        if (changed === id) tell();
      };
      const end = () => events.end();
      const heartbeat = setInterval(() => events.push(': still there\n\n'), HEARTBEAT_MS);
      proofs.events.on('change', onChange).on('closed', end);
      reply.raw.once('close', () => {
        clearInterval(heartbeat);
        proofs.events.off('change', onChange).off('closed', end);
        events.end();
      });
      tell();
      return await sendEvents(reply, events);
    },
  );
}
