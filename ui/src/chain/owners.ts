/** Whose word several nodes are. */
import { getDomain } from 'tldts-icann';
import type { NodeView } from './read-chain.js';

/**
 * The registered domains of the nodes that answered. Hosts under one domain have one owner. An address without a name, and the
 * visitor's own machine, have none that could be told apart. Subdomains that a hosting service gives to anyone count as the service's.
 *
 * Two domains can still have one owner: this is a lower bound of what a forger must do, not a proof of independence.
 */
export function ownersOf(nodes: readonly NodeView[]): string[] {
  const domains = nodes
    .filter(({ error }) => error === undefined)
    .flatMap(({ url }) => getDomain(url) ?? []);
  return [...new Set(domains)].sort();
}
