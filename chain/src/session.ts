/**
 * One command's dealings with a network: from an alias to a transaction in a block.
 *
 * What a plan asks for is built, proved, signed, kept in the journal, sent and waited for. A plan that
 * an earlier run has sent already is taken up where that run was interrupted.
 */
import { AttensorError, present, shownUrl } from '@attensor/core';
import { defaultCacheDir } from '@attensor/core/files';
import { join } from 'node:path';
import { type Alias, inMina, type KeyPair, nanomina, readAlias, readKeyFile } from './alias.js';
import { checkpointFiles } from './checkpoint-files.js';
import { deliver, type Delivered, type Reporter } from './deliver.js';
import { ENDPOINTS_VARIABLE, type NetworkEndpoints, readEndpoints } from './endpoints.js';
import { Network, type Standing } from './network.js';
import type { Plan } from './plans.js';
import { requireSigned, sign, unsigned } from './signing.js';
import { Journal, type TransactionFile, type ZkappCommandJson } from './transaction-file.js';

export interface SessionOptions {
  /** Name of the deploy alias. */
  alias: string;
  /** Path of zkapp-cli's configuration. */
  config: string;
  /** Address of the contract; that of the alias's key if not given. */
  contract?: string;
  /** Where keys and unfinished transactions are kept. */
  cache?: string;
  /** MINA; that of the alias if not given. */
  fee?: string;
  nonce?: number;
  /** At most 32 bytes, public. */
  memo?: string;
  /** Public key; that of the alias if not given. */
  feePayer?: string;
  /** False: does not wait until a transaction is in a block. */
  wait?: boolean;
  /** Blocks on top of the transaction's own that are waited for. */
  confirmations?: number;
  /** File with the network's nodes and archives; `$ATTENSOR_ENDPOINTS` if not given, else those of the alias. */
  endpoints?: string;
}

interface Context {
  output: Reporter;
  signal?: AbortSignal;
}

/** What is reported of a transaction. */
export interface Executed {
  transaction: string;
  /** Absent with --no-wait. */
  block?: number;
  /** Blocks on top of that one, when it was seen last. */
  depth?: number;
  /** MINA */
  fee: string;
  nonce: number;
  /** True if an earlier run had sent it. */
  resumed: boolean;
}

export const MAX_MEMO_BYTES = 32;

export class ChainSession {
  private constructor(
    readonly alias: Alias,
    readonly network: Network,
    readonly cacheDir: string,
    private readonly options: SessionOptions,
    private readonly context: Context,
  ) {}

  /** Reads the alias and makes its network o1js's active one. @throws AttensorError */
  static async open(options: SessionOptions, context: Context): Promise<ChainSession> {
    const { output, signal } = context;
    const alias = await readAlias(options.config, options.alias);
    const { nodes, agree, archives } = await endpointsOf(alias, options.endpoints);
    const network = new Network(alias, (line) => output.log(line), signal, nodes);
    // fails before anything slow is loaded
    const { syncStatus } = await network.query('{ syncStatus }');
    if (syncStatus !== 'SYNCED')
      output.log(`${shownUrl(nodes[0].url)} is not synchronized: ${String(syncStatus)}`);
    const { connect } = await import('@attensor/contracts');
    const { networkId } = alias;
    const cacheDir = options.cache ?? defaultCacheDir();
    connect({
      networkId: networkId === 'testnet' ? 'devnet' : networkId,
      nodes,
      agree,
      archives,
      checkpoints: checkpointFiles(join(cacheDir, 'checkpoints'), alias.url),
    });
    return new ChainSession(alias, network, cacheDir, options, context);
  }

  /** The contract's address. */
  async address(): Promise<string> {
    return this.options.contract ?? (await this.contractKey()).publicKey;
  }

  async contractKey(): Promise<KeyPair> {
    return await this.key(this.alias.keyPath);
  }

  /** @throws AttensorError NOT_FOUND, BAD_FILE, INSECURE_FILE */
  async key(path: string): Promise<KeyPair> {
    const { alias, context } = this;
    const warn = (line: string) => context.output.log(line);
    return await readKeyFile(path, { networkId: alias.networkId, warn });
  }

  private async feePayer(): Promise<string> {
    return this.options.feePayer ?? (await this.key(this.alias.feePayerKeyPath)).publicKey;
  }

  get fee(): bigint {
    const { fee } = this.options;
    return fee === undefined ? this.alias.fee : nanomina(fee, '--fee');
  }

