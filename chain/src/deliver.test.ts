import { describe, expect, it } from '@jest/globals';
import { deliver } from './deliver.js';
import type { Network, Standing } from './network.js';
import type { TransactionFile } from './transaction-file.js';

const included = (block: number, depth: number): Standing => ({
  state: 'included',
  block,
  depth,
  failure: undefined,
});
const file = {
  kind: 'payment',
  hash: '5J',
  command: { from: 'B62', nonce: '0' },
} as unknown as TransactionFile & { hash: string };

/** A network where the transaction stands so at each look. */
async function follow(confirmations: number, standings: Standing[], wait = true) {
  const lines: string[] = [];
  let sent = 0;
  const network = {
    standing: () => Promise.resolve(standings.length > 1 ? standings.shift() : standings[0]),
    slotLength: () => Promise.resolve(1),
    payer: () => Promise.resolve({ nonce: 0, includedNonce: 0, balance: 1n }),
    send: () => Promise.resolve(void sent++),
  } as unknown as Network;
  const progress = () => ({ update: () => undefined, close: () => undefined });
  const output = { log: (line: string) => lines.push(line), progress };
  const delivered = await deliver(network, file, { wait, confirmations, output });
  return { delivered, lines, sent };
}

describe('confirmations', () => {
  it('are waited for', async () => {
    const standings = [{ state: 'pending' } as const, included(7, 0), included(7, 2)];
    expect(await follow(2, [...standings])).toEqual({
      delivered: { hash: '5J', block: 7, depth: 2 },
      lines: [],
      sent: 0,
    });
    expect((await follow(0, [...standings])).delivered).toEqual({ hash: '5J', block: 7, depth: 0 });
    expect((await follow(5, [included(7, 1)], false)).delivered).toMatchObject({ depth: 1 });
  });

  it('begin anew where the chain takes the block back, and the transaction is sent again', async () => {
    const { delivered, lines, sent } = await follow(2, [
      included(7, 0),
      included(7, 1),
      { state: 'unknown' },
      { state: 'pending' },
      included(8, 0),
      included(9, 1),
      included(9, 2),
    ]);
    expect(delivered).toEqual({ hash: '5J', block: 9, depth: 2 });
    expect(lines).toEqual([
      'the chain took back block 7, which had the transaction',
      'the chain moved the transaction from block 8 to 9',
    ]);
    expect(sent).toBe(1);
  });
});
