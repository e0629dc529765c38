/** A node on loopback that answers whatever a test wants. */
import { createServer, type IncomingMessage } from 'node:http';
import type { AddressInfo } from 'node:net';
import { setTimeout } from 'node:timers/promises';

export class AnsweringNode {
  /** Sent as it is if it is text, else as JSON; never if undefined. A function is told the question. */
  answer: unknown;
  status = 200;
  /** Before an answer. */
  delayMs = 0;
  /** Between two bytes of an answer; all at once if not given. */
  dripMs: number | undefined;
  /** How often it was asked. */
  count = 0;
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
      void body(request).then(async (text) => {
        node.count++;
        node.asked = JSON.parse(text) as AnsweringNode['asked'];
        node.headers = request.headers;
        const { status } = node;
        const answer: unknown =
          typeof node.answer === 'function' ? node.answer(node.asked) : node.answer;
        if (answer === undefined) return;
        if (node.delayMs > 0) await setTimeout(node.delayMs);
        response.writeHead(status, { 'content-type': 'application/json' });
        const answered = typeof answer === 'string' ? answer : JSON.stringify(answer);
        for (const byte of node.dripMs === undefined ? [] : answered) {
          if (response.destroyed) return;
          response.write(byte);
          await setTimeout(node.dripMs);
        }
        response.end(node.dripMs === undefined ? answered : '');
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
