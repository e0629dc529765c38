import { expect, test } from '@jest/globals';
import { secretIn, shownUrl } from './endpoint.js';

test.each([
  'https://api.minascan.io/node/devnet/v1/graphql',
  'https://devnet-archive-node-2.example.org:8080/archive-node-api/v2/graphql',
  'http://127.0.0.1:8080/graphql',
  'https://mina-mainnet-internationalization-endpoint.example.org/',
  'no URL',
])('a public address: %s', (url) => {
  expect(secretIn(url)).toBeUndefined();
  expect(shownUrl(url)).toBe(url);
});

const KEY = 'aB3dE5fG7hJ9kL1mN3pQ5rS7tU9vW1xY';
test.each([
  ['credentials', `https://me:${KEY}@node.example/graphql`, 'https://node.example/graphql'],
  ['a user alone', `https://${KEY}@node.example/graphql`, 'https://node.example/graphql'],
  ['a query', `https://node.example/graphql?apikey=${KEY}`, 'https://node.example/graphql?…'],
  ['a fragment', `https://node.example/graphql#${KEY}`, 'https://node.example/graphql?…'],
  ['a path', `https://node.example:81/v2/${KEY}`, 'https://node.example:81/v2/…'],
  [
    'a UUID',
    'https://node.example/3F2504E0-4f89-41d3-9a0c-0305e82c3301/graphql',
    'https://node.example/…/graphql',
  ],
  [
    'hexadecimal digits',
    `https://node.example/${'0123456789abcdef'.repeat(2)}`,
    'https://node.example/…',
  ],
  [
    'base64 with its signs',
    'https://node.example/v2/aB3_dE5fG7h-J9kL1mN3_pQ5rS7',
    'https://node.example/v2/…',
  ],
  ['a host name', `https://${'0123456789abcdef'.repeat(2)}.node.example/`, 'https://…'],
])('one that may hold a key is shown without it: %s', (_, url, shown) => {
  expect(secretIn(url)).toBeDefined();
  expect(secretIn(url)).not.toContain(KEY);
  expect(shownUrl(url)).toBe(shown);
});

test.each([
  ['a key that looks like a name', 'https://node.example/a-key-that-nobody-should-see/graphql'],
  ['what is no URL, but has a key', 'me:a-key-that-nobody-should-see@node.example'],
])('is not shown either, although it may be published: %s', (_, url) => {
  expect(secretIn(url)).toBeUndefined();
  expect(shownUrl(url)).not.toContain('nobody');
});
