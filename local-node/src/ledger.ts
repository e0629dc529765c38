/**
 * Accounts, and what transactions do to them.
 *
 * zkApp commands are applied by the daemon's own logic inside o1js (`Ledger`). Payments and
 * delegations, which that ledger does not know, change its records here.
 */
import { Bool, Field, Ledger as O1jsLedger, PublicKey, TokenId } from 'o1js';
import type { AccountJson } from '@attensor/contracts/ledger';
import { AttensorError, present } from '@attensor/core';
import type { LedgerState, MlAccount, MlLedger, MlTree } from '@attensor/core/o1js';

export const DEFAULT_TOKEN = TokenId.toBase58(TokenId.default);
/** For ledgers that only show how a value is kept. */
const SOME_KEY = 'B62qiy32p8kAKnny8ZFwoMhYpBppM1DWVCqAPBYNcXnsAHhnfAAuXgg';

export interface AccountId {
  publicKey: string;
  /** base58 */
  tokenId: string;
}

/** A list of failures for the fee payer and one for each account update; all empty if it is applied. */
export type Failures = string[][];

export class Ledger {
  private readonly ledger = O1jsLedger.create();
  /** Location of an account, by its identity; entries of states that were abandoned are stale. */
  private readonly locations = new Map<string, number>();
  private indexed = 0;
  /** Tokens that accounts own: to derive one takes a hash. */
  private readonly tokens = new Map<string, string>();

  constructor() {
    checkLayout();
  }

  private get state(): LedgerState {
    return (this.ledger as unknown as MlLedger).value[1];
  }

  /** How the ledger is now; free, because a state is never changed in place. */
  snapshot(): LedgerState {
    return this.state;
  }

  restore(state: LedgerState): void {
    (this.ledger as unknown as MlLedger).value[1] = state;
    this.indexed = Math.min(this.indexed, this.size);
  }

  /** Runs `read` on an earlier state. */
  at<T>(state: LedgerState, read: () => T): T {
    const current = this.snapshot();
    this.restore(state);
    try {
      return read();
    } finally {
      this.restore(current);
    }
  }

  get size(): number {
    return this.state[1];
  }

  /** Creates an account of the default token. @param balance in nanomina */
  addAccount(publicKey: string, balance: bigint): void {
    this.ledger.addAccount(mlKey(publicKey), balance.toString());
  }

  account({ publicKey, tokenId }: AccountId): AccountJson | undefined {
    const token = TokenId.fromBase58(tokenId).toConstant().value[1];
    return this.ledger.getAccount(mlKey(publicKey), token);
  }

  /** The place of an account among all accounts, in the order of their creation. */
  location(id: AccountId): number | undefined {
    for (; this.indexed < this.size; this.indexed++) {
      this.locations.set(recordKey(this.record(this.indexed)), this.indexed);
    }
    const key = accountKey(id);
    const location = this.locations.get(key);
    const known = location !== undefined && location < this.size;
    return known && recordKey(this.record(location)) === key ? location : undefined;
  }

  /** Of all accounts, in the order of their creation. */
  ids(): AccountId[] {
    return Array.from({ length: this.size }, (_, location) => this.id(location));
  }

  /** The account whose token it is, if there is an account that has this token. */
  tokenOwner(tokenId: string): AccountId | undefined {
    const ids = this.ids();
    if (tokenId === DEFAULT_TOKEN || !ids.some((id) => id.tokenId === tokenId)) return undefined;
    return ids.find((id) => this.tokenOf(id) === tokenId);
  }

  private tokenOf(id: AccountId): string {
    const key = `${id.publicKey};${id.tokenId}`;
    let token = this.tokens.get(key);
    if (token === undefined) {
      const owner = [PublicKey.fromBase58(id.publicKey), TokenId.fromBase58(id.tokenId)] as const;
      token = TokenId.toBase58(TokenId.derive(...owner));
      this.tokens.set(key, token);
    }
    return token;
  }

  private id(location: number): AccountId {
    const [, [, [, x], isOdd], [, token]] = this.record(location);
    const publicKey = PublicKey.from({ x: Field(x), isOdd: Bool(Boolean(isOdd)) });
    return { publicKey: publicKey.toBase58(), tokenId: TokenId.toBase58(Field(token)) };
  }

  /**
   * Applies a zkApp command, after checking all its signatures (not its proofs).
   *
   * @param networkState what preconditions are checked against, as JSON
   * @returns what failed; if anything did, only the fee was taken
   * @throws Error when not even the fee can be taken; nothing has changed then
   */
  applyZkapp(json: string, accountCreationFee: bigint, networkState: string): Failures {
    const before = this.snapshot();
    try {
      this.ledger.applyJsonTransaction(json, accountCreationFee.toString(), networkState);
      return [];
    } catch (error) {
      const failures = failuresOf(error);
      if (failures !== undefined) return failures;
      this.restore(before);
      throw error;
    }
  }

