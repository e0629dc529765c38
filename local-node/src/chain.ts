/**
 * The chain of one node: accepted transactions, blocks, and what the ledger was at the last block.
 *
 * A transaction is checked, applied to the pending ledger, written to the log and only then
 * acknowledged; the next block seals what is pending. Queries see the ledger of the last block, as on
 * a real network. Everything that changes something runs one after the other.
 */
import { Field, Poseidon } from 'o1js';
import { z } from 'zod';
import { accountHash, type AccountJson, type PathElement } from '@attensor/contracts/ledger';
import type { DataDir, Genesis } from './data-dir.js';
import { History } from './history.js';
import { AttensorError, present } from '@attensor/core';
import { internals, type Internals, type LedgerState } from '@attensor/core/o1js';
import { type AccountId, DEFAULT_TOKEN, type Failures, Ledger } from './ledger.js';
import { Log } from './log.js';
import { LedgerTree } from './merkle.js';
import {
  applySigned,
  checkSigned,
  hashSigned,
  type SignedCommand,
  signedCommandSchema,
} from './signed-command.js';
import {
  parseZkappCommand,
  verifyProofs,
  withoutProofs,
  type ZkappCommandJson,
} from './zkapp-command.js';

interface Sealed {
  hash: string;
  feePayer: string;
  nonce: number;
  /** nanomina */
  fee: string;
  /** base58 */
  memo: string;
  failures: Failures;
  /** The block it is in; absent while it is pending. */
  block?: Block;
}
export type ZkappTransaction = Sealed & { kind: 'zkapp'; command: ZkappCommandJson };
export type SignedTransaction = Sealed & { kind: 'payment' | 'delegation'; command: SignedCommand };
export type ChainTransaction = ZkappTransaction | SignedTransaction;

/** A sealed block, with the transactions in it. */
export interface Block {
  height: number;
  slot: number;
  /** Milliseconds since 1970. */
  time: number;
  ledgerHash: bigint;
  stateHash: bigint;
  previousStateHash: bigint;
  transactions: ChainTransaction[];
}

const entrySchema = z.discriminatedUnion('type', [
  z.object({ type: z.literal('zkapp'), slot: z.number(), command: z.unknown() }),
  z.object({ type: z.literal('signed'), slot: z.number(), command: signedCommandSchema }),
  z.object({
    type: z.literal('block'),
    slot: z.number(),
    time: z.number(),
    ledgerHash: z.string(),
  }),
]);

export class Chain {
  readonly blocks: Block[] = [];
  readonly history = new History();
  private readonly transactions = new Map<string, ChainTransaction>();
  private readonly pending: ChainTransaction[] = [];
  /** Accounts that pending transactions name: the leaves the next block recomputes. */
  private readonly touched = new Map<string, AccountId>();
  /** Slot of the next block, once a transaction was applied in it. */
  private pendingSlot: number | undefined;
  private readonly tree = new LedgerTree();
  private tip!: LedgerState;
  private queue: Promise<unknown> = Promise.resolve();
  private broken: AttensorError | undefined;

  private constructor(
    readonly genesis: Genesis,
    private readonly ledger: Ledger,
    private readonly internals: Internals,
    private readonly log: Log,
  ) {}

  /** Loads a chain from its folder and applies again what its log holds. */
  static async open({ genesis, logPath }: DataDir): Promise<{ chain: Chain; cut: number }> {
    const modules = await internals();
    const { log, entries, cut } = await Log.open(logPath);
    const chain = new Chain(genesis, new Ledger(), modules, log);
    try {
      for (const { publicKey, balance } of genesis.accounts) {
        chain.ledger.addAccount(publicKey, BigInt(balance));
        chain.touch({ publicKey, tokenId: DEFAULT_TOKEN });
      }
      chain.seal({ slot: 0, time: genesis.timestamp, ledgerHash: chain.updateTree() });
      for (const [index, entry] of entries.entries())
        chain.replay(entry, `${logPath}:${index + 1}`);
    } catch (error) {
      await log.close();
      throw error;
    }
    return { chain, cut };
  }

