/** As much of S3 as artifacts use, over HTTP: one bucket in memory, and what may go wrong with it. */
import { randomUUID } from 'node:crypto';
import { createServer, type IncomingMessage, type Server, type ServerResponse } from 'node:http';
import type { AddressInfo } from 'node:net';

export class FakeS3 {
  readonly objects = new Map<string, { body: Buffer; modified: Date }>();
  readonly uploads = new Map<string, Map<number, Buffer>>();
  /** The answer to the next requests is 503. */
  refuse = 0;
  /** Nothing more can be written. */
  full = false;
  /** Parts that were sent whole. */
  parts = 0;

  private constructor(private readonly server: Server) {
    server.on('request', (request: IncomingMessage, response: ServerResponse) => {
      this.answer(request, response).catch((error: unknown) => response.destroy(error as Error));
    });
  }

  static async start(): Promise<FakeS3> {
    const server = createServer();
    await new Promise<void>((resolve) => server.listen(0, '127.0.0.1', resolve));
    return new FakeS3(server);
  }

  get endpoint(): string {
    return `http://127.0.0.1:${(this.server.address() as AddressInfo).port}`;
  }

  stop(): Promise<void> {
    this.server.closeAllConnections();
    return new Promise((resolve) => this.server.close(() => resolve()));
  }

  private async answer(request: IncomingMessage, response: ServerResponse): Promise<void> {
    const { pathname, searchParams } = new URL(request.url ?? '', this.endpoint);
    const body = await read(request);
    const key = decodeURIComponent(pathname.split('/').slice(2).join('/'));
    const xml = (text: string, status = 200) => {
      response.writeHead(status, { 'content-type': 'application/xml' });
      response.end(`<?xml version="1.0" encoding="UTF-8"?>${text}`);
    };
    if (this.refuse > 0) {
      this.refuse--;
      return xml('<Error><Code>SlowDown</Code></Error>', 503);
    }
    if (this.full && (request.method === 'PUT' || request.method === 'POST'))
      return xml('<Error><Code>InsufficientStorage</Code></Error>', 507);
    const upload = searchParams.get('uploadId') ?? '';
    switch (request.method) {
      case 'PUT':
        if (upload !== '') {
          this.uploads.get(upload)?.set(Number(searchParams.get('partNumber')), body);
          this.parts++;
        } else this.objects.set(key, { body, modified: new Date() });
        response.writeHead(200, { etag: `"${randomUUID()}"` }).end();
        return;
      case 'POST': {
        if (searchParams.has('uploads')) {
          const id = randomUUID();
          this.uploads.set(id, new Map());
          return xml(
            `<InitiateMultipartUploadResult><UploadId>${id}</UploadId></InitiateMultipartUploadResult>`,
          );
        }
        const parts = [...(this.uploads.get(upload) ?? [])].sort(([a], [b]) => a - b);
        this.uploads.delete(upload);
        const whole = Buffer.concat(parts.map(([, part]) => part));
        this.objects.set(key, { body: whole, modified: new Date() });
        return xml(
          '<CompleteMultipartUploadResult><ETag>"x"</ETag></CompleteMultipartUploadResult>',
        );
      }
      case 'DELETE':
        this.uploads.delete(upload);
        this.objects.delete(key);
        response.writeHead(204).end();
        return;
      default:
    }
    if (searchParams.has('list-type')) {
      const prefix = searchParams.get('prefix') ?? '';
      const contents = [...this.objects]
        .filter(([name]) => name.startsWith(prefix))
        .map(
          ([
            name,
            {
              body: { length },
              modified,
            },
          ]) =>
            `<Contents><Key>${name}</Key><Size>${length}</Size><LastModified>${modified.toISOString()}</LastModified></Contents>`,
        );
      return xml(`<ListBucketResult>${contents.join('')}</ListBucketResult>`);
    }
    const object = this.objects.get(key);
    if (!object) return xml('<Error><Code>NoSuchKey</Code></Error>', 404);
    response.writeHead(200, {
      'content-length': object.body.length,
      'last-modified': object.modified.toUTCString(),
    });
    response.end(request.method === 'HEAD' ? undefined : object.body);
  }
}

async function read(request: IncomingMessage): Promise<Buffer> {
  const chunks: Buffer[] = [];
  for await (const chunk of request) chunks.push(chunk as Buffer);
  return Buffer.concat(chunks);
}
