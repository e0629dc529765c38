/** One question to a GraphQL endpoint, its answer validated. */
import { askNode } from '@attensor/contracts/graphql';
import type { z } from 'zod';
import { AttensorError } from '@attensor/core';

/** @throws NODE_UNAVAILABLE, BAD_ANSWER */
export async function ask<T extends z.ZodType>(
  url: string,
  query: string,
  variables: Record<string, unknown>,
  schema: T,
): Promise<z.infer<T>> {
  const data = await askNode(url, query, variables);
  const parsed = schema.safeParse(data);
  if (parsed.success) return parsed.data;
  const issue = parsed.error.issues[0];
  throw new AttensorError({
    code: 'BAD_ANSWER',
    what: `the node's answer is malformed: ${issue.message}`,
    where: `${url}: ${issue.path.join('.')}`,
    hint: 'Choose another node',
  });
}