  get lastBlock(): Block {
    return present(this.blocks.at(-1), 'the genesis block');
  }

  get accountCreationFee(): bigint {
    return BigInt(this.genesis.accountCreationFee);
  }

  /** Nanomina at genesis; fees are burned and not subtracted. */
  get totalCurrency(): bigint {
    return this.genesis.accounts.reduce((sum, { balance }) => sum + BigInt(balance), 0n);
  }

  get pendingTransactions(): readonly ChainTransaction[] {
    return this.pending;
  }

  transaction(hash: string): ChainTransaction | undefined {
    return this.transactions.get(hash);
  }

  /** As of the last block. */
  account(id: AccountId): AccountJson | undefined {
    return this.ledger.at(this.tip, () => this.ledger.account(id));
  }

  /** With pending transactions applied. */
  pendingAccount(id: AccountId): AccountJson | undefined {
    return this.ledger.account(id);
  }

  /** An account's place, leaf and path in the ledger of the last block. */
  membership(id: AccountId): { index: number; leaf: bigint; path: PathElement[] } | undefined {
    const index = this.ledger.at(this.tip, () => this.ledger.location(id));
    return index === undefined
      ? undefined
      : { index, leaf: this.tree.leaf(index), path: this.tree.path(index) };
  }

  /** @throws AttensorError when the command can't be in any block */
  submitZkapp(value: unknown): Promise<ZkappTransaction> {
    return this.exclusively(async () => {
      const command = parseZkappCommand(value, this.internals);
      this.requireUnknown(command.hash);
      this.checkFeePayer(feePayerOf(command.json));
      await verifyProofs(command, this.ledger);
      const slot = this.slotOfPending();
      const transaction = this.applyZkapp(command.json, command.hash, slot);
      await this.write({ type: 'zkapp', slot, command: command.json });
      this.accept(transaction, slot);
      return transaction;
    });
  }

  /** @throws AttensorError when the command can't be in any block */
  submitSigned(command: SignedCommand): Promise<SignedTransaction> {
    return this.exclusively(async () => {
      checkSigned(command);
      const hash = hashSigned(command);
      this.requireUnknown(hash);
      const { from: publicKey, fee, nonce, validUntil } = command;
      this.checkFeePayer({ publicKey, fee, nonce, validUntil });
      const slot = this.slotOfPending();
      const transaction = this.applySigned(command, hash, slot);
      await this.write({ type: 'signed', slot, command });
      this.accept(transaction, slot);
      return transaction;
    });
  }

  /** Seals what is pending, be it nothing. */
  makeBlock(): Promise<Block> {
    return this.exclusively(async () => {
      const [slot, time] = [this.slotOfPending(), Date.now()];
      const ledgerHash = this.updateTree();
      await this.write({ type: 'block', slot, time, ledgerHash: ledgerHash.toString() });
      return this.seal({ slot, time, ledgerHash });
    });
  }

  /** Waits for what is under way. The chain can't be used afterwards. */
  async close(): Promise<void> {
    await this.queue;
    await this.log.close();
  }

  private exclusively<T>(work: () => Promise<T>): Promise<T> {
    const result = this.queue.then(() => {
      if (this.broken !== undefined) throw this.broken;
      return work();
    });
    this.queue = result.catch(() => undefined);
    return result;
  }

  /** After a write that failed nobody knows what is on disk: nothing more is accepted. */
  private async write(entry: object): Promise<void> {
    try {
      await this.log.append(entry);
    } catch (error) {
      this.broken = new AttensorError({
        code: 'LOG_WRITE_FAILED',
        what: 'the transaction log could not be written',
        got: error instanceof Error ? error.message : String(error),
        hint: 'free some space on the disk and start the node again; everything acknowledged is kept',
      });
      throw this.broken;
    }
  }

