/** The networks that a page reads from: what its visitors get to know, so that no address may hold a key. */
import type { Alias } from '@attensor/chain';
import { AttensorError, secretIn, shownUrl } from '@attensor/core';

/** One page knows at most as many endpoints of a network. */
const MAX_NODES = 8;

export interface EndpointOptions {
  /** other nodes to compare with */
  node?: string[];
  /** instead of the aliases' own */
  archive?: string;
  /** what wallets call the network */
  wallet?: string;
}

/** An alias's name as an identifier of the page. */
export const networkId = (alias: string): string => alias.replace(/[^\w-]/g, '-').slice(0, 40);

/** What is published of an alias. */
export type PublicAlias = Pick<Alias, 'name' | 'network' | 'networkId' | 'url' | 'archive'>;

/** The networks of `attensor.json`. @throws AttensorError USAGE */
export function networksOf(aliases: readonly PublicAlias[], options: EndpointOptions) {
  const { node = [], wallet } = options;
  const ids = aliases.map(({ name }) => networkId(name));
  if (new Set(ids).size < ids.length) {
    throw new AttensorError({
      code: 'USAGE',
      what: 'two aliases have the same name on the page',
      got: ids.join(', '),
      hint: 'Rename one of them',
    });
  }
  return aliases.map(({ name, network, networkId: signed, url, archive }) => {
    const nodes = publicNodes(name, url, node);
    if (nodes.length > MAX_NODES) {
      throw new AttensorError({
        code: 'USAGE',
        what: 'too many nodes',
        expected: `at most ${MAX_NODES}`,
        got: String(nodes.length),
      });
    }
    return {
      id: networkId(name),
      name: network,
      nodes,
      archive: publicArchive(name, options.archive, archive),
      networkId: typeof signed === 'string' ? signed : signed.custom,
      ...(wallet !== undefined && { walletId: wallet }),
    };
  });
}

/** The alias's own node is left out if its URL may hold a key and others are named. @throws AttensorError USAGE */
function publicNodes(alias: string, own: string, named: string[]): string[] {
  for (const url of named) requirePublic(url, '--node', 'Name an address without a key');
  if (named.length > 0 && secretIn(own) !== undefined) return [...new Set(named)];
  requirePublic(own, `alias ${alias}`, 'Name a public node with --node');
  return [...new Set([own, ...named])];
}

/** @throws AttensorError USAGE */
function publicArchive(alias: string, named: string | undefined, own: string): string {
  if (named === undefined)
    requirePublic(own, `alias ${alias}`, 'Name a public archive with --archive');
  else requirePublic(named, '--archive', 'Name an address without a key');
  return named ?? own;
}

/** What goes into `attensor.json`, anyone can read. @throws AttensorError USAGE */
function requirePublic(url: string, where: string, hint: string): void {
  const fault =
    secretIn(url) ?? (/^https?:\/\//.test(url) && URL.canParse(url) ? undefined : 'no http(s) URL');
  if (fault === undefined) return;
  throw new AttensorError({
    code: 'USAGE',
    what: 'this address would be published with the page, and may hold a key',
    where,
    expected: 'http(s)://…, without credentials, a query or a key',
    got: `${shownUrl(url)}: ${fault}`,
    hint,
  });
}
