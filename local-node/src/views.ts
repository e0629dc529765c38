/** Accounts, blocks and transactions in the shapes and encodings of the daemon. */
import { present } from '@attensor/core';
import { Field, PublicKey } from 'o1js';
import type { AccountJson, PathElement } from '@attensor/contracts/ledger';
import type { Block, Chain, ChainTransaction } from './chain.js';
import type { Internals } from '@attensor/core/o1js';
import { DEFAULT_TOKEN } from './ledger.js';
import { minimumBalance } from './signed-command.js';

export type Encodings = Pick<
  Internals,
  'LedgerHash' | 'StateHash' | 'EpochSeed' | 'ReceiptChainHash'
>;

const NO_TIMING = {
  initialMinimumBalance: null,
  cliffTime: null,
  cliffAmount: null,
  vestingPeriod: null,
  vestingIncrement: null,
};

export function accountView(account: AccountJson, chain: Chain, encodings: Encodings) {
  const { publicKey, tokenId, balance, timing, delegate, zkapp } = account;
  const id = { publicKey, tokenId };
  const { height, slot, stateHash } = chain.lastBlock;
  const required = minimumBalance(timing, slot);
  const locked = required < BigInt(balance) ? required : BigInt(balance);
  const membership = () => present(chain.membership(id), 'the path of an account');
  return {
    ...id,
    token: tokenId,
    tokenSymbol: account.tokenSymbol,
    nonce: account.nonce,
    inferredNonce: () => chain.pendingAccount(id)?.nonce ?? account.nonce,
    balance: {
      total: balance,
      liquid: (BigInt(balance) - locked).toString(),
      locked: locked.toString(),
      blockHeight: height,
      stateHash: encodings.StateHash.toBase58(Field(stateHash)),
    },
    receiptChainHash: encodings.ReceiptChainHash.toBase58(Field(account.receiptChainHash)),
    delegate,
    delegateAccount: delegate === null ? null : { publicKey: delegate },
    votingFor: encodings.StateHash.toBase58(Field(account.votingFor)),
    timing: timing.isTimed ? timing : NO_TIMING,
    permissions: account.permissions,
    zkappState: zkapp?.appState ?? null,
    zkappUri: zkapp?.zkappUri ?? null,
    provedState: zkapp?.provedState ?? null,
    actionState: zkapp?.actionState ?? null,
    verificationKey: zkapp?.verificationKey
      ? { verificationKey: zkapp.verificationKey.data, hash: zkapp.verificationKey.hash }
      : null,
    index: () => membership().index,
    leafHash: () => membership().leaf.toString(),
    merklePath: () => pathView(membership().path),
  };
}

export function pathView(path: PathElement[]) {
  return path.map((element) =>
    'left' in element
      ? { left: element.left.toString(), right: null }
      : { left: null, right: element.right.toString() },
  );
}

export function blockView(block: Block, chain: Chain, encodings: Encodings, slotsPerEpoch: number) {
  const { height, slot, time, stateHash, previousStateHash, ledgerHash, transactions } = block;
  const ledger = encodings.LedgerHash.toBase58(Field(ledgerHash));
  const zeroState = encodings.StateHash.toBase58(Field(0));
  const totalCurrency = chain.totalCurrency.toString();
  const epoch = {
    ledger: {
      hash: encodings.LedgerHash.toBase58(Field(chain.blocks[0].ledgerHash)),
      totalCurrency,
    },
    seed: encodings.EpochSeed.toBase58(Field(0)),
    startCheckpoint: zeroState,
    lockCheckpoint: zeroState,
    epochLength: '1',
  };
  return {
    creator: PublicKey.empty().toBase58(),
    stateHash: encodings.StateHash.toBase58(Field(stateHash)),
    stateHashField: stateHash.toString(),
    commandTransactionCount: transactions.length,
    protocolState: {
      previousStateHash: encodings.StateHash.toBase58(Field(previousStateHash)),
      blockchainState: {
        date: String(time),
        utcDate: String(time),
        snarkedLedgerHash: ledger,
        stagedLedgerHash: ledger,
        stagedLedgerProofEmitted: true,
      },
      consensusState: {
        blockchainLength: String(height),
        blockHeight: String(height),
        epochCount: String(Math.floor(slot / slotsPerEpoch)),
        minWindowDensity: '0',
        totalCurrency,
        stakingEpochData: epoch,
        nextEpochData: epoch,
        slotSinceGenesis: String(slot),
        slot: String(slot % slotsPerEpoch),
        epoch: String(Math.floor(slot / slotsPerEpoch)),
      },
    },
    transactions: {
      userCommands: () => transactions.filter(({ kind }) => kind !== 'zkapp').map(commandView),
      zkappCommands: () => transactions.filter(({ kind }) => kind === 'zkapp').map(commandView),
      coinbase: '0',
    },
  };
}

export function commandView(transaction: ChainTransaction) {
  const { hash, feePayer, nonce, fee, memo, failures, block } = transaction;
  // as with a real network, nobody knows before it is in a block
  const failed = block !== undefined && failures.length > 0;
  if (transaction.kind === 'zkapp') {
    const reasons = failures
      .map((each, index) => ({ index: String(index), failures: each }))
      .filter((each) => each.failures.length > 0)
      .reverse();
    return {
      id: hash,
      hash,
      failureReason: failed ? reasons : null,
      zkappCommand: transaction.command,
    };
  }
  const { command, kind } = transaction;
  return {
    id: hash,
    hash,
    kind: kind === 'payment' ? 'PAYMENT' : 'STAKE_DELEGATION',
    nonce,
    source: { publicKey: feePayer },
    feePayer: { publicKey: feePayer },
    receiver: { publicKey: command.to },
    from: feePayer,
    to: command.to,
    amount: command.kind === 'payment' ? command.amount : '0',
    token: DEFAULT_TOKEN,
    feeToken: DEFAULT_TOKEN,
    fee,
    memo,
    validUntil: command.validUntil,
    isDelegation: kind === 'delegation',
    failureReason: failed ? failures.flat().join(', ') : null,
  };
}
