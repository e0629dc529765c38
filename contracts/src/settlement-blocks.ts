/**
 * In which blocks the record took submissions in. The ledger does not keep that: an archive tells it, and it is never proved.
 *
 * It is read from the events of `settle`. Anyone may put events beside the contract's own, so only those count that came with a proof
 * under the contract's key, and whose record is one that the history, which the ledger vouches for, leads to. What is left to the
 * archive's word is the block. Where several archives are known, all are asked, and the latest block that one names counts.
 */
import { AttensorError } from '@attensor/core';
import { Field, PublicKey } from 'o1js';
import { z } from 'zod';
import { AttestationContract } from './attestation-contract.js';
import { activeConnection, endpointList } from './endpoints.js';
import { type AskOptions, askNode, badAnswer, type Endpoint } from './graphql.js';
import type { AttestationHistory } from './history.js';
import {
  BLOCK_RANGE,
  FINALITY,
  LAST_INT,
  MAX_BLIND_WINDOWS,
  MIN_BLOCK_RANGE,
} from './queue-walk.js';
import type { Reading, ReadOptions } from './read.js';
import { plain, RecordState } from './settlement/statement.js';

/** Where an attestation went into the record, as archives tell. */
export interface SettledIn {
  blockHeight: number;
  transactionHash: string;
  /** Blocks on top of it; 0 in the last one. At least so many, where an archive does not tell of all settlements. */
  depth: number;
}

/** A settlement, as one archive tells. */
interface SettlementBlock {
  /** Submissions in the record after it. */
  count: number;
  blockHeight: number;
  transactionHash: string;
}

const TIMEOUT_MS = 30_000;
const digits = z.string().regex(/^\d{1,78}$/, 'a number in decimal');
const blockSchema = z.object({
  blockInfo: z.object({ height: z.number().int().nonnegative(), chainStatus: z.string() }),
  eventData: z.array(
    z.object({
      data: z.array(digits),
      transactionInfo: z.object({
        status: z.string(),
        hash: z.string().max(100),
        authorizationKind: z.string(),
      }),
    }),
  ),
});
// each block on its own: one in another form is passed over
const answerSchema = z.object({ events: z.array(z.unknown()).nullable() });

const QUERY = `query ($input: EventFilterOptionsInput!) {
  events(input: $input) {
    blockInfo { height chainStatus }
    eventData { data transactionInfo { status hash authorizationKind } }
  }
}`;

/** An event begins with the place of its name among all names of the contract. */
const SETTLE = Object.keys(new AttestationContract(PublicKey.empty()).events)
  .sort()
  .indexOf('settle');

/**
 * Where submissions went into the record, by their position.
 *
 * @returns nothing for those of which no archive tells, and on a chain without blocks
 * @throws what the first archive did if none answers: NODE_UNAVAILABLE, BAD_ANSWER
 */
export async function readSettledIn(
  address: PublicKey,
  { contract, history, attestations, blockRange }: Reading,
  {
    only,
    ...options
  }: ReadOptions & {
    /** Position of the submission that is asked for; all that are settled if not given. */
    only?: number;
  } = {},
): Promise<ReadonlyMap<number, SettledIn>> {
  const { blockHeight: height } = contract;
  const { archive, signal } = options;
  const archives = archive === undefined ? activeConnection()?.archives : endpointList(archive);
  const [first, last] = only === undefined ? [0, history.state.count - 1] : [only, only];
  const settled = new Map<number, SettledIn>();
  if (height === undefined || archives === undefined) return settled;
  if (first > last || last >= history.state.count) return settled;

  // not before the submission, nor before an earlier one where that one's block is not known
  const before = attestations.slice(0, first + 1).flatMap(({ blockHeight }) => blockHeight ?? []);
  const from = Math.max(1, (before.at(-1) ?? 1) - FINALITY);
  const submittedAt = attestations.flatMap(({ blockHeight }) => blockHeight ?? []);
  const source = { address: address.toBase58(), history, from, height, last, submittedAt };
  const range = options.blockRange ?? blockRange;
  const told = await Promise.allSettled(
    archives.map((each) => settlementsOf(each, source, range, { signal })),
  );
  const answers = told.flatMap((each) => (each.status === 'fulfilled' ? [each.value] : []));
  signal?.throwIfAborted();
  const [failed] = told;
  if (answers.length === 0 && failed.status === 'rejected') throw failed.reason;
  for (let index = first; index <= last; index++) {
    const found = answers.flatMap(
      (settlements) => settlements.find(({ count }) => count > index) ?? [],
    );
    if (found.length === 0) continue;
    const { blockHeight, transactionHash } = found.reduce((a, b) =>
      b.blockHeight > a.blockHeight ? b : a,
    );
    settled.set(index, { blockHeight, transactionHash, depth: height - blockHeight });
  }
  return settled;
}

