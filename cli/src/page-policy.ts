/**
 * The built page may ask any endpoint (`ui/src/site/policy.ts`): a site's page asks those of its settings only, so that what is typed
 * into it can go nowhere else.
 */
import { AttensorError } from '@attensor/core';
import { readFile, writeFile } from 'node:fs/promises';
import { join } from 'node:path';

/** Where the policy stands: for browsers without headers, for hosts, and for the service worker. */
const FILES = ['index.html', '_headers', 'policy.js'];
const CONNECT = /connect-src [^;"]*/g;

/**
 * Narrows the policy of the page in `site` to these URLs.
 *
 * @throws AttensorError BAD_FILE if a file has no policy
 */
export async function allowOnly(site: string, endpoints: readonly string[]): Promise<void> {
  const sources = ["'self'", ...new Set(endpoints.map(sourceOf))].join(' ');
  for (const name of FILES) {
    const path = join(site, name);
    const text = await readFile(path, 'utf8').catch(() => '');
    if (text.match(CONNECT)?.length !== 1) {
      throw new AttensorError({
        code: 'BAD_FILE',
        what: 'the built page has no Content-Security-Policy',
        where: path,
        expected: 'one connect-src',
        hint: 'Build the page again: `npm run build:ui`',
      });
    }
    await writeFile(
      path,
      text.replace(CONNECT, () => `connect-src ${sources}`),
    );
  }
}

/** A URL as a source of the policy: without a query, and without what would end the directive. */
function sourceOf(endpoint: string): string {
  const { origin, pathname } = new URL(endpoint);
  return origin + pathname.replace(/[;,]/g, (sign) => (sign === ';' ? '%3B' : '%2C'));
}
