/** Which nodes and archives are asked: o1js does not give back those that its active instance was made with. */
import { AttensorError, shownUrl } from '@attensor/core';
import { Mina } from 'o1js';
import type { CheckpointStore } from './checkpoint.js';
import { asEndpoint, type Endpoint } from './graphql.js';

/** One endpoint or several: the next one is asked where the one before fails. */
export type Endpoints = string | Endpoint | readonly (string | Endpoint)[];

export interface Connection {
  /** GraphQL of daemons. */
  nodes: Endpoints;
  /**
   * How many of the nodes must show the same account, whatever the others say; 1 if not given, and then the first node that answers is
   * believed. What archives say is compared with that account in any case.
   */
  agree?: number;
  /** GraphQL of archives; the nodes if not given, as with a local node. */
  archives?: Endpoints;
  /** Where readers keep what they have read, unless told another place. */
  checkpoints?: CheckpointStore;
  networkId?: 'mainnet' | 'devnet' | { custom: string };
}

export interface Connected {
  nodes: readonly Endpoint[];
  agree: number;
  archives: readonly Endpoint[];
  checkpoints?: CheckpointStore;
}

export function endpointList(endpoints: Endpoints): readonly Endpoint[] {
  return (Array.isArray(endpoints) ? endpoints : [endpoints]).map(asEndpoint);
}

const connections = new WeakMap<object, Connected>();

/**
 * Makes a network o1js's active instance, and lets the functions of this package ask its nodes and archives
 * themselves: with each endpoint's own headers, one after the other, and with the blocks of what they find.
 *
 * @throws BAD_ARGUMENT without a node, or if more nodes must agree than there are
 */
export function connect(connection: Connection): Connected {
  const { nodes, agree = 1, archives = nodes, checkpoints, networkId } = connection;
  const connected = {
    nodes: endpointList(nodes),
    agree,
    archives: endpointList(archives),
    checkpoints,
  };
  if (connected.nodes.length === 0 || connected.archives.length === 0) {
    throw new AttensorError({
      code: 'BAD_ARGUMENT',
      what: 'name at least one node and one archive',
      where: 'connect',
    });
  }
  const { length } = connected.nodes;
  if (!Number.isInteger(agree) || agree < 1 || agree > length) {
    throw new AttensorError({
      code: 'BAD_ARGUMENT',
      what: 'so many nodes cannot agree',
      where: 'connect: agree',
      expected: `a whole number from 1 to ${length}, the number of nodes`,
      got: String(agree),
    });
  }
  const instance = Mina.Network({
    networkId,
    mina: sharing(connected.nodes),
    archive: sharing(connected.archives),
    minaDefaultHeaders: connected.nodes[0].headers ?? {},
    archiveDefaultHeaders: connected.archives[0].headers ?? {},
  });
  Mina.setActiveInstance(instance);
  connections.set(instance, connected);
  return connected;
}

/** Those of the active instance, if `connect` made it. */
export function activeConnection(): Connected | undefined {
  return connections.get(Mina.activeInstance);
}

/**
 * o1js sends the same headers to all its endpoints: it gets those only that may see them. In errors it quotes the addresses of several,
 * but not that of one, so it gets the first one alone if a key may be in them.
 */
function sharing(endpoints: readonly Endpoint[]): string[] {
  const headers = (endpoint: Endpoint) => JSON.stringify(Object.entries(endpoint.headers ?? {}));
  const urls = endpoints
    .filter((endpoint) => headers(endpoint) === headers(endpoints[0]))
    .map(({ url }) => url);
  return urls.every((url) => shownUrl(url) === url) ? urls : urls.slice(0, 1);
}