interface Searched {
  address: string;
  history: AttestationHistory;
  /** The first block that is asked for, and the chain's last one. */
  from: number;
  height: number;
  /** No block is asked for after a settlement of the submission at this position. */
  last: number;
  /** Blocks of submissions: each has an event. */
  submittedAt: readonly number[];
}

/**
 * The oldest first. An archive that cuts windows short without a word loses the newest events of each: where one is missing that must
 * be there, and the archive refuses no window, smaller ones are asked for.
 */
async function settlementsOf(
  archive: Endpoint,
  searched: Searched,
  blockRange = BLOCK_RANGE,
  options: AskOptions = {},
): Promise<SettlementBlock[]> {
  const { address, from, height, last, submittedAt } = searched;
  for (let range = blockRange; ;) {
    const { found, told, range: used } = await search(archive, searched, range, options);
    const settled = found.find(({ count }) => count > last);
    const seen = (at: number) => at < from || told.has(at) || at > Number(settled?.blockHeight);
    if (settled !== undefined && submittedAt.every(seen)) return found;
    range = Math.ceil(Math.min(used, height + 1 - from) / 2);
    const tooMany = (height + 1 - from) / range > MAX_BLIND_WINDOWS;
    if (range < MIN_BLOCK_RANGE || tooMany || (await refuses(archive, address, options)))
      return found;
  }
}

async function search(
  archive: Endpoint,
  { address, history, from, height, last }: Searched,
  blockRange: number,
  options: AskOptions,
): Promise<{ found: SettlementBlock[]; told: Set<number>; range: number }> {
  const found: SettlementBlock[] = [];
  /** Blocks with events of any kind. */
  const told = new Set<number>();
  let [start, range] = [from, blockRange];
  while (start <= height && !found.some(({ count }) => count > last)) {
    const window = { from: start, to: Math.min(height + 1, start + range) };
    try {
      const { settlements, heights } = await fetchEvents(archive, address, window, options);
      heights.forEach((at) => told.add(at));
      for (const { after, ...where } of settlements) {
        const inWindow = where.blockHeight >= window.from && where.blockHeight < window.to;
        if (inWindow && isOf(history, after))
          found.push({ count: Number(after.count.toBigInt()), ...where });
      }
    } catch (error) {
      const refused = error instanceof AttensorError && error.code === 'BAD_ANSWER';
      if (!refused || range <= MIN_BLOCK_RANGE) throw error;
      range = Math.ceil(range / 2);
      continue;
    }
    start = window.to;
  }
  return { found: found.sort((a, b) => a.blockHeight - b.blockHeight), told, range };
}

/** One that refuses too large a window cuts none. */
async function refuses(archive: Endpoint, address: string, options: AskOptions): Promise<boolean> {
  try {
    await fetchEvents(archive, address, { from: 1, to: LAST_INT }, options);
    return false;
  } catch (error) {
    if (error instanceof AttensorError && error.code === 'BAD_ANSWER') return true;
    throw error;
  }
}

/** Is it the record after some of the submissions that the ledger vouches for? */
function isOf(history: AttestationHistory, after: RecordState): boolean {
  const count = after.count.toBigInt();
  return (
    count <= BigInt(history.state.count) &&
    plain(history.recordState(Number(count))) === plain(after)
  );
}

interface Events {
  /** What applied updates that a proof authorised told of settlements. */
  settlements: { after: RecordState; blockHeight: number; transactionHash: string }[];
  /** Of all blocks with events. */
  heights: number[];
}

async function fetchEvents(
  archive: Endpoint,
  address: string,
  range: { from: number; to: number },
  options: AskOptions,
): Promise<Events> {
  const input = { address, ...range };
  const data = await askNode(archive, QUERY, { input }, { timeoutMs: TIMEOUT_MS, ...options });
  const answer = answerSchema.safeParse(data);
  if (!answer.success)
    throw badAnswer(archive, "the archive's answer is malformed", answer.error.issues[0].message);
  const blocks = (answer.data.events ?? []).flatMap((each) => {
    const { data: block } = blockSchema.safeParse(each);
    return block === undefined || block.blockInfo.chainStatus.toLowerCase() === 'orphaned'
      ? []
      : [block];
  });
  const size = 1 + RecordState.sizeInFields();
  const settlements = blocks.flatMap(({ blockInfo, eventData }) =>
    eventData
      .filter(
        ({ data: fields, transactionInfo: { status, authorizationKind } }) =>
          authorizationKind === 'Proof' &&
          status === 'applied' &&
          fields.length === size &&
          fields[0] === String(SETTLE),
      )
      .map(({ data: fields, transactionInfo: { hash } }) => ({
        after: new RecordState(RecordState.fromFields(fields.slice(1).map(Field))),
        blockHeight: blockInfo.height,
        transactionHash: hash,
      })),
  );
  return { settlements, heights: blocks.map(({ blockInfo }) => blockInfo.height) };
}