  private replay(value: unknown, where: string): void {
    const entry = entrySchema.parse(value);
    if (entry.type === 'block') {
      const block = this.seal({ ...entry, ledgerHash: this.updateTree() });
      if (block.ledgerHash.toString() === entry.ledgerHash) return;
      throw new AttensorError({
        code: 'BAD_DATA_DIR',
        what: 'replaying the log leads to a different ledger than when it was written',
        where,
        expected: `ledger hash ${entry.ledgerHash}`,
        got: block.ledgerHash.toString(),
        hint: 'run the version that wrote it, or start with an empty --data folder',
      });
    }
    // accepted once, with valid proofs
    const transaction =
      entry.type === 'zkapp'
        ? this.applyZkapp(
            entry.command as ZkappCommandJson,
            this.internals.hashZkappCommand(JSON.stringify(entry.command)),
            entry.slot,
          )
        : this.applySigned(entry.command, hashSigned(entry.command), entry.slot);
    this.accept(transaction, entry.slot);
  }

  private requireUnknown(hash: string): void {
    const known = this.transactions.get(hash);
    if (known === undefined) return;
    throw new AttensorError({
      code: 'DUPLICATE',
      what: 'the transaction was accepted before',
      where: hash,
      got: known.block === undefined ? 'pending' : `in block ${known.block.height}`,
      hint: 'there is nothing left to do',
    });
  }

  /** What Mina checks before a transaction is let into the pool. */
  private checkFeePayer(payer: {
    publicKey: string;
    fee: string;
    nonce: string;
    validUntil: string | null;
  }): void {
    const where = payer.publicKey;
    const account = this.ledger.account({ publicKey: where, tokenId: DEFAULT_TOKEN });
    if (account === undefined) {
      throw new AttensorError({
        code: 'UNKNOWN_ACCOUNT',
        what: "the fee payer's account does not exist",
        where,
        hint: 'fund it, or use an account that GET /acquire-account gives',
      });
    }
    if (payer.nonce !== account.nonce) {
      throw new AttensorError({
        code: 'INVALID_NONCE',
        what: "the nonce is not the fee payer's next one",
        where,
        expected: `${account.nonce}, pending transactions counted`,
        got: payer.nonce,
        hint: "query the account's inferredNonce",
      });
    }
    if (BigInt(payer.fee) > BigInt(account.balance)) {
      throw new AttensorError({
        code: 'INSUFFICIENT_FUNDS',
        what: 'the fee payer cannot pay the fee',
        where,
        expected: `at least ${payer.fee} nanomina`,
        got: account.balance,
      });
    }
    const slot = this.slotOfPending();
    if (payer.validUntil !== null && BigInt(payer.validUntil) < BigInt(slot)) {
      throw new AttensorError({
        code: 'EXPIRED',
        what: 'the transaction is no longer valid',
        where,
        expected: `valid until slot ${slot} or later`,
        got: payer.validUntil,
      });
    }
  }

  private applyZkapp(command: ZkappCommandJson, hash: string, slot: number): ZkappTransaction {
    const { publicKey, fee, nonce } = feePayerOf(command);
    let failures: Failures;
    try {
      const state = JSON.stringify(this.networkState(slot));
      failures = this.ledger.applyZkapp(JSON.stringify(command), this.accountCreationFee, state);
    } catch (error) {
      throw rejected(error);
    }
    return {
      kind: 'zkapp',
      hash,
      feePayer: publicKey,
      nonce: Number(nonce),
      fee,
      memo: command.memo,
      command: withoutProofs(command),
      failures,
    };
  }

  private applySigned(command: SignedCommand, hash: string, slot: number): SignedTransaction {
    const { kind, from, nonce, fee, memo } = command;
    const failures = applySigned(this.ledger, command, {
      slot,
      accountCreationFee: this.accountCreationFee,
    });
    return {
      kind,
      hash,
      feePayer: from,
      nonce: Number(nonce),
      fee,
      memo: this.internals.memoToBase58(memo),
      command,
      failures,
    };
  }

