/** Artifacts in a folder and in a bucket: what is written comes back, and nothing else does. */
import { S3Client } from '@aws-sdk/client-s3';
import { afterAll, afterEach, beforeAll, beforeEach, describe, expect, it } from '@jest/globals';
import { createHash } from 'node:crypto';
import { mkdir, mkdtemp, readdir, readFile, rm, stat, utimes, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { Readable } from 'node:stream';
import { FakeS3 } from '../testing/fake-s3.js';
import { ArtifactStore, MIN_GARBAGE_MS } from './artifact-store.js';
import { fetchFolder, fetchInto, putFolder } from './folder-artifact.js';
import { S3Blobs } from './s3-blobs.js';

const KEY = '0123456789abcdef'.repeat(4);
const OTHER_KEY = 'f'.repeat(64);
const text = (value: string) => Buffer.from(value);
const sha256 = (bytes: Uint8Array) => createHash('sha256').update(bytes).digest('hex');

let dir: string;
let s3: FakeS3;
beforeAll(async () => {
  s3 = await FakeS3.start();
  process.env.AWS_ACCESS_KEY_ID = 'id';
  process.env.AWS_SECRET_ACCESS_KEY = 'secret';
});
afterAll(() => s3.stop());
beforeEach(async () => {
  dir = await mkdtemp(join(tmpdir(), 'attensor-artifacts-'));
  s3.objects.clear();
  s3.uploads.clear();
});
afterEach(() => rm(dir, { recursive: true, force: true }));

/** A store with a hand on its bytes. */
interface Place {
  store: (key?: string) => Promise<ArtifactStore>;
  bytes(name: string): Promise<Buffer>;
  overwrite(name: string, bytes: Uint8Array): Promise<void>;
  age(name: string, modified: Date): Promise<void>;
  names(): Promise<string[]>;
}
const filePath = (name: string) => join(dir, 'store', name.slice(0, 2), name);
const places: [string, Place][] = [
  [
    'a folder',
    {
      store: (key) => ArtifactStore.open(join(dir, 'store'), key),
      bytes: (name) => readFile(filePath(name)),
      overwrite: (name, bytes) => writeFile(filePath(name), bytes),
      age: (name, modified) => utimes(filePath(name), modified, modified),
      names: async () =>
        (
          await Promise.all(
            (await readdir(join(dir, 'store'))).map((shard) => readdir(join(dir, 'store', shard))),
          )
        ).flat(),
    },
  ],
  [
    'a bucket',
    {
      store: (key) => ArtifactStore.open(`s3://proofs/a/b?endpoint=${s3.endpoint}`, key),
      bytes: async (name) => object(name).body,
      overwrite: async (name, bytes) => void (object(name).body = Buffer.from(bytes)),
      age: async (name, modified) => void (object(name).modified = modified),
      names: async () => [...s3.objects.keys()].map((key) => key.replace('a/b/', '')),
    },
  ],
];
function object(name: string) {
  const found = s3.objects.get(`a/b/${name}`);
  if (!found) throw Error(`no object ${name}`);
  return found;
}

describe.each(places)('artifacts in %s', (_, place) => {
  it.each([undefined, KEY])('come back (key %s)', async (key) => {
    const store = await place.store(key);
    for (const size of [0, 1, 1 << 20, (1 << 20) + 1, 2_500_000]) {
      const bytes = Buffer.alloc(size, 'attensor');
      const hash = await store.put(bytes);
      expect(hash).toBe(sha256(bytes));
      expect(Buffer.from(await (await place.store(key)).get(hash)).equals(bytes)).toBe(true);
    }
  });

  it.each([undefined, KEY])('are refused when they were changed (key %s)', async (key) => {
    const store = await place.store(key);
    const bytes = Buffer.alloc(1_200_000, 'attensor');
    const name = store.nameOf(sha256(bytes));
    await store.put(bytes);
    const right = Buffer.from(await place.bytes(name));
    const flipped = Buffer.from(right);
    flipped[right.length - 100] ^= 1;
    const other = await place.store(key);
    await other.put(text('other content'));
    const lies = [
      flipped,
      right.subarray(0, -1),
      right.subarray(0, key ? 18 + 32 + (1 << 20) + 16 : 10), // a whole chunk, without the last one
      right.subarray(1),
      Buffer.concat([right, right]),
      await place.bytes(store.nameOf(sha256(text('other content')))),
      new Uint8Array(),
    ];
    for (const lie of lies) {
      await place.overwrite(name, lie);
      await expect(store.get(sha256(bytes))).rejects.toMatchObject({ code: 'BAD_ARTIFACT' });
      // it is gone, and can be made again
      await expect(store.get(sha256(bytes))).rejects.toMatchObject({ code: 'NOT_FOUND' });
      await store.put(bytes);
      expect(await store.get(sha256(bytes))).toHaveLength(bytes.length);
    }
  });

  it('give no file when they were changed', async () => {
    const store = await place.store();
    const hash = await store.put(text('weights'));
    await place.overwrite(hash, text('Weights'));
    const target = join(dir, 'file');
    await expect(store.getFile(hash, target)).rejects.toMatchObject({ code: 'BAD_ARTIFACT' });
    expect(await readdir(dir).then((names) => names.filter((n) => n.startsWith('file')))).toEqual(
      [],
    );
    await store.put(text('weights'));
    await store.getFile(hash, target);
    expect(await readFile(target, 'utf8')).toBe('weights');
    expect((await stat(target)).mode & 0o777).toBe(0o600);
  });

  it('are encrypted, under names that tell nothing', async () => {
    const store = await place.store(KEY);
    const hash = await store.put(text('a private prompt'));
    const [name] = await place.names();
    expect(name).not.toContain(hash);
    expect((await place.bytes(name)).includes('private')).toBe(false);
    // another key finds nothing, and what is put in its place is refused
    const other = await place.store(OTHER_KEY);
    await expect(other.get(hash)).rejects.toMatchObject({ code: 'NOT_FOUND' });
    await other.put(text('a private prompt'));
    await place.overwrite(name, await place.bytes(other.nameOf(hash)));
    await expect(store.get(hash)).rejects.toMatchObject({ code: 'BAD_ARTIFACT' });
  });

  it('are written again only if they are old', async () => {
    const store = await place.store();
    const file = join(dir, 'file');
    await writeFile(file, 'weights');
    const { hash, bytes } = await store.putFile(file);
    expect(bytes).toBe(7);
    await place.overwrite(hash, text('damaged'));
    await store.putFile(file);
    expect((await place.bytes(hash)).toString()).toBe('damaged');
    await place.age(hash, new Date(Date.now() - 25 * 3600_000));
    await store.putFile(file);
    expect((await place.bytes(hash)).toString()).toBe('weights');
  });

  it('are removed when they are old and not in use', async () => {
    const store = await place.store(KEY);
    const [used, old, young] = await Promise.all(
      ['used', 'old', 'young'].map((t) => store.put(text(t))),
    );
    const before = new Date(Date.now() - MIN_GARBAGE_MS - 1000);
    await place.age(store.nameOf(used), before);
    await place.age(store.nameOf(old), before);
    expect(await store.collectGarbage([used], MIN_GARBAGE_MS)).toMatchObject({ count: 1 });
    expect(await store.has(old)).toBe(false);
    expect([await store.has(used), await store.has(young)]).toEqual([true, true]);
    await expect(store.collectGarbage([], 3600_000)).rejects.toMatchObject({
      code: 'BAD_ARGUMENT',
    });
  });

  it('are whole folders, fetched once', async () => {
    const store = await place.store();
    const model = join(dir, 'model');
    await mkdir(join(model, 'weights'), { recursive: true });
    await writeFile(join(model, 'model.json'), '{}');
    await writeFile(join(model, 'weights/a'), 'aaaa');
    const hash = await putFolder(store, model, ['weights/a', 'model.json']);
    expect(await putFolder(store, model, ['model.json', 'weights/a'])).toBe(hash);
    const cache = join(dir, 'cache');
    const [one, two] = await Promise.all([
      fetchFolder(store, hash, cache),
      fetchFolder(store, hash, cache),
    ]);
    expect(one).toBe(two);
    expect(await readFile(join(one, 'weights/a'), 'utf8')).toBe('aaaa');
    expect(await readdir(cache)).toEqual([hash]);
    await store.remove(hash);
    expect(await fetchFolder(store, hash, cache)).toBe(one);
  });

  it('leave nothing when a folder cannot be fetched', async () => {
    const store = await place.store();
    await writeFile(join(dir, 'a'), 'aaaa');
    const hash = await putFolder(store, dir, ['a']);
    await store.remove(sha256(text('aaaa')));
    const cache = join(dir, 'cache');
    await expect(fetchFolder(store, hash, cache)).rejects.toMatchObject({ code: 'NOT_FOUND' });
    expect(await readdir(cache)).toEqual([]);
  });

  it('name no file outside of their folder', async () => {
    const store = await place.store();
    for (const path of ['../a', '/etc/a', 'a/../../b', './a']) {
      const files = [{ path, hash: '0'.repeat(64), bytes: 1 }];
      const list = { format: 'attensor-folder', version: 1, files };
      const hash = await store.put(text(JSON.stringify(list)));
      await expect(fetchInto(store, hash, dir)).rejects.toMatchObject({ code: 'BAD_ARTIFACT' });
    }
  });
});

describe('a folder of artifacts', () => {
  it('says when it cannot be written, and keeps no part', async () => {
    const store = await ArtifactStore.open('/dev/null', undefined);
    await expect(store.put(text('a'))).rejects.toMatchObject({ code: 'WRITE_FAILED' });
    const broken = new Readable({ read: () => broken.destroy(Error('the line broke')) });
    const { blobs } = await ArtifactStore.open(join(dir, 'store'), undefined);
    await expect(blobs.write('abc', broken)).rejects.toMatchObject({ code: 'WRITE_FAILED' });
    expect(await readdir(join(dir, 'store/ab'))).toEqual([]);
  });
});

describe('a bucket of artifacts', () => {
  const inParts = () => {
    const client = new S3Client({
      endpoint: s3.endpoint,
      region: 'here',
      forcePathStyle: true,
    });
    return new ArtifactStore(new S3Blobs(client, 'proofs', '', 5 << 20));
  };

  it('takes large ones in parts, and sends again what was refused', async () => {
    const bytes = Buffer.alloc(12 << 20, 'attensor');
    s3.parts = 0;
    s3.refuse = 2;
    const store = inParts();
    const hash = await store.put(bytes);
    expect(s3.parts).toBe(3);
    expect(Buffer.from(await store.get(hash)).equals(bytes)).toBe(true);
  });

  it('shows nothing of an upload that was given up', async () => {
    const { blobs } = inParts();
    const source = Readable.from(
      (function* () {
        yield Buffer.alloc(6 << 20);
        throw Error('killed');
      })(),
    );
    await expect(blobs.write('a', source)).rejects.toMatchObject({ code: 'UNREACHABLE' });
    expect([s3.objects.size, s3.uploads.size]).toEqual([0, 0]);
  });

  it('says when it cannot be reached', async () => {
    const store = await ArtifactStore.open('s3://proofs?endpoint=http://127.0.0.1:1', undefined);
    await expect(store.get('0'.repeat(64))).rejects.toMatchObject({ code: 'UNREACHABLE' });
  });
});

it('addresses and keys that are none are refused, without showing them', async () => {
  const open = (address: string, key?: string) => expect(ArtifactStore.open(address, key)).rejects;
  await open('s3://').toThrow('BAD_ARGUMENT');
  await open('s3://id:secret@bucket/a').toThrow(/^(?!.*secret).*BAD_ARGUMENT/);
  await open('s3://bucket?part=1').toThrow("the parameter 'part'");
  await open(dir, 'secret key').toThrow(/^(?!.*secret key).*BAD_ARGUMENT/);
});