  /**
   * Makes it so.
   *
   * @param keys those that sign besides the fee payer
   * @throws AttensorError
   */
  async execute(plan: Plan, keys: KeyPair[] = []): Promise<Executed> {
    const { output } = this.context;
    const payer = await this.key(this.alias.feePayerKeyPath);
    const journal = await Journal.open(this.cacheDir, [this.alias.url, ...plan.task]);
    const earlier = await journal.read();
    let file = earlier;
    const replaces = earlier && this.options.fee !== undefined && (await this.replaces(earlier));
    if (earlier === undefined || replaces) {
      const nonce = replaces ? nonceOf(earlier) : undefined;
      const signed = sign(await this.build(plan, nonce), [payer, ...keys]);
      requireSigned(signed, plan.about);
      file = await withHash(signed);
      if (earlier !== undefined) {
        file = { ...file, replaces: [earlier.hash, ...(earlier.replaces ?? [])] };
        output.log(`replacing transaction ${earlier.hash}, which an earlier run signed`);
      }
      await journal.write(file);
    } else {
      output.log(`resuming transaction ${earlier.hash}, which an earlier run signed`);
    }
    const sealed = present(file, 'the transaction');
    const delivered = await this.deliver(sealed, journal, replaces ? earlier : undefined);
    return { ...report(sealed, delivered), resumed: earlier !== undefined && !replaces };
  }

  /** Whether the fee that is asked for takes the place of that of a transaction on its way. */
  private async replaces(earlier: TransactionFile & { hash: string }): Promise<boolean> {
    if (BigInt(feeOf(earlier)) === this.fee) return false;
    const { state } = await this.network.standing(earlier.hash);
    return replacement(feeOf(earlier), this.fee, state, earlier.hash);
  }

  private async deliver(
    file: TransactionFile & { hash: string },
    journal: Journal,
    replaced?: TransactionFile,
  ): Promise<Delivered> {
    const { output, signal } = this.context;
    const { wait = true, confirmations } = this.options;
    try {
      const delivered = await deliver(this.network, file, {
        wait,
        confirmations,
        output,
        signal,
      });
      // while nobody has seen it in a block it may still be lost
      if (delivered.block !== undefined) await journal.remove();
      return delivered;
    } catch (error) {
      const over = ['TRANSACTION_FAILED', 'NONCE_USED', 'REJECTED'];
      // what it was to replace is still on its way
      if (error instanceof AttensorError && error.code === 'REJECTED' && replaced !== undefined) {
        await journal.write(replaced);
        throw error;
      }
      if (error instanceof AttensorError && over.includes(error.code)) await journal.remove();
      throw error;
    }
  }

  /** Builds and proves; signatures are still missing. @throws AttensorError */
  async build(plan: Plan, givenNonce?: number): Promise<TransactionFile> {
    const { output } = this.context;
    const { memo } = this.options;
    const feePayer = await this.feePayer();
    const payerNonce = await this.requirePayer(feePayer);
    const nonce = givenNonce ?? payerNonce;
    const bar = output.progress(plan.task[0]);
    try {
      const { Mina, PublicKey, UInt64 } = await import('o1js');
      const { compileContract } = await import('./plans.js');
      bar.update(0.05, 'compiling the contract, or loading its keys');
      await compileContract(this.cacheDir);
      await plan.prepare?.((fraction, stage) => bar.update(0.1 + 0.3 * fraction, stage));
      bar.update(0.4, 'building the transaction');
      const sender = PublicKey.fromBase58(feePayer);
      const transaction = await Mina.transaction(
        { sender, fee: UInt64.from(this.fee), nonce, memo },
        () => plan.run(sender),
      );
      bar.update(0.5, 'proving the transaction');
      await transaction.prove();
      const command = unsigned(JSON.parse(transaction.toJSON()) as ZkappCommandJson);
      return {
        format: 'attensor-transaction',
        version: 1,
        about: plan.about,
        networkId: this.alias.networkId,
        signers: [...new Set([feePayer, ...plan.signers])],
        kind: 'zkapp',
        memo: memo ?? '',
        command,
      };
    } finally {
      bar.close();
    }
  }

