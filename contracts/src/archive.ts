/**
 * The actions of an account as an archive tells them, a window of blocks at a time. o1js asks for the actions too, but neither for
 * the block nor for the transaction that each was dispatched in.
 */
import { z } from 'zod';
import { type AskOptions, askNode, badAnswer, type Endpoint } from './graphql.js';

/** All actions of one account update, and where it was: the latter is the archive's word. */
export interface QueueUpdate {
  /** Fields of each action, in decimal. */
  actions: string[][];
  blockHeight?: number;
  transactionHash?: string;
  /** Milliseconds since 1970. */
  time?: number;
  /** Since genesis. */
  slot?: number;
}

/** Updates of one block, in order, and the action states around them as the archive claims. */
export interface QueueBlock {
  updates: QueueUpdate[];
  before?: string;
  /** Where nothing is claimed: the likely state before. */
  guess?: string;
  after: string;
  status?: string;
}

export interface QueueAnswer {
  blocks: QueueBlock[];
  /** Blocks in a form that this version does not know. */
  skipped: number;
}

const TIMEOUT_MS = 30_000;
const digits = z.string().regex(/^\d{1,78}$/, 'a number in decimal');
const height = z.number().int().nonnegative();

const blockSchema = z.object({
  blockInfo: z.object({
    height,
    chainStatus: z.string(),
    timestamp: z.coerce.number().optional(),
    globalSlotSinceGenesis: height.nullish(),
  }),
  actionState: z.object({ actionStateOne: digits, actionStateTwo: digits }),
  actionData: z
    .array(
      z.object({
        accountUpdateId: z.coerce.string(),
        data: z.array(digits),
        transactionInfo: z.object({
          hash: z.string().max(100),
          sequenceNumber: z.number(),
          zkappAccountUpdateIds: z.array(z.coerce.string()),
        }),
      }),
    )
    .min(1),
});
// each block on its own: one in another form is skipped, not fatal
const answerSchema = z.object({ actions: z.array(z.unknown()).nullable() });

const QUERY = `query ($input: ActionFilterOptionsInput!) {
  actions(input: $input) {
    blockInfo { height chainStatus timestamp globalSlotSinceGenesis }
    actionState { actionStateOne actionStateTwo }
    actionData {
      accountUpdateId
      data
      transactionInfo { hash sequenceNumber zkappAccountUpdateIds }
    }
  }
}`;

/**
 * @param range blocks: the first one, and the one after the last
 * @throws NODE_UNAVAILABLE, BAD_ANSWER, also where the archive refuses so many blocks
 */
export async function fetchQueueBlocks(
  archive: Endpoint,
  address: string,
  range: { from: number; to: number },
  options: AskOptions = {},
): Promise<QueueAnswer> {
  const input = { address, ...range };
  const data = await askNode(archive, QUERY, { input }, { timeoutMs: TIMEOUT_MS, ...options });
  const answer = answerSchema.safeParse(data);
  if (!answer.success)
    throw badAnswer(archive, "the archive's answer is malformed", answer.error.issues[0].message);
  const parsed = (answer.data.actions ?? []).map((block) => blockSchema.safeParse(block));
  const blocks = parsed.flatMap(({ data: block }) =>
    block === undefined ? [] : [queueBlock(block)],
  );
  return { blocks, skipped: parsed.length - blocks.length };
}

function queueBlock({
  blockInfo,
  actionState,
  actionData,
}: z.infer<typeof blockSchema>): QueueBlock {
  const place = ({ accountUpdateId, transactionInfo: of }: (typeof actionData)[number]) => [
    of.sequenceNumber,
    of.zkappAccountUpdateIds.indexOf(accountUpdateId),
  ];
  const sorted = actionData
    .map((each) => ({ each, place: place(each) }))
    .sort((a, b) => a.place[0] - b.place[0] || a.place[1] - b.place[1]);
  const updates: QueueUpdate[] = [];
  let last: string | undefined;
  for (const { each } of sorted) {
    if (each.accountUpdateId === last) updates.at(-1)?.actions.push(each.data);
    else
      updates.push({
        actions: [each.data],
        blockHeight: blockInfo.height,
        transactionHash: each.transactionInfo.hash,
        time: blockInfo.timestamp,
        slot: blockInfo.globalSlotSinceGenesis ?? undefined,
      });
    last = each.accountUpdateId;
  }
  return {
    updates,
    before: actionState.actionStateTwo,
    after: actionState.actionStateOne,
    status: blockInfo.chainStatus,
  };
}
