/** The HTTP server: schemas, access, limits, errors, logs and metrics of every route. */
import swagger from '@fastify/swagger';
import fastify, { type FastifyBaseLogger, type FastifyInstance, type FastifyReply } from 'fastify';
import {
  jsonSchemaTransform,
  jsonSchemaTransformObject,
  serializerCompiler,
  validatorCompiler,
  type ZodTypeProvider,
} from 'fastify-type-provider-zod';
import { randomUUID } from 'node:crypto';
import type { ApiKeys } from '../api-keys.js';
import type { Metrics } from '../metrics.js';
import { limitAccess } from './access.js';
import { bodyOf, refusalOf, RequestError } from './errors.js';

export interface HttpLimits {
  /** of a request's body */
  bodyBytes: number;
  /** requests a minute of a key that has no limit of its own */
  perMinute: number;
  /** until a request must be there, headers and body */
  requestSeconds: number;
  /** open connections */
  connections: number;
}

export interface AppOptions {
  keys: ApiKeys;
  metrics: Metrics;
  limits: HttpLimits;
  logger: FastifyBaseLogger;
  version: string;
}

/** Routes are added to it with `routesOf`. */
export async function makeApp({ keys, metrics, limits, logger, version }: AppOptions) {
  const app = fastify({
    loggerInstance: logger,
    // of a proxy in front, or made here
    genReqId: ({ headers }) => {
      const given = headers['x-request-id'];
      return typeof given === 'string' && /^[\w-]{1,64}$/.test(given) ? given : randomUUID();
    },
    bodyLimit: limits.bodyBytes,
    requestTimeout: 1000 * limits.requestSeconds,
    keepAliveTimeout: 30_000,
    http: { headersTimeout: 1000 * limits.requestSeconds, maxHeaderSize: 16_384 },
    forceCloseConnections: 'idle',
    disableRequestLogging: true,
    routerOptions: { maxParamLength: 100 },
    frameworkErrors: (error, _request, reply) => {
      const refusal = refusalOf(error);
      void (reply as FastifyReply).status(refusal.status).send(bodyOf(refusal));
    },
  }).withTypeProvider<ZodTypeProvider>();
  app.server.maxConnections = limits.connections;
  app.removeContentTypeParser('text/plain');
  app.setValidatorCompiler(validatorCompiler);
  app.setSerializerCompiler(serializerCompiler);

  app.addHook('onRequest', async (request, reply) => {
    void reply.header('x-request-id', request.id);
  });
  app.addHook('onResponse', async (request, reply) => {
    const route = request.routeOptions.url ?? 'unknown';
    const { method } = request;
    metrics.requests.inc({ route, method, status: reply.statusCode });
    metrics.requestSeconds.observe({ route }, reply.elapsedTime / 1000);
    const { statusCode: status, elapsedTime } = reply;
    // neither headers nor bodies nor queries: a key or a prompt may be in any of them
    request.log.info(
      { route, method, status, key: request.client?.id, milliseconds: Math.round(elapsedTime) },
      'request',
    );
  });
  app.setErrorHandler((error, request, reply) => {
    const refusal = refusalOf(error);
    if (refusal.status >= 500) request.log.error({ err: error }, 'request failed');
    if (refusal.retryAfter !== undefined) void reply.header('retry-after', refusal.retryAfter);
    return reply.status(refusal.status).send(bodyOf(refusal));
  });
  app.setNotFoundHandler(() => {
    throw new RequestError({ status: 404, code: 'not_found', message: 'There is no such address' });
  });

  await limitAccess(app as unknown as FastifyInstance, { keys, perMinute: limits.perMinute });
  await app.register(swagger, {
    openapi: {
      openapi: '3.1.0',
      info: {
        title: 'Attensor',
        version,
        description: 'Answers of a committed model, and their proofs.',
      },
      components: { securitySchemes: { apiKey: { type: 'http', scheme: 'bearer' } } },
      security: [{ apiKey: [] }],
    },
    transform: jsonSchemaTransform,
    transformObject: jsonSchemaTransformObject,
  });
  app.get(
    '/openapi.json',
    { schema: { hide: true }, config: { access: 'anyone' } },
    () => app.swagger() as object,
  );
  return app;
}

export type App = Awaited<ReturnType<typeof makeApp>>;
