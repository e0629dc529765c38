/**
 * The chain of one node: accepted transactions, blocks, and what the ledger was at the last block.
 *
 * A transaction is checked, applied to the pending ledger, written to the log and only then
 * acknowledged; the next block seals what is pending. Queries see the ledger of the last block, as on
 * a real network. Everything that changes something runs one after the other.
 */
import { Field, Poseidon } from 'o1js';
import { accountHash, type AccountJson, type PathElement } from '@attensor/contracts/ledger';
import { type FeePayer, rejected, requirePayable } from './admission.js';
import type { DataDir, Genesis } from './data-dir.js';
import { entrySchema, MAX_SLOT } from './entries.js';
import { History } from './history.js';
import { AttensorError, present } from '@attensor/core';
import { checked } from '@attensor/core/files';
import { internals, type Internals, type LedgerState } from '@attensor/core/o1js';
import { type AccountId, DEFAULT_TOKEN, type Failures, Ledger } from './ledger.js';
import { Log, LogWriteError, type OpenedLog } from './log.js';
import { LedgerTree } from './merkle.js';
import { applySigned, checkSigned, hashSigned, type SignedCommand } from './signed-command.js';
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
  static async open(
    { genesis, logPath }: Pick<DataDir, 'genesis' | 'logPath'>,
    options: { acceptLoss?: boolean } = {},
  ): Promise<{ chain: Chain } & Pick<OpenedLog, 'cut' | 'copy'>> {
    const modules = await internals();
    const { log, entries, cut, copy } = await Log.open(logPath, options);
    const chain = new Chain(genesis, new Ledger(), modules, log);
    try {
      for (const { publicKey, balance } of genesis.accounts) {
        chain.ledger.addAccount(publicKey, BigInt(balance));
        chain.touch({ publicKey, tokenId: DEFAULT_TOKEN });
      }
      const { ledgerHash } = chain.updateTree();
      chain.seal({ slot: 0, time: genesis.timestamp, ledgerHash });
      for (const [index, entry] of entries.entries())
        chain.replay(entry, `${logPath}:${index + 1}`);
    } catch (error) {
      await log.close();
      throw error;
    }
    return { chain, cut, copy };
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

  /** Of all accounts, in the order of their creation; as of the last block. */
  accountIds(): AccountId[] {
    return this.ledger.at(this.tip, () => this.ledger.ids());
  }

  /** The account whose token it is, if there is an account that has this token. */
  tokenOwner(tokenId: string): AccountId | undefined {
    return this.ledger.at(this.tip, () => this.ledger.tokenOwner(tokenId));
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
      const before = this.ledger.snapshot();
      const transaction = this.applyZkapp(command.json, command.hash, slot);
      const undo = () => this.ledger.restore(before);
      await this.write({ type: 'zkapp', slot, command: command.json }, undo);
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
      const amount = command.kind === 'payment' ? BigInt(command.amount) : 0n;
      this.checkFeePayer({ publicKey, fee, nonce, validUntil }, amount);
      const slot = this.slotOfPending();
      const before = this.ledger.snapshot();
      const transaction = this.applySigned(command, hash, slot);
      await this.write({ type: 'signed', slot, command }, () => this.ledger.restore(before));
      this.accept(transaction, slot);
      return transaction;
    });
  }

  /** Seals what is pending, be it nothing. */
  makeBlock(): Promise<Block> {
    return this.exclusively(async () => {
      // a clock that is set back does not make blocks older than the one before them
      const [slot, time] = [this.slotOfPending(), Math.max(Date.now(), this.lastBlock.time)];
      const { ledgerHash, undo } = this.updateTree();
      await this.write({ type: 'block', slot, time, ledgerHash: ledgerHash.toString() }, undo);
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

  /**
   * @param undo makes the chain what it was before the entry
   * @throws AttensorError LOG_WRITE_FAILED. If nobody knows what is on disk, nothing more is accepted
   */
  private async write(entry: object, undo: () => void): Promise<void> {
    try {
      await this.log.append(entry);
    } catch (error) {
      undo();
      if (error instanceof LogWriteError && !error.usable) this.broken = error;
      throw error;
    }
  }

  /** @throws AttensorError BAD_DATA_DIR when the entry is not what this node would have written */
  private replay(value: unknown, where: string): void {
    const hint = 'run the version that wrote it, or start with an empty --data folder';
    const entry = checked(value, { schema: entrySchema, code: 'BAD_DATA_DIR', hint, where });
    if (entry.type === 'block') {
      const { ledgerHash } = this.updateTree();
      const { slot, time } = entry;
      if (ledgerHash.toString() === entry.ledgerHash && slot > this.lastBlock.slot) {
        this.seal({ slot, time, ledgerHash });
        return;
      }
      throw new AttensorError({
        code: 'BAD_DATA_DIR',
        what: 'replaying the log leads to a different ledger than when it was written',
        where,
        expected: `ledger hash ${entry.ledgerHash}, slot above ${this.lastBlock.slot}`,
        got: `${ledgerHash}, slot ${slot}`,
        hint,
      });
    }
    try {
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
    } catch (error) {
      throw new AttensorError({
        code: 'BAD_DATA_DIR',
        what: 'the transaction log has an entry that cannot be applied again',
        where,
        got: error instanceof Error ? error.message : String(error),
        hint,
        cause: error,
      });
    }
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

  private checkFeePayer(payer: FeePayer, amount = 0n): void {
    const account = this.ledger.account({ publicKey: payer.publicKey, tokenId: DEFAULT_TOKEN });
    requirePayable(payer, account, { slot: this.slotOfPending(), amount });
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
    const slot = Math.max(now, this.lastBlock.slot + 1);
    if (slot <= MAX_SLOT) return slot;
    throw new AttensorError({
      code: 'BAD_CLOCK',
      what: "the machine's clock is too far ahead: the chain has no slot for this time",
      expected: `a time before ${new Date(timestamp + MAX_SLOT * slotMilliseconds).toISOString()}`,
      got: new Date().toISOString(),
      hint: 'set the clock',
    });
  }

  /** Takes what is pending into the tree. */
  private updateTree(): { ledgerHash: bigint; undo: () => void } {
    const leaves = new Map<number, bigint>();
    for (const id of this.touched.values()) {
      const [index, account] = [this.ledger.location(id), this.ledger.account(id)];
      // a failed transaction may name an account that it did not create
      if (index !== undefined && account !== undefined) leaves.set(index, accountHash(account));
    }
    const undo = this.tree.set(leaves);
    return { ledgerHash: this.tree.root, undo };
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
