/**
 * @module encryption
 * Artifacts at rest under a key of their owner: AES-256-GCM by chunks, so that a file of any size is read and written in little memory,
 * and no byte is given out before it is authentic. The construction is STREAM (Hoang, Reyhanitabar, Rogaway, Vizár 2015): nonces count the
 * chunks and mark the last one, so that chunks cannot change places and the end cannot be cut off. Each file has a key of its own.
 */
import { AttensorError } from '@attensor/core';
import {
  createCipheriv,
  createDecipheriv,
  createHmac,
  hkdfSync,
  randomBytes,
  type KeyObject,
} from 'node:crypto';
import { Transform, type TransformCallback } from 'node:stream';

const MAGIC = Buffer.from('attensor-sealed-1\n');
const SALT_BYTES = 32;
const HEADER_BYTES = MAGIC.length + SALT_BYTES;
const TAG_BYTES = 16;
const NONCE_BYTES = 12;
const CHUNK_BYTES = 1 << 20;
const ALGORITHM = 'aes-256-gcm';
export const KEY_BYTES = 32;

const fileKey = (key: KeyObject, salt: Buffer): Buffer =>
  Buffer.from(hkdfSync('sha256', key, salt, 'attensor artifact', KEY_BYTES));

function nonce(index: number, last: boolean): Buffer {
  const bytes = Buffer.alloc(NONCE_BYTES);
  bytes.writeUIntBE(index, 0, 6);
  bytes[NONCE_BYTES - 1] = last ? 1 : 0;
  return bytes;
}

/** A name that tells nobody without the key what the content's hash is. */
export const sealedName = (key: KeyObject, hash: string): string =>
  createHmac('sha256', key).update(`attensor artifact name ${hash}`).digest('hex');

/** Gives whole chunks on, and the rest at the end: one chunk at least. */
abstract class Chunks extends Transform {
  private held = Buffer.alloc(0);
  private index = 0;

  constructor(private readonly size: number) {
    super();
  }

  protected abstract chunk(bytes: Buffer, nonce: Buffer): Buffer;

  override _transform(bytes: Buffer, _: BufferEncoding, done: TransformCallback): void {
    this.held = Buffer.concat([this.held, bytes]);
    try {
      // one byte more: the last chunk is known only at the end
      while (this.held.length > this.size) {
        this.push(this.chunk(this.held.subarray(0, this.size), nonce(this.index++, false)));
        this.held = this.held.subarray(this.size);
      }
      done();
    } catch (error) {
      done(error as Error);
    }
  }

  override _flush(done: TransformCallback): void {
    try {
      done(null, this.chunk(this.held, nonce(this.index, true)));
    } catch (error) {
      done(error as Error);
    }
  }
}

class Seal extends Chunks {
  private readonly key: Buffer;

  constructor(key: KeyObject) {
    super(CHUNK_BYTES);
    const salt = randomBytes(SALT_BYTES);
    this.key = fileKey(key, salt);
    this.push(Buffer.concat([MAGIC, salt]));
  }

  protected override chunk(bytes: Buffer, nonce: Buffer): Buffer {
    const cipher = createCipheriv(ALGORITHM, this.key, nonce);
    return Buffer.concat([cipher.update(bytes), cipher.final(), cipher.getAuthTag()]);
  }
}

class Unseal extends Chunks {
  private header = Buffer.alloc(0);
  private key: Buffer | undefined;

  constructor(
    private readonly secret: KeyObject,
    private readonly where: string,
  ) {
    super(CHUNK_BYTES + TAG_BYTES);
  }

  override _transform(bytes: Buffer, encoding: BufferEncoding, done: TransformCallback): void {
    if (this.key) {
      super._transform(bytes, encoding, done);
      return;
    }
    this.header = Buffer.concat([this.header, bytes]);
    if (this.header.length < HEADER_BYTES) {
      done();
      return;
    }
    const rest = this.header.subarray(HEADER_BYTES);
    if (!this.header.subarray(0, MAGIC.length).equals(MAGIC)) {
      done(notAuthentic(this.where));
      return;
    }
    this.key = fileKey(this.secret, this.header.subarray(MAGIC.length, HEADER_BYTES));
    super._transform(rest, encoding, done);
  }

  protected override chunk(bytes: Buffer, nonce: Buffer): Buffer {
    const end = bytes.length - TAG_BYTES;
    if (!this.key || end < 0) throw notAuthentic(this.where);
    const decipher = createDecipheriv(ALGORITHM, this.key, nonce);
    decipher.setAuthTag(bytes.subarray(end));
    try {
      return Buffer.concat([decipher.update(bytes.subarray(0, end)), decipher.final()]);
    } catch {
      throw notAuthentic(this.where);
    }
  }
}

export const seal = (key: KeyObject): Transform => new Seal(key);

/** Fails with BAD_ARTIFACT for bytes that were not sealed with this key, or not all of them. */
export const unseal = (key: KeyObject, where: string): Transform => new Unseal(key, where);

const notAuthentic = (where: string): AttensorError =>
  new AttensorError({
    code: 'BAD_ARTIFACT',
    what: 'the artifact was changed, or encrypted with another key',
    where,
  });
