/** One question to a GraphQL endpoint, its answer validated. */
import type { z } from 'zod';
import { PageError } from '../errors.js';

const TIMEOUT_MS = 15_000;

/** @throws NODE_UNAVAILABLE, BAD_ANSWER */
export async function ask<T extends z.ZodType>(
  url: string,
  query: string,
  variables: Record<string, unknown>,
  schema: T,
): Promise<z.infer<T>> {
  const unavailable = (got: string, cause?: unknown): PageError =>
    new PageError({
      code: 'NODE_UNAVAILABLE',
      what: 'the node does not answer',
      where: url,
      got,
      hint: 'Try again later, or choose another node',
      cause,
    });
  let body: { data?: unknown; errors?: { message?: string }[] };
  try {
    const response = await fetch(url, {
      method: 'POST',
      headers: { 'content-type': 'application/json' },
      body: JSON.stringify({ query, variables }),
      signal: AbortSignal.timeout(TIMEOUT_MS),
      referrerPolicy: 'no-referrer',
      credentials: 'omit',
    });
    body = (await response.json()) as typeof body;
  } catch (cause) {
    throw unavailable(cause instanceof Error ? cause.message : String(cause), cause);
  }
  if (body.errors?.length) {
    throw new PageError({
      code: 'BAD_ANSWER',
      what: 'the node refuses the question',
      where: url,
      got: String(body.errors[0].message).slice(0, 300),
      hint: 'Is it a Mina daemon, or an archive where one is expected?',
    });
  }
  const parsed = schema.safeParse(body.data);
  if (parsed.success) return parsed.data;
  const issue = parsed.error.issues[0];
  throw new PageError({
    code: 'BAD_ANSWER',
    what: `the node's answer is not what it should be: ${issue.message}`,
    where: `${url}: ${issue.path.join('.')}`,
    hint: 'Choose another node',
  });
}
