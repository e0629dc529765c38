/**
 * @module s3-blobs
 * Artifacts in a bucket of S3, or of what speaks its protocol. Large ones go up in parts; a part that fails is sent again, and an upload
 * that was given up leaves nothing that a reader could see.
 */
import {
  DeleteObjectCommand,
  GetObjectCommand,
  HeadObjectCommand,
  paginateListObjectsV2,
  S3Client,
} from '@aws-sdk/client-s3';
import { Upload } from '@aws-sdk/lib-storage';
import { AttensorError } from '@attensor/core';
import { Readable } from 'node:stream';
import type { BlobInfo, Blobs } from './blobs.js';

/** S3 takes at most 10,000 parts: this is enough for 640 GB. */
const PART_BYTES = 64 << 20;
const ATTEMPTS = 5;

export class S3Blobs implements Blobs {
  readonly address: string;

  constructor(
    private readonly client: S3Client,
    private readonly bucket: string,
    /** before each name: empty, or with a slash at its end */
    private readonly prefix: string,
    private readonly partBytes = PART_BYTES,
  ) {
    this.address = `s3://${bucket}/${prefix}`;
  }

  /**
   * `s3://bucket/prefix`, with `?endpoint=` and `?region=` for what is not Amazon's. Credentials come from where the AWS SDK looks for
   * them.
   *
   * @throws BAD_ARGUMENT
   */
  static open(address: string): S3Blobs {
    const { host, pathname, searchParams, username, password } = new URL(address);
    const unknown = [...searchParams.keys()].find((name) => !['endpoint', 'region'].includes(name));
    if (host === '' || username !== '' || password !== '' || unknown !== undefined)
      throw new AttensorError({
        code: 'BAD_ARGUMENT',
        what: 'this is no address of a bucket',
        where: `s3://${host}${pathname}`,
        expected: 's3://bucket/prefix, with ?endpoint=https://… and ?region=… if needed',
        got: unknown === undefined ? undefined : `the parameter '${unknown}'`,
        hint: 'Give credentials in AWS_ACCESS_KEY_ID and AWS_SECRET_ACCESS_KEY, or in ~/.aws',
      });
    const endpoint = searchParams.get('endpoint') ?? undefined;
    const elsewhere =
      endpoint ?? process.env.AWS_ENDPOINT_URL_S3 ?? process.env.AWS_ENDPOINT_URL ?? undefined;
    const client = new S3Client({
      endpoint,
      region: searchParams.get('region') ?? process.env.AWS_REGION ?? 'us-east-1',
      // servers of one's own rarely have a host name for each bucket
      forcePathStyle: elsewhere !== undefined,
      maxAttempts: ATTEMPTS,
    });
    const path = pathname.replace(/^\/+|\/+$/g, '');
    return new S3Blobs(client, host, path === '' ? '' : `${path}/`);
  }

  async find(name: string): Promise<BlobInfo | undefined> {
    try {
      const command = new HeadObjectCommand({ Bucket: this.bucket, Key: this.prefix + name });
      const { ContentLength = 0, LastModified = new Date(0) } = await this.client.send(command);
      return { name, bytes: ContentLength, modified: LastModified };
    } catch (cause) {
      if (isAbsent(cause)) return undefined;
      throw this.failed(name, cause);
    }
  }

  async write(name: string, bytes: Readable): Promise<void> {
    const upload = new Upload({
      client: this.client,
      params: { Bucket: this.bucket, Key: this.prefix + name, Body: bytes },
      partSize: this.partBytes,
    });
    try {
      await upload.done();
    } catch (cause) {
      if (cause instanceof AttensorError) throw cause; // the source's
      throw this.failed(name, cause);
    }
  }

  async read(name: string): Promise<Readable> {
    try {
      const command = new GetObjectCommand({ Bucket: this.bucket, Key: this.prefix + name });
      const { Body } = await this.client.send(command);
      if (Body instanceof Readable) return Body;
      return Readable.from([]);
    } catch (cause) {
      if (!isAbsent(cause)) throw this.failed(name, cause);
      throw new AttensorError({
        code: 'NOT_FOUND',
        what: 'the artifact is not in the bucket',
        where: this.address + name,
        cause,
      });
    }
  }

  async *list(): AsyncIterable<BlobInfo> {
    const request = { Bucket: this.bucket, Prefix: this.prefix };
    try {
      for await (const page of paginateListObjectsV2({ client: this.client }, request))
        for (const { Key = '', Size = 0, LastModified = new Date() } of page.Contents ?? [])
          yield { name: Key.slice(this.prefix.length), bytes: Size, modified: LastModified };
    } catch (cause) {
      throw this.failed('', cause);
    }
  }

  async remove(name: string): Promise<void> {
    const command = new DeleteObjectCommand({ Bucket: this.bucket, Key: this.prefix + name });
    await this.client.send(command).catch((cause: unknown) => {
      throw this.failed(name, cause);
    });
  }

  private failed(name: string, cause: unknown): AttensorError {
    const { name: error, message } = cause as Error;
    return new AttensorError({
      code: 'UNREACHABLE',
      what: 'the bucket of artifacts does not do what it is asked',
      where: this.address + name,
      got: `${error}: ${message}`,
      hint: 'Check the address, the credentials and that the bucket exists; nothing is lost, and what failed is tried again',
      cause,
    });
  }
}

function isAbsent(cause: unknown): boolean {
  const { name } = cause as Error;
  return name === 'NotFound' || name === 'NoSuchKey';
}
