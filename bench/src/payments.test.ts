import { afterAll, beforeAll, describe, expect, it } from '@jest/globals';
import { createServer, type Server } from 'node:http';
import { once } from 'node:events';
import { PrivateKey } from 'o1js';
import type { Answer, FaultyNode } from './faults.js';
import { Payments } from './payments.js';

/** What a node that forgets would say. */
interface Memory {
  nonce: number;
  received: bigint;
  blocks: string[];
  known: boolean;
}

let server: Server;
let origin: string;
beforeAll(async () => {
  server = createServer((_, response) => {
    const key = PrivateKey.random();
    response.end(JSON.stringify({ pk: key.toPublicKey().toBase58(), sk: key.toBase58() }));
  });
  server.listen(0, '127.0.0.1');
  await once(server, 'listening');
  const { port } = server.address() as { port: number };
  origin = `http://127.0.0.1:${port}`;
});
afterAll(() => {
  server.close();
  server.closeAllConnections();
});

/** Six payments and a block, acknowledged by a node that then says what `forget` makes of it. */
async function after(forget: (memory: Memory) => Partial<Memory>): Promise<void> {
  let memory: Memory = { nonce: 0, received: 0n, blocks: ['genesis'], known: true };
  const answer = (text: string): Answer => {
    if (text.includes('sendPayment')) {
      memory.nonce++;
      memory.received += 1000n;
      return { data: { sendPayment: { payment: { hash: 'ignored' } } } };
    }
    if (text.includes('makeBlock')) {
      memory.blocks.push(`block ${memory.blocks.length}`);
      return { data: { makeBlock: { stateHash: memory.blocks.at(-1) } } };
    }
    const total = memory.received.toString();
    return {
      data: {
        account: { inferredNonce: String(memory.nonce), balance: { total } },
        bestChain: memory.blocks.map((stateHash) => ({ stateHash })),
        transactionStatus: memory.known ? 'INCLUDED' : 'UNKNOWN',
      },
    };
  };
  const node: FaultyNode = { origin, ask: (text) => Promise.resolve(answer(text)) };
  const payments = new Payments();
  await payments.prepare(node);
  for (let i = 0; i < 7; i++) await payments.step(node);
  expect(payments.acknowledged).toBe(7);
  memory = { ...memory, ...forget(memory) };
  await payments.check(node);
}

describe('the check of a node that was killed', () => {
  it('passes if everything acknowledged is there, and one that was not', async () => {
    await after(() => ({}));
    await after(({ nonce, received }) => ({ nonce: nonce + 1, received: received + 1000n }));
  });

  it.each<[string, (memory: Memory) => Partial<Memory>]>([
    [
      'a payment is lost',
      ({ nonce, received }) => ({ nonce: nonce - 1, received: received - 1000n }),
    ],
    ['two came from nowhere', ({ nonce }) => ({ nonce: nonce + 2 })],
    ['one is paid twice', ({ received }) => ({ received: received + 1000n })],
    ['a block is lost', () => ({ blocks: ['genesis', 'another'] })],
    ['the last one is not known', () => ({ known: false })],
  ])('fails if %s', async (_, forget) => {
    await expect(after(forget)).rejects.toThrow(/^faults: /);
  });
});
