import { present } from '@attensor/core';
import { describe, expect, test } from '@jest/globals';
import { defaultSource, foreignSource, knownSource, linkOf, parseLink } from './link.js';
import { parseSettings, publishedModel } from './settings.js';

const ADDRESS = `B62q${'n'.repeat(51)}`;
const network = {
  id: 'devnet',
  name: 'Devnet',
  nodes: ['https://one.example/graphql', 'https://two.example/graphql'],
  archive: 'https://archive.example/',
  walletId: 'mina:devnet',
};
const model = { name: 'tiny', modelRoot: '1', vocabularyRoot: '2', verifierKeyHash: '3' };
const settings = parseSettings({
  format: 'attensor-page',
  version: 1,
  networks: [network],
  contracts: [{ network: 'devnet', address: ADDRESS, name: 'tiny' }],
  models: [model],
  otherNodes: true,
});

describe('links', () => {
  test('lead back to where they were made', () => {
    const known = present(knownSource(settings, 'devnet', ADDRESS));
    expect(parseLink(linkOf(known, '77'), settings)).toEqual({ source: known, attestation: '77' });
    const nodes = ['http://localhost:1/graphql', 'http://localhost:2/graphql'];
    for (const archive of [nodes[0], 'http://localhost:3/']) {
      const foreign = foreignSource(nodes, archive, ADDRESS);
      expect(parseLink(linkOf(foreign), settings)).toEqual({
        source: foreign,
        attestation: undefined,
      });
    }
  });

  test('name networks of the site only, and their own nodes are marked', () => {
    expect(parseLink('', settings)).toEqual({});
    expect(defaultSource(settings)).toMatchObject({ address: ADDRESS, foreign: false });
    const own = parseLink(`#contract=${ADDRESS}&node=http://a.example/`, settings);
    expect(own.source).toMatchObject({ foreign: true, name: 'a.example', network: '' });
    expect(own.source?.walletId).toBeUndefined();
  });

  test('name no nodes where the site allows none but its own', () => {
    const strict = parseSettings({ ...settings, otherNodes: undefined });
    expect(() => parseLink(`#contract=${ADDRESS}&node=http://a.example/`, strict)).toThrow(
      expect.objectContaining({ code: 'BAD_LINK', where: 'node' }),
    );
    expect(parseLink(`#contract=${ADDRESS}`, strict).source).toMatchObject({ foreign: false });
  });

  test('never carry a key', () => {
    const secret = 'https://a.example/graphql?key=hunter2';
    expect(() => foreignSource([secret], 'http://a.example/', ADDRESS)).toThrow(
      expect.objectContaining({ code: 'BAD_INPUT', got: 'https://a.example/graphql?…' }),
    );
    const link = `#contract=${ADDRESS}&node=${encodeURIComponent(secret)}`;
    expect(() => parseLink(link, settings)).toThrow(
      expect.objectContaining({ code: 'BAD_LINK', got: 'https://a.example/graphql?…' }),
    );
  });

  test.each([
    ['contract=B62short', 'contract'],
    [`contract=${ADDRESS}&network=mars`, 'network'],
    [`contract=${ADDRESS}&attestation=x`, 'attestation'],
    [`contract=${ADDRESS}&node=javascript:alert(1)`, 'node'],
    [`contract=${ADDRESS}&node=http://a.example/&archive=file:///etc`, 'archive'],
    [`contract=${ADDRESS}${'&node=http://a.example/'.repeat(9)}`, 'node'],
  ])('that mean nothing are refused: %s', (hash, where) => {
    expect(() => parseLink(`#${hash}`, settings)).toThrow(
      expect.objectContaining({ code: 'BAD_LINK', where }),
    );
  });
});

describe('settings', () => {
  test.each([
    [{}, 'format'],
    [{ ...settings, version: 2 }, 'version'],
    [{ ...settings, networks: [] }, 'networks'],
    [{ ...settings, networks: [{ ...network, nodes: ['ftp://x'] }] }, 'networks.0.nodes.0'],
    [{ ...settings, networks: [{ ...network, archive: 'https://me:pw@a.example' }] }, 'archive'],
    [{ ...settings, networks: [{ ...network, nodes: ['https://a.example/?k=1'] }] }, 'nodes.0'],
    [{ ...settings, otherNodes: 'yes' }, 'otherNodes'],
    [{ ...settings, contracts: [{ network: 'devnet', address: 'x', name: '' }] }, 'contracts.0'],
    [{ ...settings, models: [{ ...model, modelRoot: '0x1' }] }, 'models.0.modelRoot'],
    [{ ...settings, extra: 1 }, '(root)'],
  ])('that are not valid are refused, with the place: %#', (value, where) => {
    expect(() => parseSettings(value)).toThrow(
      expect.objectContaining({
        code: 'BAD_SETTINGS',
        where: expect.stringContaining(where) as unknown,
      }),
    );
  });

  test('a model is known by its whole commitment', () => {
    const { modelRoot, vocabularyRoot, verifierKeyHash } = model;
    const commitment = { modelRoot, vocabularyRoot, verifierKeyHash };
    expect(publishedModel(settings.models, commitment)).toMatchObject({ name: 'tiny' });
    for (const part of Object.keys(commitment)) {
      expect(publishedModel(settings.models, { ...commitment, [part]: '9' })).toBeUndefined();
    }
  });
});
