import { present } from '@attensor/core';
import '@attensor/contracts/testing/native-backend';
import { beforeAll, describe, expect, it } from '@jest/globals';
import { Field, initializeBindings } from 'o1js';
import { accountHash, rootOf } from '@attensor/contracts/ledger';
import { internals } from '@attensor/core/o1js';
import { DEFAULT_TOKEN, Ledger } from './ledger.js';
import { LEDGER_DEPTH, LedgerTree } from './merkle.js';

beforeAll(() => initializeBindings());

describe('accountHash', () => {
  it("is that of mainnet's first genesis account", async () => {
    const publicKey = 'B62qiy32p8kAKnny8ZFwoMhYpBppM1DWVCqAPBYNcXnsAHhnfAAuXgg';
    const ledger = new Ledger();
    ledger.addAccount(publicKey, 20_000_001_000n);
    const account = present(ledger.account({ publicKey, tokenId: DEFAULT_TOKEN }));
    account.permissions.setVerificationKey.txnVersion = '2';
    const { LedgerHash } = await internals();
    // as the Rust client of Mina has it, ledger/src/account/account.rs
    expect(LedgerHash.toBase58(Field(accountHash(account)))).toBe(
      'jwnEz6CjzSYowUsvw5gKpuTkRjBY5dEtc6YmQj1U5d2k5KZzTmc',
    );
  });
});

describe('accountHash of what is no account', () => {
  it('refuses numbers wider than their place, and lists of another length', () => {
    const publicKey = 'B62qiy32p8kAKnny8ZFwoMhYpBppM1DWVCqAPBYNcXnsAHhnfAAuXgg';
    const ledger = new Ledger();
    ledger.addAccount(publicKey, 1n);
    const account = present(ledger.account({ publicKey, tokenId: DEFAULT_TOKEN }));
    const zkapp = {
      appState: Array<string>(8).fill('0'),
      actionState: Array<string>(5).fill('0'),
      verificationKey: null,
      zkappVersion: '0',
      lastActionSlot: '0',
      provedState: false,
      zkappUri: '',
    };
    expect(accountHash({ ...account, zkapp })).toEqual(expect.any(BigInt));
    const wrong = [
      { ...account, nonce: (2n ** 32n).toString() },
      { ...account, balance: '-1' },
      { ...account, timing: { ...account.timing, initialMinimumBalance: (2n ** 64n).toString() } },
      { ...account, receiptChainHash: Field.ORDER.toString() },
      { ...account, zkapp: { ...zkapp, lastActionSlot: '-1' } },
      { ...account, zkapp: { ...zkapp, appState: zkapp.appState.slice(1) } },
      { ...account, zkapp: { ...zkapp, actionState: [...zkapp.actionState, '0'] } },
    ];
    for (const each of wrong) expect(() => accountHash(each)).toThrow(RangeError);
  });
});

describe('LedgerTree', () => {
  it('every path leads to the root, also after changes', () => {
    const tree = new LedgerTree();
    tree.set(new Map(Array.from({ length: 11 }, (_, i) => [i, BigInt(100 + i)])));
    tree.set(new Map([[4, 7n]]));
    for (const index of [0, 4, 10]) {
      const path = tree.path(index);
      expect(path).toHaveLength(LEDGER_DEPTH);
      expect(rootOf(tree.leaf(index), path)).toBe(tree.root);
      expect(rootOf(tree.leaf(index) + 1n, path)).not.toBe(tree.root);
    }
  });

  it('has one root for the same leaves, however they came', () => {
    const [once, twice] = [new LedgerTree(), new LedgerTree()];
    once.set(new Map([0, 1, 2].map((i) => [i, BigInt(i)])));
    twice.set(new Map([[0, 9n]]));
    twice.set(new Map([0, 1, 2].map((i) => [i, BigInt(i)])));
    expect(twice.root).toBe(once.root);
  });
});
