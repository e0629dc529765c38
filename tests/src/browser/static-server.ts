/** A static host: files, and the headers of `_headers`, or as one that can't send them. */
import { present } from '@attensor/core';
import { readFile } from 'node:fs/promises';
import { createServer } from 'node:http';
import type { AddressInfo } from 'node:net';
import { extname, join, normalize } from 'node:path';
import { gzipSync } from 'node:zlib';

const TYPES: Record<string, string> = {
  '.html': 'text/html',
  '.js': 'text/javascript',
  '.css': 'text/css',
  '.json': 'application/json',
  '.svg': 'image/svg+xml',
};
/** A host reads it; it is no file of the page. */
const HEADERS = '_headers';

export interface StaticServer {
  url: string;
  /** Compressed bytes sent so far, by path. */
  sent: Map<string, number>;
  close(): Promise<void>;
}

export async function serve(
  folder: string,
  { headers: withHeaders }: { headers: boolean },
): Promise<StaticServer> {
  const headers = withHeaders ? parse(await readFile(join(folder, HEADERS), 'utf8')) : {};
  const sent = new Map<string, number>();
  const compressed = new Map<string, Buffer>();
  const server = createServer((request, response) => {
    const path = normalize(decodeURIComponent(present(request.url).split('?')[0])).replace(
      /\/$/,
      '/index.html',
    );
    readFile(join(folder, path)).then(
      (bytes) => {
        let body = compressed.get(path);
        if (body === undefined) compressed.set(path, (body = gzipSync(bytes, { level: 6 })));
        sent.set(path, (sent.get(path) ?? 0) + body.length);
        response.writeHead(200, {
          'content-type': TYPES[extname(path)] ?? 'application/octet-stream',
          'content-encoding': 'gzip',
          'cache-control': path.includes('/assets/') ? 'max-age=31536000, immutable' : 'no-cache',
          ...headers,
        });
        response.end(body);
      },
      () => response.writeHead(404).end(),
    );
  });
  await new Promise<void>((resolve) => server.listen(0, '127.0.0.1', resolve));
  const { port } = server.address() as AddressInfo;
  return {
    url: `http://localhost:${port}/`,
    sent,
    close: () =>
      new Promise((resolve) => {
        server.closeAllConnections();
        server.close(() => resolve());
      }),
  };
}

/** `/*` and its headers, as Netlify and Cloudflare Pages read them. */
function parse(text: string): Record<string, string> {
  const [path, ...lines] = text.trimEnd().split('\n');
  if (path !== '/*') throw Error(`serve: ${HEADERS} begins with ${path}`);
  return Object.fromEntries(lines.map((line) => line.trim().split(/: (.*)/, 2)));
}
