/** JSON files at the boundary: read, parsed, validated. */
import { readFile } from 'node:fs/promises';
import type { z } from 'zod';
import { AttensorError, type ErrorCode } from '@attensor/core';

/** @throws NOT_FOUND, or `code` with the offending field. */
export async function readJson<T extends z.ZodType>(
  path: string,
  schema: T,
  code: ErrorCode,
  hint: string,
): Promise<z.infer<T>> {
  let text: string;
  try {
    text = await readFile(path, 'utf8');
  } catch (cause) {
    throw notFound(path, hint, cause);
  }
  let value: unknown;
  try {
    value = JSON.parse(text);
  } catch (cause) {
    const got = cause instanceof Error ? cause.message : String(cause);
    throw new AttensorError({ code, what: 'the file is not JSON', where: path, got, hint, cause });
  }
  const parsed = schema.safeParse(value);
  if (parsed.success) return parsed.data;
  const issue = parsed.error.issues[0];
  throw new AttensorError({
    code,
    what: `field '${issue.path.join('.') || '(root)'}' is not valid: ${issue.message}`,
    where: path,
    hint,
  });
}

export function notFound(path: string, hint: string, cause?: unknown): AttensorError {
  const reason = (cause as NodeJS.ErrnoException | undefined)?.code;
  return new AttensorError({
    code: 'NOT_FOUND',
    what: 'the file cannot be read',
    where: path,
    got: reason,
    hint,
    cause,
  });
}
