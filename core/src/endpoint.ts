/** Addresses of nodes and archives. Providers put API keys into them, and a key in a public file or a link is everybody's. */

/** A path's or a host name's part that no one would choose as a name: a UUID, or a long mix of letters and digits. */
function looksRandom(part: string): boolean {
  if (/^[0-9a-f]{8}(-[0-9a-f]{4}){3}-[0-9a-f]{12}$/i.test(part)) return true;
  const joined = part.replace(/[-_]/g, '');
  const mixed = /\d/.test(joined) && /[a-z]/.test(joined) && /[A-Z]/.test(joined);
  if (mixed && joined.length >= 20) return true;
  return part.split(/[-_]/).some((word) => word.length >= 20 && /\d/.test(word));
}

/**
 * What in a URL may be a secret: credentials, a query, a fragment, or a part that looks like a key.
 *
 * @returns in words, without the secret; undefined if there is none, or if it is no URL
 */
export function secretIn(url: string): string | undefined {
  if (!URL.canParse(url)) return undefined;
  const { username, password, search, hash, hostname, pathname } = new URL(url);
  if (username !== '' || password !== '') return 'a user name or password';
  if (search !== '' || hash !== '') return 'a query';
  if (pathname.split('/').some(looksRandom)) return 'a path that looks like a key';
  if (hostname.split('.').some(looksRandom)) return 'a host name that looks like a key';
  return undefined;
}

/** Longer parts of a path are not shown: not every key looks like one. */
const MAX_SHOWN_PART = 20;

/** A URL to show or to log: without credentials, query and fragment, and without parts of path and host name that may be a key. */
export function shownUrl(url: string): string {
  if (!URL.canParse(url)) return /[@?#]/.test(url) ? '(not a URL)' : url;
  const { protocol, host, hostname, username, password, pathname, search, hash } = new URL(url);
  if (hostname.split('.').some(looksRandom)) return `${protocol}//…`;
  const parts = pathname.split('/');
  const hidden = (part: string) => part.length > MAX_SHOWN_PART || looksRandom(part);
  const rest = search === '' && hash === '' ? '' : '?…';
  if (`${username}${password}${rest}` === '' && !parts.some(hidden)) return url;
  return `${protocol}//${host}${parts.map((part) => (hidden(part) ? '…' : part)).join('/')}${rest}`;
}
