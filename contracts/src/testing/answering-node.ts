/** A node on loopback that answers whatever a test wants. */
import { createServer, type IncomingMessage } from 'node:http';
import type { AddressInfo } from 'node:net';

export class AnsweringNode {
  /** Sent as it is if it is text, else as JSON; never if undefined. A function is told the question. */
  answer: unknown;
  status = 200;
  /** The last question. */
  asked: { query: string; variables: Record<string, unknown> } | undefined;
  /** Its headers. */
  headers: Record<string, unknown> = {};

  private constructor(
    readonly url: string,
    readonly stop: () => Promise<void>,
  ) {}

  static async start(): Promise<AnsweringNode> {
    const server = createServer();
    await new Promise<void>((resolve) => server.listen(0, '127.0.0.1', resolve));
    const { port } = server.address() as AddressInfo;
    const node = new AnsweringNode(`http://127.0.0.1:${port}/graphql`, async () => {
      server.closeAllConnections();
      await new Promise((resolve) => server.close(resolve));
    });
    server.on('request', (request, response) => {
      void body(request).then((text) => {
        node.asked = JSON.parse(text) as AnsweringNode['asked'];
        node.headers = request.headers;
        const { status } = node;
        const answer: unknown =
          typeof node.answer === 'function' ? node.answer(node.asked) : node.answer;
        if (answer === undefined) return;
        response.writeHead(status, { 'content-type': 'application/json' });
        response.end(typeof answer === 'string' ? answer : JSON.stringify(answer));
      });
    });
    return node;
  }
}

async function body(request: IncomingMessage): Promise<string> {
  let text = '';
  for await (const chunk of request as AsyncIterable<Buffer>) text += chunk.toString();
  return text;
}
