/**
 * Share links: where to look (network, contract, one of its attestations), in the part after `#`, which no server sees.
 * A link is anybody's word: it can name nodes, and the page then says that they come from the link; it never brings a model,
 * a tokenizer or a key.
 */
import { AttensorError, shownUrl } from '@attensor/core';
import { endpointProblem, isAddress, type Network, type Settings } from './settings.js';

/** Where the page reads from. */
export interface Source {
  network: string;
  name: string;
  nodes: string[];
  archive: string;
  networkId: string;
  walletId?: string;
  /** set by a link or by hand, not by the site */
  foreign: boolean;
  address: string;
}

export interface Link {
  source?: Source;
  /** output hash of the attestation that is meant */
  attestation?: string;
}

const sourceOf = (network: Network, address: string): Source => ({
  network: network.id,
  name: network.name,
  nodes: network.nodes,
  archive: network.archive,
  networkId: network.networkId,
  walletId: network.walletId,
  foreign: false,
  address,
});

/** The first contract that the site names. */
export function defaultSource(settings: Settings): Source | undefined {
  const [contract] = settings.contracts;
  const network = settings.networks.find(({ id }) => id === contract?.network);
  return contract === undefined || network === undefined
    ? undefined
    : sourceOf(network, contract.address);
}

export function knownSource(settings: Settings, id: string, address: string): Source | undefined {
  const network = settings.networks.find((each) => each.id === id);
  return network && sourceOf(network, address);
}

/** A source of endpoints given by hand. @throws BAD_INPUT */
export function foreignSource(nodes: string[], archive: string, address: string): Source {
  for (const [where, text] of [
    ...nodes.map((node) => ['node', node] as const),
    ['archive', archive] as const,
  ]) {
    const problem = endpointProblem(text);
    if (problem !== undefined) {
      throw new AttensorError({
        code: 'BAD_INPUT',
        what: 'this is not the public address of a GraphQL endpoint',
        where,
        expected: problem,
        got: shownUrl(text).slice(0, 100),
        hint: 'Name one without a key: links to the page would give it away',
      });
    }
  }
  const name = [...new Set(nodes.map((node) => new URL(node).host))].join(', ');
  const networkId = 'testnet';
  return {
    network: '',
    name,
    nodes: [...new Set(nodes)],
    archive,
    networkId,
    foreign: true,
    address,
  };
}

/** @throws BAD_LINK */
export function parseLink(hash: string, settings: Settings): Link {
  const bad = (what: string, where: string, got: string, expected?: string): AttensorError =>
    new AttensorError({
      code: 'BAD_LINK',
      what,
      where,
      expected,
      got: got.slice(0, 100),
      hint: 'Ask for the link again, or fill in the fields',
    });
  const parts = new URLSearchParams(hash.replace(/^#/, ''));
  const contract = parts.get('contract');
  if (contract === null) return {};
  if (!isAddress(contract)) throw bad('the link names no contract', 'contract', contract, 'B62…');
  const attestation = parts.get('attestation') ?? undefined;
  if (attestation !== undefined && !/^\d{1,78}$/.test(attestation))
    throw bad('the link names no attestation', 'attestation', attestation, 'an output hash');
  const network = parts.get('network');
  const nodes = parts.getAll('node');
  if (nodes.length === 0) {
    const source = knownSource(settings, network ?? settings.networks[0].id, contract);
    if (source === undefined) {
      const known = settings.networks.map(({ id }) => id).join(', ');
      throw bad('this site does not know the network', 'network', String(network), known);
    }
    return { source, attestation };
  }
  if (!settings.otherNodes)
    throw bad('this site reads from its own nodes only', 'node', shownUrl(nodes[0]), 'no node');
  if (nodes.length > 8)
    throw bad('the link names too many nodes', 'node', String(nodes.length), '8');
  try {
    return {
      source: foreignSource(nodes, parts.get('archive') ?? nodes[0], contract),
      attestation,
    };
  } catch (cause) {
    if (!(cause instanceof AttensorError)) throw cause;
    throw bad(cause.what, cause.where ?? 'node', cause.got ?? '');
  }
}

export function linkOf(source: Source, attestation?: string): string {
  const parts = new URLSearchParams();
  if (source.foreign) {
    source.nodes.forEach((node) => parts.append('node', node));
    if (source.archive !== source.nodes[0]) parts.set('archive', source.archive);
  } else {
    parts.set('network', source.network);
  }
  parts.set('contract', source.address);
  if (attestation !== undefined) parts.set('attestation', attestation);
  return `#${parts.toString()}`;
}
