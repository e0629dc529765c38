/** One question to a GraphQL endpoint. Without o1js, for pages that load that later. */
import { AttensorError, shownUrl } from '@attensor/core';

/** A node or an archive. */
export interface Endpoint {
  url: string;
  /** Sent to this endpoint only: an API key, say. No error and no log shows a value. */
  headers?: Readonly<Record<string, string>>;
}

export interface AskOptions {
  timeoutMs?: number;
  /** Largest answer that is read. */
  maxBytes?: number;
  signal?: AbortSignal;
}

const TIMEOUT_MS = 15_000;
export const MAX_ANSWER_BYTES = 64 * 2 ** 20;
const MAX_QUOTED = 300;

export const asEndpoint = (endpoint: string | Endpoint): Endpoint =>
  typeof endpoint === 'string' ? { url: endpoint } : endpoint;

/** Text of others, which may quote what they were sent. */
export function withoutSecrets(text: string, { url, headers = {} }: Endpoint): string {
  const values = Object.values(headers).filter((value) => value !== '');
  // a scheme in front of a key, like Bearer, is no secret, but the key is one without it too
  const secrets = values.flatMap((value) => [value, value.split(' ').at(-1) ?? value]);
  return secrets.reduce(
    (shown, secret) => shown.replaceAll(secret, '…'),
    text.replaceAll(url, shownUrl(url)),
  );
}

/**
 * @returns what the answer calls `data`, unchecked
 * @throws NODE_UNAVAILABLE, BAD_ANSWER
 */
export async function askNode(
  endpoint: string | Endpoint,
  query: string,
  variables: Record<string, unknown>,
  options: AskOptions = {},
): Promise<unknown> {
  const asked = asEndpoint(endpoint);
  const { text, status } = await post(asked, JSON.stringify({ query, variables }), options);
  const answer = parse(text);
  if (answer === undefined) {
    // a proxy in front of a node that is down answers with a page of its own
    if (status >= 500 || status === 429) throw unavailable(asked, `HTTP status ${status}`);
    throw badAnswer(asked, 'the node does not answer in GraphQL', text || `HTTP status ${status}`);
  }
  const { data, errors } = answer;
  if (Array.isArray(errors) && errors.length > 0) {
    const [first] = errors as ({ message?: unknown } | null)[];
    throw badAnswer(asked, 'the node refuses the question', String(first?.message));
  }
  return data;
}

/**
 * The first good answer, in the order of the endpoints.
 *
 * @param use asks one endpoint
 * @throws what the first endpoint did if none answers; NO_CONTRACT and the like, which are answers, at once
 */
export async function firstAnswer<T>(
  endpoints: readonly Endpoint[],
  use: (endpoint: Endpoint) => Promise<T>,
): Promise<T> {
  const errors: unknown[] = [];
  for (const endpoint of endpoints) {
    try {
      return await use(endpoint);
    } catch (error) {
      if (!(error instanceof AttensorError) || !PASSED_ON.includes(error.code)) throw error;
      errors.push(error);
    }
  }
  throw errors[0];
}

/** How many endpoints must answer alike. */
export interface Agreement<T> {
  needed: number;
  /** Equal for answers that agree. */
  alike: (answer: T) => string;
  /** An answer in few words, for those who have to find out which endpoint is wrong. */
  inWords: (answer: T) => string;
  /** Between attempts: an endpoint may have seen a block that another has not. */
  pauseMs?: number;
}

const ATTEMPTS = 3;
const PAUSE_MS = 2000;

/**
 * What as many endpoints as needed answer alike, each by itself. All are asked at once, and again if they disagree.
 *
 * @param use asks one endpoint; what it throws but for faults of an endpoint is an answer too
 * @returns the answers that agree, in the order of the endpoints
 * @throws what they agree on if it is an error, the first fault if too few endpoints answer, NODES_DISAGREE
 */
