/**
 * What a network's clients and the local node need of o1js that its public interface does not offer: transaction hashes, base58 encodings of hashes, and the records inside its ledger.
 *
 * **Note**: o1js runs the daemon's own transaction logic, compiled to JavaScript. Its ledger applies
 * zkApp commands only; payments and delegations are applied to the same records by `ledger.ts`. The
 * layout of a record is checked when a ledger is made, so another version of o1js fails at the start
 * with UNSUPPORTED_O1JS and not with a wrong balance.
 */
import { type Field, initializeBindings } from 'o1js';
import { AttensorError } from '../errors.js';
import { internalModule as module } from './modules.js';

export interface FieldEncoding {
  toBase58(field: Field): string;
  fromBase58(base58: string): Field;
}

export interface Internals {
  /** Hash of a zkApp command: what clients look for in blocks. */
  hashZkappCommand(json: string): string;
  memoToBase58(memo: string): string;
  /** @throws when a command costs more than the network allows */
  verifyTransactionLimits(transaction: unknown): void;
  LedgerHash: FieldEncoding;
  StateHash: FieldEncoding;
  EpochSeed: FieldEncoding;
  ReceiptChainHash: FieldEncoding;
}

/** `[0, x, isOdd]`, fields as `[0, bigint]`: values as OCaml keeps them. */
type MlField = [0, bigint];
type MlKey = [0, MlField, 0 | 1];

/** `[0, key, token, symbol, balance, nonce, receipt, delegate, votingFor, timing, permissions, zkapp]` */
export type MlAccount = [
  0,
  MlKey,
  MlField,
  unknown,
  unknown,
  { constructor: new (value: number) => unknown; value: number },
  MlField,
  0 | [0, MlKey],
  MlField,
  unknown,
  unknown,
  unknown,
];

/** A balanced tree keyed by location: empty, `[0, key, value]`, `[1, left, key, value, right, height]`. */
export type MlTree = 0 | [0, number, MlAccount] | [1, MlTree, number, MlAccount, MlTree, number];

/** `[0, next location, accounts, locations]`; never changed in place, so keeping one is a snapshot. */
export type LedgerState = [0, number, [0, unknown, MlTree, number], unknown];

export interface MlLedger {
  value: [0, LedgerState];
}

let loaded: Promise<Internals> | undefined;

/** @throws AttensorError when this o1js has them elsewhere */
export function internals(): Promise<Internals> {
  return (loaded ??= load().catch((error: unknown) => {
    throw new AttensorError({
      code: 'UNSUPPORTED_O1JS',
      what: 'a module of o1js is not where it is expected',
      got: error instanceof Error ? error.message : String(error),
      hint: 'install the version of o1js that core/package.json names',
    });
  }));
}

/** The hash by which a network knows a zkApp command. @param json as `transaction.toJSON()` gives it */
export async function hashZkappCommand(json: string): Promise<string> {
  return (await internals()).hashZkappCommand(json);
}

async function load(): Promise<Internals> {
  await initializeBindings();
  const { Test } = await module<{
    Test(): Promise<{
      transactionHash: { hashZkAppCommand(json: string): string };
      encoding: { memoToBase58(memo: string): string };
    }>;
  }>('bindings.js');
  const encodings = await module<
    Pick<Internals, 'LedgerHash' | 'StateHash' | 'EpochSeed' | 'ReceiptChainHash'>
  >('lib/mina/v1/base58-encodings.js');
  const { verifyTransactionLimits } = await module<Pick<Internals, 'verifyTransactionLimits'>>(
    'lib/mina/v1/transaction-validation.js',
  );
  const { transactionHash, encoding } = await Test();
  const { LedgerHash, StateHash, EpochSeed, ReceiptChainHash } = encodings;
  return {
    hashZkappCommand: (json) => transactionHash.hashZkAppCommand(json),
    memoToBase58: (memo) => encoding.memoToBase58(memo),
    verifyTransactionLimits,
    LedgerHash,
    StateHash,
    EpochSeed,
    ReceiptChainHash,
  };
}
