import { describe, expect, test } from '@jest/globals';
import { ownersOf } from './owners.js';
import type { ChainView } from './read-chain.js';
import { reachedLevels, trustLevels } from './trust.js';

const view = (urls: string[], change: Partial<ChainView> = {}): ChainView => {
  const nodes = urls.map((url) => ({ url, height: 7, agrees: true }));
  return {
    address: 'B62',
    commitment: { modelRoot: '1', vocabularyRoot: '2', verifierKeyHash: '3' },
    genuine: true,
    foreign: false,
    contractKeyHash: '4',
    attestations: [],
    block: { height: 7, stateHash: '', time: 0, stagedLedgerHash: '', snarkedLedgerHash: '' },
    nodes,
    owners: ownersOf(nodes),
    membership: { staged: true, snarked: true },
    ...change,
  };
};
const reached = (each: ChainView): number => reachedLevels(trustLevels(each));

describe('several nodes', () => {
  test.each([
    ['hosts of one domain', ['https://a.forger.example/', 'https://b.forger.example/graphql']],
    ['of one domain below a public suffix', ['https://a.forger.co.uk/', 'https://b.forger.co.uk/']],
    ['subdomains of a hosting service', ['https://a.github.io/', 'https://b.github.io/']],
    ['ports of one host', ['https://forger.example:1/', 'https://forger.example:2/']],
    ['bare addresses', ['http://192.0.2.1/', 'http://192.0.2.2/', 'http://[2001:db8::1]/']],
    ['names of one machine', ['http://localhost:1/', 'http://127.0.0.1:1/']],
  ])('%s are one owner', (_, urls) => {
    expect(ownersOf(urls.map((url) => ({ url }))).length).toBeLessThan(2);
    expect(reached(view(urls))).toBe(2);
  });

  const several = ['https://node.one.example/', 'https://node.two.example/'];

  test('different registered domains that the site chose are several', () => {
    expect(reached(view(several))).toBe(3);
    const words = trustLevels(view(several))[2].words;
    expect(words).toContain('one.example, two.example');
    expect(words).toContain('is its word');
    const british = ['https://node.one.co.uk/', 'https://node.two.co.uk/'];
    expect(ownersOf(british.map((url) => ({ url })))).toEqual(['one.co.uk', 'two.co.uk']);
  });

  test('named by a link they are one witness', () => {
    expect(reached(view(several, { foreign: true }))).toBe(2);
  });

  test('one that does not answer is no witness', () => {
    const error = { code: 'NODE_UNAVAILABLE', what: 'the node does not answer' };
    const nodes = several.map((url, i) => (i === 0 ? { url } : { url, error }));
    const one = view(several, { nodes, owners: ownersOf(nodes) });
    expect(reached(one)).toBe(2);
    expect(trustLevels(one)[2].words).toContain('1 did not answer');
  });

  test('what they agree on counts only if it is in the ledger', () => {
    expect(reached(view(several, { membership: { staged: false } }))).toBe(1);
    expect(reached(view(several, { membership: undefined }))).toBe(1);
  });
});
