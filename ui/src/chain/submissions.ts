/** What was submitted to the contract, as an archive tells it; `read-chain.ts` checks the list against the account. */
import { AttensorError } from '@attensor/core';
import { EMPTY_ACTION_STATE } from '@attensor/contracts';
import { z } from 'zod';
import { ask } from './graphql.js';

const digits = z.string().regex(/^\d{1,78}$/, 'a number in decimal');

export const submissionSchema = z.strictObject({
  /** as they were dispatched; everything else is the archive's word */
  fields: z.array(digits).max(1024),
  height: z.number().int().nonnegative(),
  /** milliseconds since 1970 */
  time: z.number(),
  slot: z.number().int().nonnegative().optional(),
  transaction: z.string().max(200).optional(),
});
export type Submission = z.infer<typeof submissionSchema>;

const answerSchema = z.object({
  actions: z
    .array(
      z.object({
        blockInfo: z.object({
          height: z.number().int().nonnegative(),
          timestamp: z.string(),
          globalSlotSinceGenesis: z.number().int().nonnegative().nullish(),
          chainStatus: z.string(),
        }),
        /** one: after the block; two: before it */
        actionState: z.object({ actionStateTwo: digits.nullish() }).nullish(),
        actionData: z.array(
          z.object({
            data: z.array(digits),
            transactionInfo: z.object({ hash: z.string(), status: z.string() }).nullish(),
          }),
        ),
      }),
    )
    .nullable(),
});

const QUERY = `query ($input: ActionFilterOptionsInput!) {
  actions(input: $input) {
    blockInfo { height timestamp globalSlotSinceGenesis chainStatus }
    actionState { actionStateTwo }
    actionData { data transactionInfo { hash status } }
  }
}`;

/** What public archives search for one question; see `narrower` for those that search less. */
const WINDOW = 10_000;
/** An archive may be as many blocks ahead of the node. */
const AHEAD = 100;

/** What an archive answers about, where it refused more. */
const sizes = new Map<string, number>();

interface Window {
  submissions: Submission[];
  /** the account's action state before them, as the archive tells */
  before?: string;
}

export interface Reading {
  archive: string;
  address: string;
  /** height of the node's block */
  tip: number;
  /** read from this height on only: what came before is known */
  from?: number;
}

/**
 * All submissions from a height on, oldest first. Archives answer about a range of blocks at most, so they are asked for one window
 * after the other, the newest first, until the contract's first action.
 *
 * @throws ARCHIVE_UNAVAILABLE, BAD_ANSWER
 */
export async function fetchSubmissions({
  archive,
  address,
  tip,
  from = 0,
}: Reading): Promise<Submission[]> {
  const windows: Submission[][] = [];
  let size = sizes.get(archive) ?? WINDOW;
  let to = tip + AHEAD;
  while (to > from) {
    const start = Math.max(from, to - size);
    let window: Window;
    try {
      window = await fetchWindow(archive, address, start, to);
    } catch (error) {
      // whatever it was, it was not the window
      if (size < 32) sizes.delete(archive);
      size = narrower(size, error);
      sizes.set(archive, size);
      continue;
    }
    windows.unshift(window.submissions);
    // an untrue word of the archive makes the list too short, which the account's hash shows
    if (window.before === EMPTY_ACTION_STATE.toString()) break;
    to = start;
  }
  return windows.flat();
}

/** Half the window, for an archive that refuses the whole; no archive refuses so few blocks as the last one. */
function narrower(size: number, error: unknown): number {
  if (!(error instanceof AttensorError)) throw error;
  if (error.code === 'BAD_ANSWER' && size >= 32) return Math.floor(size / 2);
  if (error.code !== 'NODE_UNAVAILABLE') throw error;
  throw new AttensorError({
    ...error.toJSON(),
    code: 'ARCHIVE_UNAVAILABLE',
    what: 'the archive does not answer',
    hint: 'Try again later, or choose another archive',
  });
}

/** Of blocks from `from` to the one before `to`. */
async function fetchWindow(
  archive: string,
  address: string,
  from: number,
  to: number,
): Promise<Window> {
  const { actions } = await ask(archive, QUERY, { input: { address, from, to } }, answerSchema);
  const blocks = (actions ?? [])
    .filter(({ blockInfo }) => blockInfo.chainStatus !== 'orphaned')
    .filter(({ blockInfo: { height } }) => from <= height && height < to)
    .sort((a, b) => a.blockInfo.height - b.blockInfo.height);
  return {
    submissions: blocks.flatMap(({ blockInfo, actionData }) =>
      actionData.map(({ data, transactionInfo }) => ({
        fields: data,
        height: blockInfo.height,
        time: Number(blockInfo.timestamp),
        slot: blockInfo.globalSlotSinceGenesis ?? undefined,
        transaction: transactionInfo?.hash,
      })),
    ),
    before: blocks[0]?.actionState?.actionStateTwo ?? undefined,
  };
}
