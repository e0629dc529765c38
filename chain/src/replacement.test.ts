import { describe, expect, it } from '@jest/globals';
import { deliver } from './deliver.js';
import type { Network, Standing } from './network.js';
import { replacement } from './session.js';
import type { TransactionFile } from './transaction-file.js';

describe('another fee for a transaction on its way', () => {
  it('replaces it if it is larger, while it is in no block', () => {
    expect(replacement('100', 101n, 'pending', 'a')).toBe(true);
    expect(replacement('100', 101n, 'unknown', 'a')).toBe(true);
    expect(replacement('100', 101n, 'included', 'a')).toBe(false);
    expect(replacement('100', 100n, 'pending', 'a')).toBe(false);
    expect(() => replacement('100', 99n, 'pending', 'a')).toThrow(/USAGE/);
    expect(replacement('100', 99n, 'included', 'a')).toBe(false);
  });
});

describe('a nonce that is used', () => {
  const sealed = {
    kind: 'payment',
    hash: 'b',
    replaces: ['a'],
    command: { from: 'B62', nonce: '3' },
  } as unknown as TransactionFile & { hash: string };

  /** @param blocks where each transaction is, at each look */
  async function deliverWhere(...blocks: Record<string, number>[]) {
    let look = 0;
    const network = {
      standing: (hash: string): Promise<Standing> => {
        const block = blocks[Math.min(look++, blocks.length - 1)][hash] as number | undefined;
        return Promise.resolve(
          block === undefined
            ? { state: 'unknown' }
            : { state: 'included', block, depth: 0, failure: undefined },
        );
      },
      payer: () => Promise.resolve({ nonce: 4, includedNonce: 4, balance: 1n }),
      send: () => Promise.resolve(),
      slotLength: () => Promise.resolve(1),
    } as unknown as Network;
    const progress = () => ({ update: () => undefined, close: () => undefined });
    const output = { log: () => undefined, progress };
    return await deliver(network, sealed, { wait: true, output });
  }

  it('by the transaction that this one was to replace is told as that', async () => {
    await expect(deliverWhere({ a: 7 })).rejects.toMatchObject({
      code: 'NONCE_USED',
      what: expect.stringContaining('transaction a') as unknown,
    });
    await expect(deliverWhere({})).rejects.toMatchObject({
      code: 'NONCE_USED',
      what: expect.stringContaining('another transaction') as unknown,
    });
  });

  it('by the transaction itself, between two looks, is none', async () => {
    expect(await deliverWhere({}, { b: 8 })).toMatchObject({ hash: 'b', block: 8 });
  });
});
