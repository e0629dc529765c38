/**
 * HTTP: GraphQL at `/graphql` (daemon and archive; `/` is the same), the account manager beside it.
 *
 * The handler of graphql-http answers every request, malformed or not, with a GraphQL result.
 */
import { createHandler } from 'graphql-http';
import { GraphQLError, type GraphQLSchema } from 'graphql';
import { createServer, type IncomingMessage, type Server, type ServerResponse } from 'node:http';
import { AttensorError } from '@attensor/core';
import { parseQuery } from './query-cost.js';
import type { TestAccounts } from './test-accounts.js';

/** Largest request. A transaction with the most proofs that fit in one is below 1 MB. */
export const MAX_BODY_BYTES = 4_000_000;
const KEEP_ALIVE_MS = 10 * 60_000;

/** Any page may use a local node; `Private-Network` lets pages from the internet do so too. */
const CORS = {
  'access-control-allow-origin': '*',
  'access-control-allow-methods': 'GET, POST, PUT, OPTIONS',
  'access-control-allow-headers': 'content-type, accept, authorization',
  'access-control-allow-private-network': 'true',
  'access-control-max-age': '86400',
};

interface Services {
  schema: GraphQLSchema;
  rootValue: unknown;
  accounts: TestAccounts;
  makeBlock: () => Promise<{ height: number }>;
  /** For failures that are nobody's mistake. */
  log: (line: string) => void;
}

export function createNodeServer(services: Services): Server {
  const graphql = createHandler({
    schema: services.schema,
    rootValue: services.rootValue,
    parse: parseQuery,
    formatError: (error) => explained(error, services.log),
  });

  const answer = async (request: IncomingMessage, response: ServerResponse): Promise<void> => {
    const url = new URL(request.url ?? '/', 'http://localhost');
    const json = (status: number, body: unknown) => {
      response.writeHead(status, { ...CORS, 'content-type': 'application/json; charset=utf-8' });
      response.end(JSON.stringify(body));
    };
    if (request.method === 'OPTIONS') {
      response.writeHead(204, CORS).end();
      return;
    }
    switch (`${request.method} ${url.pathname}`) {
      case 'GET /acquire-account':
        json(
          200,
          await services.accounts.acquire(url.searchParams.get('isRegularAccount') !== 'false'),
        );
        return;
      case 'PUT /release-account':
        json(200, services.accounts.release(publicKeyOf(await bodyOf(request))));
        return;
      case 'GET /list-acquired-accounts':
        json(200, services.accounts.list());
        return;
      case 'POST /make-block':
        json(200, { height: (await services.makeBlock()).height });
        return;
    }
    if (url.pathname !== '/graphql' && url.pathname !== '/') {
      json(404, { errors: [{ message: `there is nothing at ${url.pathname}; use /graphql` }] });
      return;
    }
    const headers = { ...request.headers };
    // old clients read errors only from answers with status 200, which this media type has
    if (headers.accept === undefined || headers.accept === '*/*') {
      headers.accept = 'application/json';
    }
    const text = await bodyOf(request);
    const [body, init] = await graphql({
      method: request.method ?? 'GET',
      url: request.url ?? '/',
      headers,
      body: text,
      raw: request,
      context: undefined,
    });
    response.writeHead(init.status, init.statusText, { ...CORS, ...init.headers }).end(body);
  };

  const server = createServer((request, response) => {
    answer(request, response).catch((error: unknown) => {
      const known = error instanceof AttensorError;
      if (!known) services.log(error instanceof Error ? (error.stack ?? '') : String(error));
      const status = known ? 400 : error instanceof TooLarge ? 413 : 500;
      const message = error instanceof Error ? error.message : String(error);
      response.writeHead(status, {
        ...CORS,
        'content-type': 'application/json; charset=utf-8',
        // what is left of a large body is not read
        ...(error instanceof TooLarge && { connection: 'close' }),
      });
      response.end(JSON.stringify({ code: status, message, errors: [{ message }] }));
    });
  });
  server.requestTimeout = 60_000;
  // a client that proves for minutes does not notice that its connection was closed meanwhile
  server.keepAliveTimeout = KEEP_ALIVE_MS;
  return server;
}

class TooLarge extends Error {}

async function bodyOf(request: IncomingMessage): Promise<string> {
  const chunks: Buffer[] = [];
  let size = 0;
  for await (const chunk of request as AsyncIterable<Buffer>) {
    size += chunk.length;
    if (size > MAX_BODY_BYTES) throw new TooLarge(`a request has at most ${MAX_BODY_BYTES} bytes`);
    chunks.push(chunk);
  }
  return Buffer.concat(chunks).toString('utf8');
}

function publicKeyOf(body: string): string {
  try {
    const { pk } = JSON.parse(body) as { pk?: unknown };
    if (typeof pk === 'string') return pk;
  } catch {
    // told below
  }
  throw new AttensorError({
    code: 'BAD_ARGUMENT',
    what: 'the body does not name an account',
    expected: '{"pk": "B62..."}',
  });
}

/** A mistake keeps its fields as `extensions`; a fault is logged, and named as one. */
function explained(
  error: Readonly<GraphQLError | Error>,
  log: (line: string) => void,
): GraphQLError {
  if (!(error instanceof GraphQLError)) return new GraphQLError(error.message);
  const { originalError } = error;
  if (originalError instanceof AttensorError) {
    return new GraphQLError(error.message, {
      nodes: error.nodes,
      source: error.source,
      positions: error.positions,
      path: error.path,
      extensions: { ...originalError.toJSON() },
    });
  }
  if (originalError !== undefined && !(originalError instanceof TypeError)) {
    log(originalError.stack ?? originalError.message);
  }
  return error;
}

/** @returns the port, which the system chooses if 0 is asked for. @throws AttensorError */
export async function listen(server: Server, port: number, host: string): Promise<number> {
  await new Promise<void>((resolve, reject) => {
    server.once('error', (error: NodeJS.ErrnoException) => {
      const taken = error.code === 'EADDRINUSE' || error.code === 'EACCES';
      reject(
        taken
          ? new AttensorError({
              code: 'PORT_IN_USE',
              what: 'the node cannot listen on this port',
              where: `${host}:${port}`,
              got: error.code,
              hint: 'give another --port',
            })
          : error,
      );
    });
    server.listen(port, host, resolve);
  });
  const address = server.address();
  return typeof address === 'object' && address !== null ? address.port : port;
}
