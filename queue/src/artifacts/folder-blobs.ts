/**
 * @module folder-blobs
 * Artifacts in a folder that all machines share. A file is written under a temporary name, flushed to the disk and renamed.
 */
import { AttensorError } from '@attensor/core';
import { PRIVATE_FILE } from '@attensor/core/files';
import { randomBytes } from 'node:crypto';
import { createWriteStream } from 'node:fs';
import { mkdir, open, readdir, rename, rm, stat } from 'node:fs/promises';
import { join, resolve } from 'node:path';
import type { Readable } from 'node:stream';
import { pipeline } from 'node:stream/promises';
import type { BlobInfo, Blobs } from './blobs.js';

const PRIVATE_DIR = 0o700;
/** Of a name: how many letters a sub-folder's name has. */
const SHARD = 2;

export class FolderBlobs implements Blobs {
  readonly address: string;

  constructor(dir: string) {
    this.address = resolve(dir);
  }

  async find(name: string): Promise<BlobInfo | undefined> {
    try {
      const { size, mtime } = await stat(this.path(name));
      return { name, bytes: size, modified: mtime };
    } catch (cause) {
      if (isAbsent(cause)) return undefined;
      throw this.unreachable(cause);
    }
  }

  async write(name: string, bytes: Readable): Promise<void> {
    const path = this.path(name);
    const temporary = `${path}.${randomBytes(8).toString('hex')}.tmp`;
    try {
      await mkdir(join(this.address, name.slice(0, SHARD)), { recursive: true, mode: PRIVATE_DIR });
      const file = createWriteStream(temporary, { flags: 'wx', mode: PRIVATE_FILE, flush: true });
      await pipeline(bytes, file);
      await rename(temporary, path);
    } catch (cause) {
      await rm(temporary, { force: true }).catch(() => undefined);
      if (cause instanceof AttensorError) throw cause; // the source's
      throw new AttensorError({
        code: 'WRITE_FAILED',
        what: 'the artifact cannot be written',
        where: path,
        got: reason(cause),
        hint: 'Free some space on the disk, or make the folder writable',
        cause,
      });
    }
  }

  async read(name: string): Promise<Readable> {
    try {
      return (await open(this.path(name))).createReadStream();
    } catch (cause) {
      if (!isAbsent(cause)) throw this.unreachable(cause);
      throw new AttensorError({
        code: 'NOT_FOUND',
        what: 'the artifact is not in the folder',
        where: this.path(name),
        cause,
      });
    }
  }

  async *list(): AsyncIterable<BlobInfo> {
    for (const shard of await readdir(this.address).catch(() => []))
      for (const name of await readdir(join(this.address, shard)).catch(() => [])) {
        // another machine may have removed it meanwhile
        const info = await this.find(name);
        if (info) yield info;
      }
  }

  async remove(name: string): Promise<void> {
    await rm(this.path(name), { force: true });
  }

  private path(name: string): string {
    return join(this.address, name.slice(0, SHARD), name);
  }

  private unreachable(cause: unknown): AttensorError {
    return new AttensorError({
      code: 'UNREACHABLE',
      what: 'the folder of artifacts cannot be read',
      where: this.address,
      got: reason(cause),
      hint: 'Check that the folder is mounted, and that this user may read it',
      cause,
    });
  }
}

const isAbsent = (cause: unknown): boolean => (cause as NodeJS.ErrnoException).code === 'ENOENT';

const reason = (cause: unknown): string => (cause as NodeJS.ErrnoException).code ?? String(cause);