export async function agreedAnswers<T>(
  endpoints: readonly Endpoint[],
  use: (endpoint: Endpoint) => Promise<T>,
  { needed, alike, inWords, pauseMs = PAUSE_MS }: Agreement<T>,
): Promise<T[]> {
  for (let attempt = 1; ; attempt++) {
    const outcomes = await Promise.all(
      endpoints.map(async (endpoint) => {
        const where = shownUrl(endpoint.url);
        try {
          const answer = await use(endpoint);
          return { where, answer, same: `answer ${alike(answer)}`, words: inWords(answer) };
        } catch (error) {
          if (!(error instanceof AttensorError)) throw error;
          const fault = PASSED_ON.includes(error.code);
          return { where, error, same: fault ? undefined : error.code, words: error.code };
        }
      }),
    );
    const answered = outcomes.filter(({ same }) => same !== undefined);
    const fault = outcomes.find(({ same }) => same === undefined)?.error;
    if (answered.length < needed && fault !== undefined) throw fault;
    const groups = [...new Set(answered.map(({ same }) => same))]
      .map((same) => answered.filter((each) => each.same === same))
      .filter((group) => group.length >= needed);
    if (groups.length === 1) {
      const [group] = groups;
      const refusal = group[0].error;
      if (refusal !== undefined) throw refusal;
      return group.flatMap(({ answer }) => (answer === undefined ? [] : [answer]));
    }
    if (attempt === ATTEMPTS) {
      throw new AttensorError({
        code: 'NODES_DISAGREE',
        what: 'the nodes disagree',
        expected: `the same answer of ${needed} of ${endpoints.length} nodes`,
        got: outcomes.map(({ where, words }) => `${where}: ${words}`).join('; '),
        hint: 'One of them is behind, on a fork, or lying. Ask again, or choose the nodes you trust',
      });
    }
    await new Promise((resolve) => setTimeout(resolve, pauseMs));
  }
}

/** Faults of an endpoint, not answers. */
const PASSED_ON = ['NODE_UNAVAILABLE', 'ARCHIVE_UNAVAILABLE', 'BAD_ANSWER', 'ARCHIVE_MISMATCH'];

async function post(endpoint: Endpoint, body: string, options: AskOptions) {
  const { timeoutMs = TIMEOUT_MS, maxBytes = MAX_ANSWER_BYTES, signal } = options;
  const timeout = AbortSignal.timeout(timeoutMs);
  try {
    const response = await fetch(endpoint.url, {
      method: 'POST',
      headers: { ...endpoint.headers, 'content-type': 'application/json' },
      body,
      signal: signal === undefined ? timeout : AbortSignal.any([timeout, signal]),
      referrerPolicy: 'no-referrer',
      credentials: 'omit',
    });
    return { text: await textOf(response, maxBytes, endpoint), status: response.status };
  } catch (error) {
    if (error instanceof AttensorError) throw error;
    signal?.throwIfAborted();
    throw unavailable(endpoint, reasonOf(error), error);
  }
}

/** Stops reading where an answer is larger than any honest one. @throws BAD_ANSWER */
export async function textOf(
  response: Response,
  maxBytes: number,
  endpoint: Endpoint,
): Promise<string> {
  const reader = response.body?.getReader();
  if (reader === undefined) return '';
  const decoder = new TextDecoder();
  let text = '';
  let bytes = 0;
  for (;;) {
    const { done, value } = await reader.read();
    if (done) return text + decoder.decode();
    bytes += value.length;
    if (bytes > maxBytes) {
      await reader.cancel();
      throw badAnswer(endpoint, 'the answer is too large', `more than ${maxBytes} bytes`);
    }
    text += decoder.decode(value, { stream: true });
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

function unavailable(endpoint: Endpoint, got: string, cause?: unknown): AttensorError {
  return new AttensorError({
    code: 'NODE_UNAVAILABLE',
    what: 'the node does not answer',
    where: shownUrl(endpoint.url),
    got: withoutSecrets(got, endpoint),
    hint: 'Try again later, or choose another node',
    // a message of the system may hold the URL with its key
    cause: Object.keys(endpoint.headers ?? {}).length > 0 ? undefined : cause,
  });
}

export function badAnswer(endpoint: Endpoint, what: string, got: string): AttensorError {
  return new AttensorError({
    code: 'BAD_ANSWER',
    what,
    where: shownUrl(endpoint.url),
    got: withoutSecrets(got, endpoint).slice(0, MAX_QUOTED),
    hint: 'Check that the URL is that of a Mina daemon, or of an archive where one is expected',
  });
}
