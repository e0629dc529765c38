/**
 * @module store
 * What steps of a proof leave behind, by content. Messages and finished circuits hold private values: only the owner may read the
 * files, and they are removed when the proof is whole.
 */
import { PRIVATE_FILE, writeAtomic } from '@attensor/core/files';
import { createHash } from 'node:crypto';
import { chmod, mkdir, readdir, readFile, rm } from 'node:fs/promises';
import { join } from 'node:path';

export interface Store {
  /** @returns nothing for what is absent or damaged */
  get(name: string): Promise<Uint8Array | undefined>;
  put(name: string, bytes: Uint8Array): Promise<void>;
  remove(name: string): Promise<void>;
}

/** Keeps nothing. */
export const NO_STORE: Store = {
  get: () => Promise.resolve(undefined),
  put: () => Promise.resolve(),
  remove: () => Promise.resolve(),
};

const PRIVATE_DIR = 0o700;
const DIGEST_BYTES = 32;

const digestOf = (body: Uint8Array): Buffer => createHash('sha256').update(body).digest();

/** Files of one folder, each with its digest at the end. */
export class FileStore implements Store {
  constructor(readonly dir: string) {}

  async get(name: string): Promise<Uint8Array | undefined> {
    const data = await readFile(join(this.dir, name)).catch(() => undefined);
    if (!data || data.length < DIGEST_BYTES) return undefined;
    const body = data.subarray(0, data.length - DIGEST_BYTES);
    return digestOf(body).equals(data.subarray(body.length)) ? body : undefined;
  }

  async put(name: string, bytes: Uint8Array): Promise<void> {
    await mkdir(this.dir, { recursive: true, mode: PRIVATE_DIR });
    await chmod(this.dir, PRIVATE_DIR);
    const data = Buffer.concat([bytes, digestOf(bytes)]);
    await writeAtomic(join(this.dir, name), data, PRIVATE_FILE);
  }

  async remove(name: string): Promise<void> {
    await rm(join(this.dir, name), { force: true });
    // what a writer that was killed left behind
    for (const left of await readdir(this.dir).catch(() => []))
      if (left.startsWith(`${name}.`) && left.endsWith('.tmp'))
        await rm(join(this.dir, left), { force: true });
  }
}
