import { afterAll, beforeAll, describe, expect, test } from '@jest/globals';
import { mkdtemp, readFile, rm, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { networksOf, type PublicAlias } from './page-networks.js';
import { allowOnly } from './page-policy.js';

const KEY = 'aB3dE5fG7hJ9kL1mN3pQ5rS7tU9vW1xY';
const PUBLIC = 'https://node.example/graphql';

const alias = (url: string, archive = 'https://archive.example/'): PublicAlias => ({
  ...{ name: 'devnet', network: 'devnet', networkId: 'testnet', url, archive },
});

describe('endpoints that a page publishes', () => {
  test.each([
    ['a node of an alias', () => networksOf([alias(`https://node.example/?key=${KEY}`)], {})],
    ['an archive', () => networksOf([alias(PUBLIC, `https://a:${KEY}@archive.example/`)], {})],
    ['--node', () => networksOf([alias(PUBLIC)], { node: [`https://b.example/v2/${KEY}`] })],
    ['--archive', () => networksOf([alias(PUBLIC)], { archive: `https://b.example/${KEY}` })],
  ])('one with a key is refused, and not printed: %s', (_, work) => {
    let found: unknown;
    try {
      work();
    } catch (error) {
      found = error;
    }
    expect(found).toMatchObject({ code: 'USAGE' });
    expect(JSON.stringify(found)).not.toContain(KEY);
  });

  test('what is no address is refused', () => {
    expect(() => networksOf([alias(PUBLIC)], { node: ['node.example'] })).toThrow(
      expect.objectContaining({ code: 'USAGE', where: '--node' }),
    );
  });

  test("public ones named instead of the alias's own take their place", () => {
    const own = alias(`https://node.example/?key=${KEY}`, `https://archive.example/?key=${KEY}`);
    const options = { node: [PUBLIC], archive: 'https://archive.example/' };
    expect(networksOf([own], options)).toMatchObject([
      { nodes: [PUBLIC], archive: 'https://archive.example/' },
    ]);
    const other = { node: ['https://b.example/'] };
    expect(networksOf([alias(PUBLIC)], other)[0].nodes).toEqual([PUBLIC, 'https://b.example/']);
  });
});

describe('the policy of a page', () => {
  let site: string;
  beforeAll(async () => void (site = await mkdtemp(join(tmpdir(), 'attensor-page-'))));
  afterAll(() => rm(site, { recursive: true, force: true }));

  const POLICY = "script-src 'self'; connect-src 'self' https:; base-uri 'none'";
  const write = async (policy: string): Promise<void> => {
    await writeFile(join(site, 'index.html'), `<meta content="${policy}" /><p>`);
    await writeFile(join(site, '_headers'), `/*\n  Content-Security-Policy: ${policy}\n`);
    await writeFile(join(site, 'policy.js'), `self.X = ${JSON.stringify(policy)};\n`);
  };

  test('lets it ask its own nodes and archives, and no address adds a directive', async () => {
    await write(POLICY);
    const odd = 'https://node.example/$&;script-src *,b c?x=1';
    await allowOnly(site, [PUBLIC, PUBLIC, 'http://127.0.0.1:8080', odd]);
    const narrow = POLICY.replace(
      'https:',
      () => `${PUBLIC} http://127.0.0.1:8080/ https://node.example/$&%3Bscript-src%20*%2Cb%20c`,
    );
    expect(await readFile(join(site, 'index.html'), 'utf8')).toBe(
      `<meta content="${narrow}" /><p>`,
    );
    expect(await readFile(join(site, '_headers'), 'utf8')).toContain(`${narrow}\n`);
    expect(await readFile(join(site, 'policy.js'), 'utf8')).toContain(`"${narrow}"`);
  });

  test('a built page without one is refused', async () => {
    await write(POLICY);
    await writeFile(join(site, 'policy.js'), '');
    await expect(allowOnly(site, [PUBLIC])).rejects.toMatchObject({
      code: 'BAD_FILE',
      where: join(site, 'policy.js'),
    });
  });
});
