/** Server-sent events. */
import type { FastifyReply } from 'fastify';
import { Readable } from 'node:stream';

/** One event, whose data is a text or becomes JSON. */
export const eventOf = (data: unknown, name?: string): string =>
  `${name === undefined ? '' : `event: ${name}\n`}data: ${typeof data === 'string' ? data : JSON.stringify(data)}\n\n`;

/** Sends events as they come. Whoever reads too slowly slows the source down; whoever hangs up ends it. */
export function sendEvents(reply: FastifyReply, events: AsyncIterable<string>): FastifyReply {
  return reply
    .header('content-type', 'text/event-stream; charset=utf-8')
    .header('cache-control', 'no-store')
    .header('x-accel-buffering', 'no') // of nginx, which would hold them back
    .send(Readable.from(events));
}

/** Aborted when the other side hangs up before its answer is whole. */
export function hangUp(reply: FastifyReply): AbortSignal {
  const controller = new AbortController();
  reply.raw.once('close', () => {
    if (!reply.raw.writableFinished) controller.abort();
  });
  return controller.signal;
}

/** What is pushed into it, one after the other; `done` ends it. */
export class Pushed<T> implements AsyncIterable<T> {
  private readonly items: T[] = [];
  private ended = false;
  private wake: () => void = () => undefined;

  push(item: T): void {
    this.items.push(item);
    this.wake();
  }

  end(): void {
    this.ended = true;
    this.wake();
  }

  async *[Symbol.asyncIterator](): AsyncGenerator<T> {
    for (;;) {
      const next = this.items.shift();
      if (next !== undefined) yield next;
      else if (this.ended) return;
      else await new Promise<void>((resolve) => (this.wake = resolve));
    }
  }
}
