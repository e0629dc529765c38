/**
 * Does the account belong to the block's ledger? Its hash is recomputed from the fields that the page shows, and its Merkle path
 * climbed to the ledger hash: a node can then not change a field without changing the block's hash of the whole ledger.
 */
import { present } from '@attensor/core';
import {
  accountHash,
  rootOf,
  type AccountJson,
  type PathElement,
} from '@attensor/contracts/ledger';
import { fieldOfBase58 } from './base58.js';
import type { LedgerAccount, LedgerView, Path } from './ledger-view.js';

/** Of Mina's ledgers. A path of another length would climb from something that is no account. */
const LEDGER_DEPTH = 35;

export interface Membership {
  /** the path leads to the block's staged ledger: all transactions up to this block */
  staged: boolean;
  /** also to its snarked ledger, which the chain's own proof covers; undefined if no node told the path */
  snarked?: boolean;
}

/**
 * @param lastActionSlot no daemon tells it: an archive does. A wrong one changes the hash, so it needs no trust.
 * @param snarkedPath undefined where the node gives none
 */
export function checkMembership(
  { account, block }: LedgerView,
  lastActionSlot: number,
  snarkedPath: Path | undefined,
): Membership {
  let leaf: bigint;
  try {
    leaf = accountHash(accountJson(account, lastActionSlot));
  } catch (error) {
    // numbers or lists that no account has
    if (!(error instanceof RangeError)) throw error;
    return { staged: false };
  }
  const leadsTo = (path: Path, ledgerHash: string): boolean =>
    path.length === LEDGER_DEPTH &&
    rootOf(leaf, path.map(element)) === fieldOfBase58(ledgerHash, 'ledger hash');
  return {
    staged: leadsTo(account.merklePath ?? [], block.stagedLedgerHash),
    snarked: snarkedPath && leadsTo(snarkedPath, block.snarkedLedgerHash),
  };
}

function element({ left, right }: Path[number]): PathElement {
  return left !== undefined
    ? { left: BigInt(left) }
    : { right: BigInt(present(right, 'a sibling of the path')) };
}

function accountJson(account: LedgerAccount, lastActionSlot: number): AccountJson {
  const { initialMinimumBalance, ...timing } = account.timing;
  return {
    publicKey: account.publicKey,
    tokenId: account.tokenId,
    tokenSymbol: account.tokenSymbol ?? '',
    balance: account.balance.total,
    nonce: account.nonce,
    receiptChainHash: fieldOfBase58(account.receiptChainHash, 'receiptChainHash').toString(),
    delegate: account.delegateAccount?.publicKey ?? null,
    votingFor: fieldOfBase58(account.votingFor, 'votingFor').toString(),
    timing: {
      isTimed: initialMinimumBalance != null,
      initialMinimumBalance: initialMinimumBalance ?? '0',
      ...timing,
    },
    permissions: account.permissions,
    zkapp: {
      appState: account.zkappState ?? [],
      verificationKey: account.verificationKey && {
        data: account.verificationKey.verificationKey,
        hash: account.verificationKey.hash,
      },
      // Mina has never raised it
      zkappVersion: '0',
      actionState: account.actionState ?? [],
      lastActionSlot: String(lastActionSlot),
      provedState: account.provedState ?? false,
      zkappUri: account.zkappUri ?? '',
    },
  } as AccountJson;
}
