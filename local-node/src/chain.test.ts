import '@attensor/contracts/testing/native-backend';
import { afterAll, afterEach, beforeAll, describe, expect, it, jest } from '@jest/globals';
import { rootOf } from '@attensor/contracts/ledger';
import { present } from '@attensor/core';
import Client from 'mina-signer';
import { createHash } from 'node:crypto';
import { appendFile, mkdtemp, open, rm } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { initializeBindings, PrivateKey } from 'o1js';
import { Chain } from './chain.js';
import { type DataDir, openDataDir } from './data-dir.js';
import { DEFAULT_TOKEN } from './ledger.js';
import type { SignedCommand } from './signed-command.js';

const FEE = 10_000_000;
const MINA = 1_000_000_000;
const signer = new Client({ network: 'testnet' });

let folder: string;
beforeAll(async () => {
  await initializeBindings();
  folder = await mkdtemp(join(tmpdir(), 'attensor-chain-'));
});
afterEach(() => {
  jest.restoreAllMocks();
});
afterAll(() => rm(folder, { recursive: true, force: true }));

async function dataDir(name: string): Promise<DataDir> {
  const options = { accounts: 2, balance: 10, slotMilliseconds: 1000 };
  return await openDataDir(join(folder, name), options);
}

async function withChain<T>(dir: DataDir, work: (chain: Chain) => Promise<T>): Promise<T> {
  const { chain } = await Chain.open(dir);
  try {
    return await work(chain);
  } finally {
    await chain.close();
  }
}

interface Transfer {
  amount?: number;
  fee?: number;
  nonce?: number;
  to?: string;
  validUntil?: number;
}

function payment({ genesis }: DataDir, transfer: Transfer = {}): SignedCommand {
  const { publicKey: from, privateKey } = genesis.accounts[0];
  const { amount = MINA, fee = FEE, nonce = 0, to = genesis.accounts[1].publicKey } = transfer;
  const fields = {
    ...{ from, to, amount: String(amount), fee: String(fee), nonce: String(nonce), memo: '' },
    validUntil: String(transfer.validUntil ?? 4294967295),
  };
  const { signature } = signer.signPayment(fields, privateKey);
  return { ...fields, kind: 'payment', signature };
}

const balanceOf = (chain: Chain, publicKey: string) =>
  Number(chain.account({ publicKey, tokenId: DEFAULT_TOKEN })?.balance) / MINA;

describe('what the pool takes', () => {
  it('is what a real network takes of fees, balances, nonces and slots', async () => {
    const dir = await dataDir('pool');
    await withChain(dir, async (chain) => {
      const refused = async (transfer: Transfer, code: string) =>
        expect(chain.submitSigned(payment(dir, transfer))).rejects.toMatchObject({ code });
      await refused({ fee: 0 }, 'INSUFFICIENT_FEE');
      await refused({ fee: 999_999 }, 'INSUFFICIENT_FEE');
      await refused({ amount: 10 * MINA - FEE + 1 }, 'INSUFFICIENT_FUNDS');
      await refused({ nonce: 1 }, 'INVALID_NONCE');
      await refused({ validUntil: 0 }, 'EXPIRED');
      await chain.submitSigned(payment(dir, { fee: 1_000_000, amount: 6 * MINA }));
      // what is pending counts
      await refused({ amount: 4 * MINA, nonce: 1 }, 'INSUFFICIENT_FUNDS');
      await chain.submitSigned(payment(dir, { amount: 3 * MINA, nonce: 1 }));
      await chain.makeBlock();
      expect(balanceOf(chain, dir.genesis.accounts[1].publicKey)).toBe(19);
    });
    await dir.release();
  });
});