  /** A transfer between accounts, unsigned. */
  async buildTransfer(
    kind: 'payment' | 'delegation',
    to: string,
    amount?: bigint,
  ): Promise<TransactionFile> {
    const from = await this.feePayer();
    const nonce = await this.requirePayer(from, amount);
    const common = {
      format: 'attensor-transaction' as const,
      version: 1 as const,
      networkId: this.alias.networkId,
      signers: [from],
    };
    const memo = this.options.memo ?? '';
    const command = { from, to, fee: this.fee.toString(), nonce: String(nonce), memo };
    // mina-signer's own default, which is part of what is signed
    const validUntil = '4294967295';
    return kind === 'payment'
      ? {
          ...common,
          kind,
          about: `pay ${inMina(present(amount, 'the amount of a payment'))} MINA to ${to}`,
          command: {
            ...command,
            validUntil,
            amount: present(amount, 'the amount of a payment').toString(),
          },
        }
      : { ...common, kind, about: `delegate to ${to}`, command: { ...command, validUntil } };
  }

  /** @returns the nonce to use. @throws AttensorError UNKNOWN_ACCOUNT, INSUFFICIENT_FUNDS */
  private async requirePayer(publicKey: string, amount = 0n): Promise<number> {
    const { name, network } = this.alias;
    const payer = await this.network.payer(publicKey);
    if (payer === undefined) {
      throw new AttensorError({
        code: 'UNKNOWN_ACCOUNT',
        what: `the fee payer of alias ${name} has no account on ${network}`,
        where: publicKey,
        hint: 'send it some MINA; on a test network, a faucet gives some',
      });
    }
    const needed = this.fee + amount;
    if (payer.balance < needed) {
      throw new AttensorError({
        code: 'INSUFFICIENT_FUNDS',
        what: "the fee payer's balance is too low",
        where: publicKey,
        expected: `at least ${inMina(needed)} MINA`,
        got: `${inMina(payer.balance)} MINA`,
        hint: 'send it some MINA',
      });
    }
    return this.options.nonce ?? payer.nonce;
  }
}

/**
 * Whether a transaction with another fee takes the place of one that was sent: the network takes it
 * only with the same nonce and a larger fee, while the first is in no block.
 *
 * @param earlier the fee of the one that was sent, in nanomina
 * @throws AttensorError USAGE for a smaller fee
 */
export function replacement(
  earlier: string,
  fee: bigint,
  state: Standing['state'],
  hash: string,
): boolean {
  if (state === 'included' || fee === BigInt(earlier)) return false;
  if (fee > BigInt(earlier)) return true;
  throw new AttensorError({
    code: 'USAGE',
    what: 'an earlier run sent this transaction with a larger fee, which a smaller one cannot replace',
    where: hash,
    expected: `a fee above ${inMina(earlier)} MINA`,
    got: `${inMina(fee)} MINA`,
    hint: 'omit --fee to continue with the earlier one',
  });
}

function feeOf(file: TransactionFile): string {
  return file.kind === 'zkapp' ? file.command.feePayer.body.fee : file.command.fee;
}

function nonceOf(file: TransactionFile): number {
  return Number(file.kind === 'zkapp' ? file.command.feePayer.body.nonce : file.command.nonce);
}

/**
 * Where a network's nodes and archives are.
 *
 * @param path of a file that says so; `$ATTENSOR_ENDPOINTS` if not given, and without that the alias says it
 */
export async function endpointsOf(
  { url, archive }: Pick<Alias, 'url' | 'archive'>,
  path = process.env[ENDPOINTS_VARIABLE],
): Promise<NetworkEndpoints> {
  if (path !== undefined && path !== '') return await readEndpoints(path);
  return { nodes: [{ url }], archives: [{ url: archive }] };
}

/** Seals a signed transaction: from here on it is known by its hash. */
export async function withHash(file: TransactionFile): Promise<TransactionFile & { hash: string }> {
  if (file.kind === 'zkapp') {
    const { hashZkappCommand } = await import('@attensor/core/o1js');
    return { ...file, hash: await hashZkappCommand(JSON.stringify(file.command)) };
  }
  const { default: Client } = await import('mina-signer');
  const client = new Client({ network: file.networkId });
  const { signature, command } = file;
  if (signature === undefined) throw Error('withHash: the transaction is not signed');
  const options = { berkeley: true };
  const publicKey = command.from;
  const hash =
    file.kind === 'payment'
      ? client.hashPayment({ data: file.command, signature, publicKey }, options)
      : client.hashStakeDelegation({ data: file.command, signature, publicKey }, options);
  return { ...file, hash };
}

export function report(file: TransactionFile, { hash, block, depth }: Delivered) {
  const { fee, nonce } = file.kind === 'zkapp' ? file.command.feePayer.body : file.command;
  return { transaction: hash, block, depth, fee: inMina(fee), nonce: Number(nonce) };
}
