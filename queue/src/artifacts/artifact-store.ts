/**
 * @module artifact-store
 * What steps read and write, named by the SHA-256 of its content. Nothing is believed of where it lies: whatever is read is hashed first.
 */
import { AttensorError } from '@attensor/core';
import { PRIVATE_FILE } from '@attensor/core/files';
import { createHash, createSecretKey, randomBytes, type KeyObject } from 'node:crypto';
import { createReadStream, createWriteStream } from 'node:fs';
import { rename, rm } from 'node:fs/promises';
import { Readable, Transform, Writable } from 'node:stream';
import { pipeline } from 'node:stream/promises';
import type { Blobs } from './blobs.js';
import { KEY_BYTES, seal, sealedName, unseal } from './encryption.js';
import { FolderBlobs } from './folder-blobs.js';

/** SHA-256 in lower case hexadecimal. */
export type Hash = string;

/** The variable that holds the key of artifacts: 64 hexadecimal digits. */
export const KEY_VARIABLE = 'ATTENSOR_ARTIFACTS_KEY';

/** An artifact that is younger than this is not written again; garbage is never younger than twice that. */
const FRESH_MS = 24 * 3600_000;
export const MIN_GARBAGE_MS = 2 * FRESH_MS;

/** A result of a step, in memory: messages, a proof. */
const MAX_BYTES = 2 ** 31;

export class ArtifactStore {
  constructor(
    readonly blobs: Blobs,
    /** of 32 bytes; without one, artifacts lie there as they are */
    private readonly key?: KeyObject,
  ) {}

  /**
   * @param address a folder that all machines share, or `s3://bucket/prefix`
   * @throws BAD_ARGUMENT
   */
  static async open(address: string, key = process.env[KEY_VARIABLE]): Promise<ArtifactStore> {
    const blobs = address.startsWith('s3://')
      ? (await import('./s3-blobs.js')).S3Blobs.open(address)
      : new FolderBlobs(address);
    return new ArtifactStore(blobs, key === undefined ? undefined : keyOf(key));
  }

  /** The same under any machine: in which blob an artifact lies. */
  nameOf(hash: Hash): string {
    return this.key ? sealedName(this.key, hash) : hash;
  }

  /** Writes even if it is there already: a step that is done again mends what was wrong. @throws WRITE_FAILED, UNREACHABLE */
  async put(bytes: Uint8Array): Promise<Hash> {
    const hash = createHash('sha256').update(bytes).digest('hex');
    await this.write(hash, Readable.from([bytes]));
    return hash;
  }

  /** Does not write again what was written within a day. @throws NOT_FOUND, WRITE_FAILED, UNREACHABLE */
  async putFile(path: string): Promise<{ hash: Hash; bytes: number }> {
    const digest = createHash('sha256');
    let bytes = 0;
    const counted = new Writable({
      write(chunk: Buffer, _, done) {
        digest.update(chunk);
        bytes += chunk.length;
        done();
      },
    });
    await pipeline(createReadStream(path), counted);
    const hash = digest.digest('hex');
    const found = await this.blobs.find(this.nameOf(hash));
    if (!found || found.modified.getTime() < Date.now() - FRESH_MS)
      await this.write(hash, through(createReadStream(path), hashed(hash, path)));
    return { hash, bytes };
  }

  /** @throws NOT_FOUND, BAD_ARTIFACT, UNREACHABLE, BAD_FILE for more than `maxBytes` */
  async get(hash: Hash, maxBytes = MAX_BYTES): Promise<Uint8Array> {
    return this.twice(hash, async () => {
      const chunks: Buffer[] = [];
      let size = 0;
      const collect = new Writable({
        write: (chunk: Buffer, _, done) => {
          size += chunk.length;
          chunks.push(chunk);
          done(size > maxBytes ? tooLarge(this.where(hash), maxBytes) : null);
        },
      });
      await this.read(hash, collect);
      return Buffer.concat(chunks);
    });
  }

  /** Into a file that is there only when it is whole and right. @throws NOT_FOUND, BAD_ARTIFACT, WRITE_FAILED, UNREACHABLE */
  async getFile(hash: Hash, path: string): Promise<void> {
    const temporary = `${path}.${randomBytes(8).toString('hex')}.tmp`;
    try {
      await this.twice(hash, async () => {
        await this.read(hash, createWriteStream(temporary, { mode: PRIVATE_FILE, flush: true }));
        await rename(temporary, path);
      });
    } catch (cause) {
      await rm(temporary, { force: true }).catch(() => undefined);
      if (cause instanceof AttensorError) throw cause;
      throw new AttensorError({
        code: 'WRITE_FAILED',
        what: 'the artifact cannot be written to this machine',
        where: path,
        got: (cause as NodeJS.ErrnoException).code ?? String(cause),
        hint: 'Free some space on the disk, or make the folder writable',
        cause,
      });
    }
  }