  /** Changes the record of an account that exists. */
  update(id: AccountId, change: { balance?: bigint; nonce?: number; delegate?: string }): void {
    const location = present(this.location(id), 'the account');
    const record: MlAccount = [...this.record(location)];
    if (change.balance !== undefined) record[4] = balanceValue(change.balance);
    if (change.nonce !== undefined) record[5] = uint32Value(record, change.nonce);
    if (change.delegate !== undefined) record[7] = [0, mlKey(change.delegate)];
    const [tag, next, [mapTag, comparator, tree, length], locations] = this.state;
    const accounts: LedgerState[2] = [mapTag, comparator, replaced(tree, location, record), length];
    this.restore([tag, next, accounts, locations]);
  }

  private record(location: number): MlAccount {
    return found(this.state[2][2], location);
  }
}

function mlKey(publicKey: string) {
  const { x, isOdd } = PublicKey.fromBase58(publicKey);
  return [0, x.toConstant().value[1], isOdd.toBoolean() ? 1 : 0] as Parameters<
    O1jsLedger['addAccount']
  >[0];
}

export function accountKey({ publicKey, tokenId }: AccountId): string {
  const { x, isOdd } = PublicKey.fromBase58(publicKey);
  const token = TokenId.fromBase58(tokenId).toBigInt();
  return `${x.toBigInt()};${isOdd.toBoolean() ? 1 : 0};${token}`;
}

function recordKey([, [, [, x], isOdd], [, token]]: MlAccount): string {
  return `${x};${isOdd};${token}`;
}

function found(tree: MlTree, location: number): MlAccount {
  for (let at = tree; at !== 0;) {
    if (at[0] === 0) {
      if (at[1] === location) return at[2];
      break;
    }
    const [, left, key, value, right] = at;
    if (key === location) return value;
    at = location < key ? left : right;
  }
  throw Error(`Ledger: no account at location ${location}`);
}

/** The same tree with another account at a location; shares everything else. */
function replaced(tree: MlTree, location: number, record: MlAccount): MlTree {
  if (tree === 0) throw Error(`Ledger: no account at location ${location}`);
  if (tree[0] === 0) return [0, location, record];
  const [tag, left, key, value, right, height] = tree;
  if (key === location) return [tag, left, key, record, right, height];
  return location < key
    ? [tag, replaced(left, location, record), key, value, right, height]
    : [tag, left, key, value, replaced(right, location, record), height];
}

/** A balance as the ledger keeps it: taken from a ledger that has it. */
function balanceValue(balance: bigint): unknown {
  const scratch = O1jsLedger.create();
  scratch.addAccount(mlKey(SOME_KEY), balance.toString());
  return found((scratch as unknown as MlLedger).value[1][2][2], 0)[4];
}

function uint32Value(record: MlAccount, value: number): MlAccount[5] {
  return new record[5].constructor(value) as MlAccount[5];
}

/** The failures that the daemon's logic reports, `[[], [["Overflow"]], ...]`, or nothing else. */
function failuresOf(error: unknown): Failures | undefined {
  try {
    const parsed = JSON.parse((error as Error).message) as string[][][];
    return Array.isArray(parsed) ? parsed.map((each) => each.flat()) : undefined;
  } catch {
    return undefined;
  }
}

let layoutIsKnown = false;

/** @throws AttensorError when records are not laid out as `MlAccount` says */
function checkLayout(): void {
  if (layoutIsKnown) return;
  // said to be known, so that the ledger made here does not check itself
  layoutIsKnown = true;
  const id = { publicKey: SOME_KEY, tokenId: DEFAULT_TOKEN };
  const other = 'B62qnzbXmRNo9q32n4SNu2mpB8e7FYYLH8NmaX6oFCBYjjQ8SbD7uzV';
  const ledger = new Ledger();
  let read: unknown;
  try {
    ledger.addAccount(id.publicKey, 1n);
    ledger.update(id, { balance: 20_000_000_000n, nonce: 70_000, delegate: other });
    const { balance, nonce, delegate } = present(ledger.account(id), 'the account');
    read = { balance, nonce, delegate };
  } catch (error) {
    read = error instanceof Error ? error.message : error;
  }
  const expected = { balance: '20000000000', nonce: '70000', delegate: other };
  if (JSON.stringify(read) === JSON.stringify(expected)) return;
  layoutIsKnown = false;
  throw new AttensorError({
    code: 'UNSUPPORTED_O1JS',
    what: 'the ledger of this o1js lays out its records differently',
    expected: JSON.stringify(expected),
    got: JSON.stringify(read),
    hint: 'install the version of o1js that core/package.json names',
  });
}