  private accept(transaction: ChainTransaction, slot: number): void {
    this.transactions.set(transaction.hash, transaction);
    this.pending.push(transaction);
    this.pendingSlot = slot;
    this.touch({ publicKey: transaction.feePayer, tokenId: DEFAULT_TOKEN });
    if (transaction.kind === 'zkapp') {
      transaction.command.accountUpdates.forEach(({ body }) => this.touch(body));
    } else {
      this.touch({ publicKey: transaction.command.to, tokenId: DEFAULT_TOKEN });
    }
  }

  private touch({ publicKey, tokenId }: AccountId): void {
    this.touched.set(`${publicKey};${tokenId}`, { publicKey, tokenId });
  }

  /** Time decides, but no two blocks share a slot: an account keeps its action states by slot. */
  private slotOfPending(): number {
    if (this.pendingSlot !== undefined) return this.pendingSlot;
    const { timestamp, slotMilliseconds } = this.genesis;
    const now = Math.floor((Date.now() - timestamp) / slotMilliseconds);
    return Math.max(now, this.lastBlock.slot + 1);
  }

  /** @returns the hash of the ledger with what is pending */
  private updateTree(): bigint {
    const leaves = new Map<number, bigint>();
    for (const id of this.touched.values()) {
      const [index, account] = [this.ledger.location(id), this.ledger.account(id)];
      // a failed transaction may name an account that it did not create
      if (index !== undefined && account !== undefined) leaves.set(index, accountHash(account));
    }
    this.tree.set(leaves);
    return this.tree.root;
  }

  private seal({ slot, time, ledgerHash }: Pick<Block, 'slot' | 'time' | 'ledgerHash'>): Block {
    const previous = this.blocks.at(-1);
    const previousStateHash = previous?.stateHash ?? 0n;
    const height = (previous?.height ?? 0) + 1;
    const state = [previousStateHash, ledgerHash, height, slot, time].map((each) => Field(each));
    const block: Block = {
      height,
      slot,
      time,
      ledgerHash,
      stateHash: Poseidon.hashWithPrefix('AttensorNodeState', state).toBigInt(),
      previousStateHash,
      transactions: this.pending.splice(0),
    };
    for (const transaction of block.transactions) transaction.block = block;
    this.blocks.push(block);
    this.touched.clear();
    this.pendingSlot = undefined;
    this.tip = this.ledger.snapshot();
    this.history.record(
      block,
      (id) =>
        present(
          present(this.ledger.account(id), 'the account of an action').zkapp,
          'the account of an action',
        ).actionState[0],
    );
    return block;
  }

  /** What preconditions on the network are checked against: the last block, and the pending slot. */
  private networkState(slot: number) {
    const { height, ledgerHash } = this.lastBlock;
    const epoch = {
      ledger: {
        hash: this.blocks[0].ledgerHash.toString(),
        totalCurrency: this.totalCurrency.toString(),
      },
      seed: '0',
      startCheckpoint: '0',
      lockCheckpoint: '0',
      epochLength: '1',
    };
    return {
      snarkedLedgerHash: ledgerHash.toString(),
      blockchainLength: String(height),
      minWindowDensity: '0',
      totalCurrency: this.totalCurrency.toString(),
      globalSlotSinceGenesis: String(slot),
      stakingEpochData: epoch,
      nextEpochData: epoch,
    };
  }
}

function feePayerOf({ feePayer: { body } }: ZkappCommandJson) {
  return body;
}

/** Why the transaction logic would not even take the fee. */
function rejected(error: unknown): AttensorError {
  const message = error instanceof Error ? error.message : String(error);
  if (message.includes('Check signature')) {
    return new AttensorError({
      code: 'INVALID_SIGNATURE',
      what: 'a signature of the zkApp command does not verify',
      got: message.replace(/^.*?Check signature: /s, '').replace(/"\)?$/, ''),
      hint: 'call `transaction.sign([...])` with the keys of all accounts that must sign, after the last change',
    });
  }
  const reason = /\[\["?([A-Za-z_]+)/.exec(message)?.[1];
  return new AttensorError({
    code: 'BAD_TRANSACTION',
    what: 'the fee could not be taken',
    got: reason ?? message,
  });
}
