/**
 * @module blobs
 * Where the bytes of artifacts lie. Names in, bytes out: that they are the right bytes is checked above, in `artifact-store.ts`.
 */
import type { Readable } from 'node:stream';

export interface BlobInfo {
  name: string;
  bytes: number;
  modified: Date;
}

/** Names are of lower case letters, digits and dashes. */
export interface Blobs {
  /** For messages; holds no secret. */
  readonly address: string;
  find(name: string): Promise<BlobInfo | undefined>;
  /**
   * Whoever reads sees all of the bytes, or none.
   * @throws WRITE_FAILED, UNREACHABLE
   */
  write(name: string, bytes: Readable): Promise<void>;
  /** @throws NOT_FOUND, UNREACHABLE */
  read(name: string): Promise<Readable>;
  /** What interrupted writers left behind is among them, under names that no artifact has. */
  list(): AsyncIterable<BlobInfo>;
  remove(name: string): Promise<void>;
}
