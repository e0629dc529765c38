/** Who asks, and how often. */
import rateLimit from '@fastify/rate-limit';
import type { FastifyInstance, FastifyRequest } from 'fastify';
import type { ApiKey, ApiKeys } from '../api-keys.js';
import { RequestError } from './errors.js';

declare module 'fastify' {
  interface FastifyRequest {
    /** Whose key it came with; absent where the service has no keys. */
    client?: ApiKey;
  }
  interface FastifyContextConfig {
    /** Anyone may ask, or only a key for metrics; by default, a key for answers. */
    access?: 'anyone' | 'metrics';
  }
}

const LOOPBACK = /^(localhost|127(\.\d+){3}|\[::1\])(:\d+)?$/i;

/** @param perMinute requests of a key that has no limit of its own, or of an address */
export async function limitAccess(
  app: FastifyInstance,
  { keys, perMinute }: { keys: ApiKeys; perMinute: number },
): Promise<void> {
  app.decorateRequest('client', undefined);
  // before limits are looked at, which are a key's own; refused is who has none after that, before the body is read
  app.addHook('onRequest', async (request) => {
    const [, given = ''] = /^Bearer (\S+)$/i.exec(request.headers.authorization ?? '') ?? [];
    request.client = keys.find(given);
  });
  await app.register(rateLimit, {
    max: (request) => (request as FastifyRequest).client?.perMinute ?? perMinute,
    timeWindow: '1 minute',
    keyGenerator: (request) => request.client?.id ?? request.ip,
    errorResponseBuilder: (_request, { max, ttl }) =>
      Object.assign(
        new RequestError({
          status: 429,
          code: 'rate_limit_exceeded',
          message: `More than ${max} requests within a minute`,
          retryAfter: Math.ceil(ttl / 1000),
        }),
        { statusCode: 429 },
      ),
  });
  app.addHook('preParsing', async (request) => {
    const { access } = request.routeOptions.config;
    if (access === 'anyone' || request.is404) return;
    if (keys.list.length === 0) return requireLoopback(request);
    if (request.client?.use === (access ?? 'answers')) return;
    throw new RequestError(
      request.client === undefined
        ? { status: 401, code: 'invalid_api_key', message: 'A valid API key is needed' }
        : { status: 403, code: 'wrong_api_key', message: 'The API key is not for this' },
    );
  });
}

/** Without keys, the loopback address protects the service; a page that calls itself something else has no business here. */
function requireLoopback({ headers }: FastifyRequest): void {
  if (LOOPBACK.test(headers.host ?? '')) return;
  throw new RequestError({
    status: 403,
    code: 'wrong_host',
    message: 'A service without API keys answers only as localhost',
  });
}
