/** What operators and their programs ask: does it live, is it ready, how much does it do. */
import { z } from 'zod';
import type { Metrics } from '../metrics.js';
import type { App } from './app.js';

const health = z.object({ status: z.literal('ok') });
const readiness = z.object({
  ready: z.boolean(),
  /** What it is not ready for, in words. */
  reasons: z.array(z.string()),
});

/** @param reasons why the service is not ready; none if it is */
export function operationRoutes(
  app: App,
  { metrics, reasons }: { metrics: Metrics; reasons: () => Promise<string[]> },
): void {
  const tags = ['Operation'];
  const open = { access: 'anyone' as const, rateLimit: false as const };
  app.get(
    '/healthz',
    { config: open, schema: { tags, summary: 'The process lives', response: { 200: health } } },
    () => ({ status: 'ok' as const }),
  );
  app.get(
    '/readyz',
    {
      config: open,
      schema: {
        tags,
        summary: 'The model is as it was, and the keys are loaded',
        response: { 200: readiness, 503: readiness },
      },
    },
    async (_request, reply) => {
      const found = await reasons();
      const ready = found.length === 0;
      return await reply.status(ready ? 200 : 503).send({ ready, reasons: found });
    },
  );
  app.get(
    '/metrics',
    {
      config: { access: 'metrics' },
      schema: { tags, summary: 'Figures for Prometheus', response: { 200: z.string() } },
    },
    async (_request, reply) => {
      const { registry } = metrics;
      return await reply
        .header('content-type', registry.contentType)
        .send(await registry.metrics());
    },
  );
}
