/** A node between the page and the real one: honest until told otherwise. */
import { createServer, type Server } from 'node:http';
import type { AddressInfo } from 'node:net';

type Answer = { data?: { account?: { zkappState?: string[] } | null } };

export class ProxyNode {
  /** Changes an answer before it is passed on. */
  lie: ((answer: Answer) => void) | undefined;
  /** Connections are cut. */
  down = false;
  /** Questions asked. */
  count = 0;

  private constructor(
    readonly url: string,
    private readonly server: Server,
  ) {}

  static async start(target: string): Promise<ProxyNode> {
    const server = createServer();
    await new Promise<void>((resolve) => server.listen(0, '127.0.0.1', resolve));
    const { port } = server.address() as AddressInfo;
    const proxy = new ProxyNode(`http://127.0.0.1:${port}/graphql`, server);
    server.on('request', (request, response) => {
      if (proxy.down) {
        request.socket.destroy();
        return;
      }
      const chunks: Buffer[] = [];
      request.on('data', (chunk: Buffer) => chunks.push(chunk));
      request.on('end', () => {
        const { method, headers } = request;
        const { origin = '*' } = headers;
        const cors = {
          'access-control-allow-origin': origin,
          'access-control-allow-headers': 'content-type',
          'access-control-allow-methods': 'POST',
        };
        if (method === 'OPTIONS') {
          response.writeHead(204, cors).end();
          return;
        }
        proxy.count++;
        fetch(target, {
          method: 'POST',
          headers: { 'content-type': 'application/json' },
          body: Buffer.concat(chunks),
        })
          .then(async (answer) => {
            const json = (await answer.json()) as Answer;
            proxy.lie?.(json);
            response.writeHead(200, { ...cors, 'content-type': 'application/json' });
            response.end(JSON.stringify(json));
          })
          .catch(() => request.socket.destroy());
      });
    });
    return proxy;
  }

  async stop(): Promise<void> {
    this.server.closeAllConnections();
    await new Promise((resolve) => this.server.close(resolve));
  }
}

/** An account with another model in its state. */
export function anotherModel(answer: Answer): void {
  const state = answer.data?.account?.zkappState;
  if (state) state[0] = '12345';
}
