/** One question to a GraphQL endpoint. Without o1js, for pages that load that later. */
import { AttensorError } from '@attensor/core';

const TIMEOUT_MS = 15_000;
const MAX_QUOTED = 300;

/**
 * @returns what the answer calls `data`, unchecked
 * @throws NODE_UNAVAILABLE, BAD_ANSWER
 */
export async function askNode(
  url: string,
  query: string,
  variables: Record<string, unknown>,
  { timeoutMs = TIMEOUT_MS } = {},
): Promise<unknown> {
  const { text, status } = await post(url, JSON.stringify({ query, variables }), timeoutMs);
  const answer = parse(text);
  if (answer === undefined) {
    // a proxy in front of a node that is down answers with a page of its own
    if (status >= 500) throw unavailable(url, `HTTP status ${status}`);
    throw badAnswer(url, 'the node does not answer in GraphQL', text || `HTTP status ${status}`);
  }
  const { data, errors } = answer;
  if (Array.isArray(errors) && errors.length > 0) {
    const [first] = errors as ({ message?: unknown } | null)[];
    throw badAnswer(url, 'the node refuses the question', String(first?.message));
  }
  return data;
}

async function post(url: string, body: string, timeoutMs: number) {
  try {
    const response = await fetch(url, {
      method: 'POST',
      headers: { 'content-type': 'application/json' },
      body,
      signal: AbortSignal.timeout(timeoutMs),
      referrerPolicy: 'no-referrer',
      credentials: 'omit',
    });
    return { text: await response.text(), status: response.status };
  } catch (error) {
    throw unavailable(url, reasonOf(error), error);
  }
}

/** Node's `fetch` says only that it failed; why is in the cause. */
function reasonOf(error: unknown): string {
  const { message, cause } = error as Partial<Error>;
  const { message: reason } = (cause ?? {}) as Partial<Error>;
  return reason || message || String(error);
}

function parse(text: string): { data?: unknown; errors?: unknown } | undefined {
  try {
    const answer: unknown = JSON.parse(text);
    return typeof answer === 'object' && answer !== null ? answer : undefined;
  } catch {
    return undefined;
  }
}

function unavailable(url: string, got: string, cause?: unknown): AttensorError {
  return new AttensorError({
    code: 'NODE_UNAVAILABLE',
    what: 'the node does not answer',
    where: url,
    got,
    hint: 'Try again later, or choose another node',
    cause,
  });
}

function badAnswer(url: string, what: string, got: string): AttensorError {
  return new AttensorError({
    code: 'BAD_ANSWER',
    what,
    where: url,
    got: got.slice(0, MAX_QUOTED),
    hint: 'Check that the URL is that of a Mina daemon, or of an archive where one is expected',
  });
}
