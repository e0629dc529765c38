import { afterAll, beforeAll, describe, expect, it } from '@jest/globals';
import { chmod, mkdtemp, rm, writeFile } from 'node:fs/promises';
import { createServer, type Server } from 'node:http';
import type { AddressInfo } from 'node:net';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { readEndpoints } from './endpoints.js';
import { Network } from './network.js';

const KEY = 'a-key-that-nobody-should-see';
let folder: string;
beforeAll(async () => {
  folder = await mkdtemp(join(tmpdir(), 'attensor-endpoints-'));
});
afterAll(() => rm(folder, { recursive: true, force: true }));

async function read(content: unknown, mode = 0o600, environment = {}) {
  const path = join(folder, 'endpoints.json');
  await writeFile(path, typeof content === 'string' ? content : JSON.stringify(content));
  await chmod(path, mode);
  return await readEndpoints(path, environment);
}
const withKey = (value: string) => ({
  nodes: ['https://a.example/graphql', { url: 'https://b.example/', headers: { 'x-key': value } }],
});

describe('a file of endpoints', () => {
  it('has keys, or takes them from the environment', async () => {
    const nodes = [
      { url: 'https://a.example/graphql' },
      { url: 'https://b.example/', headers: { 'x-key': KEY } },
    ];
    expect(await read(withKey(KEY))).toEqual({ nodes, archives: nodes });
    expect(await read(withKey('$MY_KEY'), 0o644, { MY_KEY: KEY })).toEqual({
      nodes,
      archives: nodes,
    });
  });

  it('says how many nodes must agree', async () => {
    expect(await read({ ...withKey(KEY), agree: 2 })).toMatchObject({ agree: 2 });
  });

  it('with keys in it is for its owner only', async () => {
    const inUrl = { nodes: [`https://a.example/graphql?key=${KEY}`] };
    for (const content of [withKey(KEY), inUrl, { nodes: [`https://me:${KEY}@a.example/`] }]) {
      await expect(read(content, 0o644)).rejects.toMatchObject({ code: 'INSECURE_FILE' });
      expect((await read(content)).nodes.length).toBeGreaterThan(0);
    }
  });

  it.each<[string, unknown]>([
    ['no node', { nodes: [] }],
    ['no URL', { nodes: ['somewhere'] }],
    ['more nodes that must agree than there are', { ...withKey(KEY), agree: 3 }],
    ['half a node that must agree', { ...withKey(KEY), agree: 1.5 }],
    ['another scheme', { nodes: ['file:///etc/passwd'] }],
    ['an unknown field', { nodes: ['https://a.example/'], key: KEY }],
    ['a header of two lines', withKey(`${KEY}\r\nx: y`)],
    ['a variable that is not set', withKey('$NOT_SET')],
    ['no JSON', `{"nodes": ["${KEY}`],
  ])('with %s is refused, and not quoted', async (_, content) => {
    const error: unknown = await read(content).catch((caught: unknown) => caught);
    expect(error).toMatchObject({ code: 'BAD_FILE' });
    expect(String(error)).not.toContain(KEY);
  });
});

describe('several nodes', () => {
  let server: Server;
  let url: string;
  const seen: (string | undefined)[] = [];
  /** Sent instead of an answer, piece by piece. */
  let pieces: Iterator<string> | undefined;
  beforeAll(async () => {
    server = createServer((request, response) => {
      seen.push(request.headers['x-key'] as string | undefined);
      if (pieces === undefined) {
        response.end(JSON.stringify({ data: { syncStatus: 'SYNCED' } }));
        return;
      }
      const more = pieces;
      const send = () => {
        const { done, value } = more.next();
        if (!done && !response.destroyed) response.write(value, send);
      };
      send();
    });
    await new Promise<void>((resolve) => server.listen(0, '127.0.0.1', resolve));
    url = `http://127.0.0.1:${(server.address() as AddressInfo).port}/graphql`;
  });
  afterAll(() => new Promise((resolve) => server.close(resolve)));

  it('stand in for each other, without waiting, and keep their keys', async () => {
    const lines: string[] = [];
    const down = { url: `http://127.0.0.1:1/${KEY}`, headers: { 'x-key': KEY } };
    const network = new Network(
      { url: down.url, network: 'devnet', name: 'a' },
      (line) => lines.push(line),
      undefined,
      [down, { url }],
    );
    expect(await network.query('{ syncStatus }')).toEqual({ syncStatus: 'SYNCED' });
    expect(seen).toEqual([undefined]);
    expect(lines).toEqual([expect.stringContaining(`asking ${url}`)]);
    expect(lines.join()).not.toContain(KEY);
    // the one that answered is asked first from then on
    await network.query('{ syncStatus }');
    expect(lines).toHaveLength(1);
  });

  it('need not be listened to for ever', async () => {
    function* endless() {
      for (;;) yield 'x'.repeat(2 ** 20);
    }
    pieces = endless();
    const network = new Network({ url, network: 'devnet', name: 'a' }, () => undefined);
    await expect(network.query('{ syncStatus }')).rejects.toMatchObject({
      code: 'REJECTED',
      got: expect.stringContaining('too large') as unknown,
    });
  });
});
