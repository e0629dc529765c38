/** What was submitted to the contract: read from an archive, linked to the account's action states, and kept for the next time. */
import {
  fetchQueueBlocks,
  walkQueue,
  type BlockWindow,
  type LinkedUpdate,
} from '@attensor/contracts';
import { AttensorError } from '@attensor/core';
import type { Source } from '../link.js';
import type { LedgerView } from './ledger-view.js';
import type { Memory } from './checkpoint.js';

/** Everything but `fields` is the archive's word. */
export interface Submission {
  /** as they were dispatched */
  fields: string[];
  /** of its block; undefined where the chain may have taken that back, and the archive tells of no other */
  height?: number;
  /** milliseconds since 1970 */
  time: number;
  slot?: number;
  transaction?: string;
}

export interface Submissions {
  /** oldest first, up to the account's action state */
  list: Submission[];
  /** was the last one told by an earlier reading? */
  lastWasKept: boolean;
  /** Keeps them for the next reading: to be called where they led to the ledger. */
  keep: () => Promise<void>;
  /** Forgets what was kept: where the last one's slot, which was kept, did not lead there. */
  forget: () => Promise<void>;
}

/** What archives answer about, where they refused more; for the worker's life. */
const ranges = new Map<string, number>();

/** @throws ARCHIVE_UNAVAILABLE, BAD_ANSWER, ARCHIVE_MISMATCH */
export async function readSubmissions(
  source: Source,
  { account, block }: LedgerView,
  memory: Memory,
): Promise<Submissions> {
  const { archive, address } = source;
  const known = await memory.load(source);
  const { updates, behind, ...walk } = await walkQueue(
    {
      name: archive,
      height: block.height,
      fetch: (range = { from: 1, to: block.height + 1 }) => blocksOf(archive, address, range),
    },
    { states: account.actionState ?? [], known, blockRange: ranges.get(archive) },
  );
  ranges.set(archive, walk.blockRange);
  if (behind) {
    throw new AttensorError({
      code: 'ARCHIVE_MISMATCH',
      what: 'the archive does not have the latest submissions yet',
      where: archive,
      hint: 'Read again in some minutes, or choose another archive',
    });
  }
  return {
    list: updates.flatMap((update) => submissionsOf(update, walk.unconfirmed)),
    lastWasKept: updates.length > 0 && updates.length === walk.known,
    keep: () => memory.save(source, block.height, updates),
    forget: () => memory.forget(source),
  };
}

async function blocksOf(archive: string, address: string, range: BlockWindow) {
  try {
    return await fetchQueueBlocks({ url: archive }, address, range);
  } catch (error) {
    if (!(error instanceof AttensorError) || error.code !== 'NODE_UNAVAILABLE') throw error;
    throw new AttensorError({
      ...error.toJSON(),
      code: 'ARCHIVE_UNAVAILABLE',
      what: 'the archive does not answer',
      hint: 'Try again later, or choose another archive',
    });
  }
}

const submissionsOf = (update: LinkedUpdate, unconfirmed: ReadonlySet<string>): Submission[] => {
  const { actions, actionState, blockHeight, time, slot, transactionHash } = update;
  return actions.map((fields) => ({
    fields,
    height: unconfirmed.has(actionState) ? undefined : blockHeight,
    time: time ?? 0,
    slot,
    transaction: transactionHash,
  }));
};