  async has(hash: Hash): Promise<boolean> {
    return (await this.blobs.find(this.nameOf(hash))) !== undefined;
  }

  async remove(hash: Hash): Promise<void> {
    await this.blobs.remove(this.nameOf(hash));
  }

  /**
   * Removes what is old and not in use.
   *
   * @param used all that jobs still name
   * @param olderThanMs at least two days, so that nothing goes that a machine has just found and is about to name
   * @returns what was removed
   * @throws BAD_ARGUMENT
   */
  async collectGarbage(
    used: Iterable<Hash>,
    olderThanMs: number,
    now = Date.now(),
  ): Promise<{ count: number; bytes: number }> {
    if (olderThanMs < MIN_GARBAGE_MS)
      throw new AttensorError({
        code: 'BAD_ARGUMENT',
        what: 'artifacts that are so young may be about to be used',
        expected: `at least ${MIN_GARBAGE_MS / 3600_000} hours`,
        got: `${olderThanMs / 3600_000} hours`,
      });
    const keep = new Set(Array.from(used, (hash) => this.nameOf(hash)));
    const removed = { count: 0, bytes: 0 };
    for await (const { name, bytes, modified } of this.blobs.list()) {
      if (keep.has(name) || modified.getTime() > now - olderThanMs) continue;
      await this.blobs.remove(name);
      removed.count++;
      removed.bytes += bytes;
    }
    return removed;
  }

  private async write(hash: Hash, content: Readable): Promise<void> {
    const { key } = this;
    const bytes = key ? through(content, seal(key)) : content;
    await this.blobs.write(this.nameOf(hash), bytes);
  }

  private async read(hash: Hash, sink: Writable): Promise<void> {
    const stored = await this.blobs.read(this.nameOf(hash));
    const where = this.where(hash);
    try {
      if (this.key) await pipeline(stored, unseal(this.key, where), hashed(hash, where), sink);
      else await pipeline(stored, hashed(hash, where), sink);
    } catch (cause) {
      if (cause instanceof AttensorError || sink.errored === cause) throw cause;
      throw new AttensorError({
        code: 'UNREACHABLE',
        what: 'the artifact could not be read to its end',
        where,
        got: cause instanceof Error ? cause.message : String(cause),
        cause,
      });
    }
  }

  /** A bit may flip on the way. What is wrong twice is wrong there: it goes, so that whoever makes it puts it there again. */
  private async twice<T>(hash: Hash, read: () => Promise<T>): Promise<T> {
    try {
      return await read();
    } catch (first) {
      if (!isBadArtifact(first)) throw first;
      try {
        return await read();
      } catch (second) {
        if (isBadArtifact(second)) await this.remove(hash).catch(() => undefined);
        throw second;
      }
    }
  }

  private where(hash: Hash): string {
    return `${this.blobs.address}, ${this.nameOf(hash)}`;
  }
}

export const isBadArtifact = (error: unknown): boolean =>
  error instanceof AttensorError && error.code === 'BAD_ARTIFACT';

/** Passes bytes on, and fails at the end if they are others than those that were asked for. */
function hashed(hash: Hash, where: string): Transform {
  const digest = createHash('sha256');
  return new Transform({
    transform(chunk: Buffer, _, done) {
      digest.update(chunk);
      done(null, chunk);
    },
    flush(done) {
      const got = digest.digest('hex');
      done(got === hash ? null : badArtifact(where, hash, `SHA-256 ${got}`));
    },
  });
}

/** Piped on; an error of the source is one of the result. */
function through(source: Readable, next: Transform): Transform {
  pipeline(source, next).catch(() => undefined); // the result has it
  return next;
}

const tooLarge = (where: string, maxBytes: number): AttensorError =>
  new AttensorError({
    code: 'BAD_FILE',
    what: 'the artifact is larger than what is looked for',
    where,
    expected: `at most ${maxBytes} bytes`,
  });

const badArtifact = (where: string, expected: string, got: string): AttensorError =>
  new AttensorError({
    code: 'BAD_ARTIFACT',
    what: 'the artifact is not what it was when it was written',
    where,
    expected: `SHA-256 ${expected}`,
    got,
    hint: 'The step that makes it is done again; see what damages files there',
  });

function keyOf(hex: string): KeyObject {
  if (new RegExp(`^[0-9a-fA-F]{${2 * KEY_BYTES}}$`).test(hex))
    return createSecretKey(Buffer.from(hex, 'hex'));
  throw new AttensorError({
    code: 'BAD_ARGUMENT',
    what: 'the key of artifacts is not valid',
    where: KEY_VARIABLE,
    expected: `${2 * KEY_BYTES} hexadecimal digits`,
    got: `${hex.length} characters`,
    hint: 'Make one with: openssl rand -hex 32',
  });
}