describe('the log', () => {
  it.each([
    ['another kind of entry', '{"type":"nothing"}'],
    ['a number for an entry', '7'],
    ['a slot that is none', '{"type":"block","slot":-1,"time":1,"ledgerHash":"1"}'],
    ['a command that is none', '{"type":"zkapp","slot":1,"command":{"feePayer":[]}}'],
    ['a block of another ledger', '{"type":"block","slot":9,"time":1,"ledgerHash":"1"}'],
    ['a key that is none', JSON.stringify({ type: 'signed', slot: 1, command: nonsense() })],
  ])('with %s in a line that is whole is an error with its place', async (name, json) => {
    const dir = await dataDir(name);
    await withChain(dir, (chain) => chain.submitSigned(payment(dir)));
    const hash = createHash('sha256').update(json).digest('hex').slice(0, 16);
    await appendFile(dir.logPath, `${hash} ${json}\n`);
    await expect(Chain.open(dir)).rejects.toMatchObject({
      code: 'BAD_DATA_DIR',
      where: `${dir.logPath}:2`,
    });
    await dir.release();
  });

  it('that cannot be written leaves the chain as it was, and in use', async () => {
    const dir = await dataDir('full');
    const to = PrivateKey.random().toPublicKey().toBase58();
    const [, { publicKey: other }] = dir.genesis.accounts;
    await withChain(dir, async (chain) => {
      await chain.submitSigned(payment(dir, { to, amount: 2 * MINA }));
      const handle = await open(dir.logPath, 'r');
      const prototype = Object.getPrototypeOf(handle) as typeof handle;
      await handle.close();
      const full = jest.spyOn(prototype, 'write').mockRejectedValue(Error('ENOSPC'));
      const code = 'LOG_WRITE_FAILED';
      await expect(chain.submitSigned(payment(dir, { nonce: 1 }))).rejects.toMatchObject({ code });
      await expect(chain.makeBlock()).rejects.toMatchObject({ code });
      const id = { publicKey: other, tokenId: DEFAULT_TOKEN };
      expect(chain.pendingTransactions).toHaveLength(1);
      expect(chain.pendingAccount(id)?.balance).toBe(String(10 * MINA));
      const { leaf, path } = present(chain.membership(id));
      expect(rootOf(leaf, path)).toBe(chain.lastBlock.ledgerHash);

      full.mockRestore();
      await chain.submitSigned(payment(dir, { nonce: 1 }));
      const { ledgerHash, height } = await chain.makeBlock();
      expect(height).toBe(2);
      for (const publicKey of [to, other]) {
        const member = present(chain.membership({ publicKey, tokenId: DEFAULT_TOKEN }));
        expect(rootOf(member.leaf, member.path)).toBe(ledgerHash);
      }
    });
    // and so says whoever reads the log
    await withChain(dir, async (chain) => {
      expect(balanceOf(chain, to)).toBe(1);
      expect(balanceOf(chain, other)).toBe(11);
      await Promise.resolve();
    });
    await dir.release();
  });
});

describe('a wrong clock', () => {
  it('makes no block before the last one, and none that no slot can count', async () => {
    const dir = await dataDir('clock');
    const { timestamp } = dir.genesis;
    const now = jest.spyOn(Date, 'now');
    await withChain(dir, async (chain) => {
      now.mockReturnValue(timestamp + 3_600_000);
      const ahead = await chain.makeBlock();
      now.mockReturnValue(timestamp - 3_600_000);
      await chain.submitSigned(payment(dir));
      const back = await chain.makeBlock();
      expect(back).toMatchObject({ slot: ahead.slot + 1, time: ahead.time });
      now.mockReturnValue(timestamp + 2 ** 32 * 1000);
      await expect(chain.makeBlock()).rejects.toMatchObject({ code: 'BAD_CLOCK' });
      now.mockReturnValue(timestamp + 3_610_000);
      expect((await chain.makeBlock()).slot).toBe(3610);
    });
    await withChain(dir, async (chain) => {
      expect(chain.lastBlock.height).toBe(4);
      await Promise.resolve();
    });
    await dir.release();
  });
});

function nonsense() {
  const common = { from: 'B62x', to: 'B62y', fee: '1000000', nonce: '0', amount: '1' };
  return { ...common, kind: 'payment', signature: { field: '1', scalar: '2' } };
}
