/** What an archive keeps: the events and actions of every account, block by block. */
import { createHash } from 'node:crypto';
import { Reducer } from 'o1js';
import type { Block, ChainTransaction, ZkappTransaction } from './chain.js';
import { AttensorError, present } from '@attensor/core';
import type { AccountId } from './ledger.js';

export interface Emission {
  transaction: ZkappTransaction;
  /** Position of the transaction in its block. */
  sequence: number;
  /** Equal account updates have one id, in whatever transactions. */
  accountUpdateId: number;
  /** Ids of all account updates of the transaction, in order: of equal ones several times. */
  accountUpdateIds: number[];
  authorization: 'Proof' | 'Signature' | 'None_given';
  data: string[];
}

export interface EmittedBlock {
  block: Block;
  emissions: Emission[];
}

/** The actions of one account in one block, and its action state around them. */
export type ActionBlock = EmittedBlock & { before: string; after: string };

/** Blocks, by height: from the first one to the one after the last. */
export interface BlockRange {
  from?: number;
  to?: number;
}

/** As many blocks does an archive search for one question, unless its host chose another number. */
export const DEFAULT_BLOCK_RANGE = 10_000;

export interface SearchLimits {
  /** Blocks at most. */
  size: number;
  /** Cuts what is too large at its upper end, without a word, as some archives do. */
  cuts?: boolean;
  /** Of the last block. */
  height: number;
}

/**
 * What an archive searches: without bounds its last blocks, with one of them as many from there on or up to there.
 *
 * @throws BAD_ARGUMENT if it is asked for more, and does not cut
 */
export function searched({ from, to }: BlockRange, limits: SearchLimits): BlockRange {
  const { size, cuts = false, height } = limits;
  if (from !== undefined && to !== undefined) {
    if (cuts && to >= from) return { from, to: Math.min(to, from + size) };
    if (to < from || to - from > size) {
      throw new AttensorError({
        code: 'BAD_ARGUMENT',
        what: 'the archive does not search this range of blocks',
        expected: `a block range of at most ${size}: to - from`,
        got: `from ${from} to ${to}`,
        hint: 'ask for one window after the other',
      });
    }
    return { from, to };
  }
  if (from !== undefined) return { from, to: from + size };
  return to === undefined ? { from: height - size } : { from: to - size, to };
}

export class History {
  private readonly events = new Map<string, EmittedBlock[]>();
  private readonly actions = new Map<string, ActionBlock[]>();
  /** Ids of account updates, by the hashes of their bodies. */
  private readonly ids = new Map<string, number>();

  /** @param actionState of an account, after the block */
  record(block: Block, actionState: (id: AccountId) => string): void {
    const withActions = new Map<string, AccountId>();
    for (const [sequence, transaction] of block.transactions.entries()) {
      if (!isApplied(transaction)) continue;
      const updates = transaction.command.accountUpdates;
      const accountUpdateIds = updates.map(({ body }) => this.idOf(body));
      for (const [index, { body, authorization }] of updates.entries()) {
        // a query for updates by their ids finds equal ones once
        if (accountUpdateIds.indexOf(accountUpdateIds[index]) < index) continue;
        const id = { publicKey: body.publicKey, tokenId: body.tokenId };
        const { isProved } = body.authorizationKind;
        const common = {
          transaction,
          sequence,
          accountUpdateId: accountUpdateIds[index],
          accountUpdateIds,
          authorization: isProved
            ? ('Proof' as const)
            : authorization.signature === null
              ? ('None_given' as const)
              : ('Signature' as const),
        };
        const emitted = (data: string[]) => ({ ...common, data });
        append(this.events, id, block, body.events.map(emitted));
        if (body.actions.length === 0) continue;
        withActions.set(key(id), id);
        append(this.actions, id, block, body.actions.map(emitted));
      }
    }
    for (const id of withActions.values()) {
      const entries = present(this.actions.get(key(id)), 'the actions of an account');
      const before = entries.at(-2)?.after ?? Reducer.initialActionState.toString();
      Object.assign(present(entries.at(-1), 'the last action'), { before, after: actionState(id) });
    }
  }

  /** As archives store them: each body once. */
  private idOf(body: object): number {
    const hash = createHash('sha256').update(JSON.stringify(body)).digest('base64');
    const id = this.ids.get(hash) ?? this.ids.size + 1;
    this.ids.set(hash, id);
    return id;
  }

  /** Oldest first. @param from first block @param to block after the last one */
  eventsOf(id: AccountId, { from, to }: BlockRange = {}): EmittedBlock[] {
    return (this.events.get(key(id)) ?? []).filter(within(from, to));
  }

  /**
   * Blocks of actions, oldest first, from the one that starts in an action state to the one that ends
   * in another.
   *
   * @throws AttensorError when no block starts or ends in the given state
   */
  actionsOf(
    id: AccountId,
    range: BlockRange & { fromState?: string; endState?: string } = {},
  ): ActionBlock[] {
    const all = this.actions.get(key(id)) ?? [];
    const initial = Reducer.initialActionState.toString();
    const { fromState = initial, endState } = range;
    if (endState === initial) return [];
    const states = [initial, ...all.map(({ after }) => after)];
    const [first, last] = [
      fromState,
      endState ?? present(states.at(-1), 'the last action state'),
    ].map((state) => {
      const position = states.indexOf(state);
      if (position >= 0) return position;
      throw new AttensorError({
        code: 'UNKNOWN_ACTION_STATE',
        what: 'no block begins or ends with this action state of the account',
        where: id.publicKey,
        got: state,
        hint: 'action states within a block are not kept; use one that the account had after a block',
      });
    });
    return all.slice(first, last).filter(within(range.from, range.to));
  }
}

function isApplied(transaction: ChainTransaction): transaction is ZkappTransaction {
  return transaction.kind === 'zkapp' && transaction.failures.length === 0;
}

function key({ publicKey, tokenId }: AccountId): string {
  return `${publicKey};${tokenId}`;
}

function append<T extends EmittedBlock>(
  map: Map<string, T[]>,
  id: AccountId,
  block: Block,
  emissions: Emission[],
): void {
  if (emissions.length === 0) return;
  const blocks = map.get(key(id)) ?? [];
  map.set(key(id), blocks);
  const last = blocks.at(-1);
  if (last?.block === block) last.emissions.push(...emissions);
  else blocks.push({ block, emissions } as T);
}

function within(from = 0, to = Infinity) {
  return ({ block: { height } }: EmittedBlock) => height >= from && height < to;
}
