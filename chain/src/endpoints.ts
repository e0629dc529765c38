/**
 * The endpoints of a network where more is to be said than an alias's URL: keys in headers, and others to ask where one fails. They are
 * in a file of their own, so that the configuration can be shared.
 */
import { AttensorError, shownUrl } from '@attensor/core';
import { PRIVATE_FILE, readJson } from '@attensor/core/files';
import type { Endpoint } from '@attensor/contracts/graphql';
import { stat } from 'node:fs/promises';
import { resolve } from 'node:path';
import { z } from 'zod';

/** At least one of each. The first one is asked first. */
export interface NetworkEndpoints {
  nodes: Endpoint[];
  /** How many nodes must show the same account; 1 if not given. */
  agree?: number;
  archives: Endpoint[];
}

/** Names the file where `--endpoints` does not. */
export const ENDPOINTS_VARIABLE = 'ATTENSOR_ENDPOINTS';

const MAX_BYTES = 1_000_000;
const HINT =
  '{"nodes": ["https://…", {"url": "https://…", "headers": {"x-api-key": "$MY_KEY"}}], "archives": […]}';
const url = z.url({ protocol: /^https?$/ });
const endpointSchema = z
  .union([
    url,
    z.strictObject({
      url,
      // what fetch would refuse with a message that quotes it
      headers: z
        .record(z.string().regex(/^[\w!#$%&'*+.^`|~-]+$/), z.string().regex(/^[\x20-\x7e]*$/))
        .optional(),
    }),
  ])
  .transform((each): Endpoint => (typeof each === 'string' ? { url: each } : each));
const fileSchema = z
  .strictObject({
    nodes: z.array(endpointSchema).min(1),
    agree: z.int().min(1).optional(),
    archives: z.array(endpointSchema).min(1).optional(),
  })
  .refine(({ nodes, agree = 1 }) => agree <= nodes.length, {
    path: ['agree'],
    message: 'more nodes must agree than there are',
  });

/**
 * A header's value that begins with `$` is that of an environment variable.
 *
 * @throws AttensorError NOT_FOUND, BAD_FILE; INSECURE_FILE if others may read a key in it
 */
export async function readEndpoints(
  path: string,
  environment: Readonly<Record<string, string | undefined>> = process.env,
): Promise<NetworkEndpoints> {
  const where = resolve(path);
  const file = { path: where, schema: fileSchema, code: 'BAD_FILE' as const, hint: HINT };
  const { nodes, agree, archives = nodes } = await readJson({ ...file, maxBytes: MAX_BYTES });
  if ([...nodes, ...archives].some(holdsSecret)) await requirePrivate(where);
  const filled = (endpoint: Endpoint) => fillHeaders(endpoint, environment, where);
  return { nodes: nodes.map(filled), agree, archives: archives.map(filled) };
}

function holdsSecret({ url: address, headers = {} }: Endpoint): boolean {
  const inHeaders = Object.values(headers).some((value) => !value.startsWith('$'));
  return inHeaders || shownUrl(address) !== address;
}

async function requirePrivate(where: string): Promise<void> {
  const mode = (await stat(where)).mode & 0o777;
  if (process.platform === 'win32' || (mode & ~PRIVATE_FILE) === 0) return;
  throw new AttensorError({
    code: 'INSECURE_FILE',
    what: 'others may read the file, and there are keys in it',
    where,
    expected: 'mode 600',
    got: `mode ${mode.toString(8)}`,
    hint: `run \`chmod 600 ${where}\`, or take the keys from the environment`,
  });
}

function fillHeaders(
  { url: address, headers }: Endpoint,
  environment: Readonly<Record<string, string | undefined>>,
  where: string,
): Endpoint {
  if (headers === undefined) return { url: address };
  const filled = Object.entries(headers).map(([name, value]) => {
    if (!value.startsWith('$')) return [name, value];
    const found = environment[value.slice(1)];
    if (found !== undefined && /^[\x20-\x7e]+$/.test(found)) return [name, found];
    throw new AttensorError({
      code: 'BAD_FILE',
      what: 'a header takes its value from an environment variable that is not set, or is no header',
      where,
      expected: value,
      hint: `export ${value.slice(1)}`,
    });
  });
  return { url: address, headers: Object.fromEntries(filled) as Record<string, string> };
}
