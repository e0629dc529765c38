/**
 * The actions of an account as an archive tells them, a window of blocks at a time. o1js asks for the actions too, but neither for
 * the block nor for the transaction that each was dispatched in.
 */
import { z } from 'zod';
import { type AskOptions, askNode, badAnswer, type Endpoint } from './graphql.js';

/** Blocks: the first one, and the one after the last. Without a first one, the archive chooses how many. */
export interface BlockWindow {
  from?: number;
  to: number;
}

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
/** Account updates of one contract in a block: a network's limits allow far fewer. */
const MAX_UPDATES = 10_000;
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
 * @throws NODE_UNAVAILABLE, BAD_ANSWER, also where the archive refuses so many blocks
 */
export async function fetchQueueBlocks(
  archive: Endpoint,
  address: string,
  range: BlockWindow,
  options: AskOptions = {},
): Promise<QueueAnswer> {
  const input = { address, ...range };
  const data = await askNode(archive, QUERY, { input }, { timeoutMs: TIMEOUT_MS, ...options });
  const answer = answerSchema.safeParse(data);
  if (!answer.success)
    throw badAnswer(archive, "the archive's answer is malformed", answer.error.issues[0].message);
  const blocks = (answer.data.actions ?? []).map((each) => queueBlock(each));
  const read = blocks.filter((block) => block !== undefined);
  return { blocks: read, skipped: blocks.length - read.length };
}

type Emitted = z.infer<typeof blockSchema>['actionData'][number];

/**
 * The updates of a block in order. An archive stores equal account updates once. It tells of one only once for each transaction, and
 * as often as the transaction names its id, it was there.
 */
function queueBlock(value: unknown): QueueBlock | undefined {
  const parsed = blockSchema.safeParse(value);
  if (!parsed.success) return undefined;
  const { blockInfo, actionState, actionData } = parsed.data;
  const updates: QueueUpdate[] = [];
  for (const { info, actions } of transactionsOf(actionData)) {
    const named = info.zkappAccountUpdateIds;
    const unnamed = [...actions.keys()].filter((id) => !named.includes(id));
    for (const id of [...named, ...unnamed]) {
      const dispatched = actions.get(id);
      if (dispatched === undefined) continue;
      updates.push({
        actions: dispatched,
        blockHeight: blockInfo.height,
        transactionHash: info.hash,
        time: blockInfo.timestamp,
        slot: blockInfo.globalSlotSinceGenesis ?? undefined,
      });
      if (updates.length > MAX_UPDATES) return undefined;
    }
  }
  return {
    updates,
    before: actionState.actionStateTwo,
    after: actionState.actionStateOne,
    status: blockInfo.chainStatus,
  };
}

interface QueueTransaction {
  info: Emitted['transactionInfo'];
  /** By the account update that dispatched them. */
  actions: Map<string, string[][]>;
}

/** In the order of their block. */
function transactionsOf(actionData: readonly Emitted[]): QueueTransaction[] {
  const transactions = new Map<number, QueueTransaction>();
  for (const { accountUpdateId, data, transactionInfo: info } of actionData) {
    const transaction = transactions.get(info.sequenceNumber) ?? { info, actions: new Map() };
    transactions.set(info.sequenceNumber, transaction);
    const { actions } = transaction;
    actions.set(accountUpdateId, [...(actions.get(accountUpdateId) ?? []), data]);
  }
  return [...transactions.values()].sort((a, b) => a.info.sequenceNumber - b.info.sequenceNumber);
}
