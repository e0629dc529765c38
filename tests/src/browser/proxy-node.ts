/** A node between the page and the real one: honest until told otherwise. */
import { present } from '@attensor/core';
import { createServer, type Server } from 'node:http';
import type { AddressInfo } from 'node:net';

interface Account {
  publicKey: string;
  zkappState: string[];
  actionState: string[];
  verificationKey: { verificationKey: string; hash: string };
  timing: { initialMinimumBalance: string | null };
}
type Answer = { data?: { account?: Partial<Account> | null } };

export class ProxyNode {
  /** Changes an answer before it is passed on. */
  lie: ((answer: Answer) => void) | undefined;
  /** Answers take this much longer. */
  delayMs = 0;
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
            await new Promise((resolve) => setTimeout(resolve, proxy.delayMs));
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

/** Changes the account, in answers that have one. */
const account =
  (change: (account: Partial<Account>) => void) =>
  ({ data }: Answer): void => {
    if (data?.account?.zkappState) change(data.account);
  };

/** A number wider than its place in the account's hash: it would change its neighbours. */
export const wideNumber = account((each) => {
  each.timing = { ...each.timing, initialMinimumBalance: (2n ** 70n).toString() };
});

/** A field of the state said to be an action state: the same fields in the same order. */
export const shiftedFields = account((each) => {
  present(each.actionState).push(present(present(each.zkappState).shift()));
});

/** The account of somebody else. */
export const anotherAccount = account((each) => {
  each.publicKey = 'B62qiy32p8kAKnny8ZFwoMhYpBppM1DWVCqAPBYNcXnsAHhnfAAuXgg';
});

/** An account with another model in its state. */
export const anotherModel = account((each) => {
  present(each.zkappState)[0] = '12345';
});

/** An account that is guarded by other code. */
export const anotherProgram = account((each) => {
  each.verificationKey = { ...present(each.verificationKey), hash: '12345' };
});
