/** Where the record took submissions in, as archives tell: what of that counts. */
import { afterAll, beforeAll, beforeEach, describe, expect, it } from '@jest/globals';
import { PrivateKey } from 'o1js';
import type { Reading } from './read.js';
import { readSettledIn } from './settlement-blocks.js';
import { RecordState } from './settlement/statement.js';
import { AnsweringNode } from './testing/answering-node.js';
import { attestations, historyOf } from './testing/histories.js';

const HEIGHT = 1000;
const address = PrivateKey.random().toPublicKey();
/** Five submissions, of which four are settled. */
const history = historyOf(attestations(5), 4);
const reading = {
  contract: { blockHeight: HEIGHT },
  history,
  attestations: history.attestations.map((each) => ({ ...each, blockHeight: 400 + each.index })),
  blockRange: 10_000,
} as unknown as Reading;

interface Told {
  height: number;
  /** Submissions in the record, or all fields of the event. */
  after: number | string[];
  authorizationKind?: string;
  status?: string;
  chainStatus?: string;
}

/** Events as an archive has them: the place of `settle` among the contract's events, then the record. */
const fieldsOf = (after: Told['after']) =>
  typeof after === 'number'
    ? ['3', ...RecordState.toFields(history.recordState(after)).map(String)]
    : after;

/** What `attest` told. */
const submissions: Told[] = history.attestations.map(({ index }) => ({
  height: 400 + index,
  after: ['0', '1', '2', '3', String(index), '5'],
}));

const eventOf = (each: Told) => ({
  blockInfo: { height: each.height, chainStatus: each.chainStatus ?? 'canonical' },
  eventData: [
    {
      data: fieldsOf(each.after),
      transactionInfo: {
        status: each.status ?? 'applied',
        hash: `tx ${each.height}`,
        authorizationKind: each.authorizationKind ?? 'Proof',
      },
    },
  ],
});

let archive: AnsweringNode;
let other: AnsweringNode;
/** Largest range that the archive answers. */
let largest: number;
/** Larger ones are cut, instead of being refused. */
let cuts: boolean;
const asked: { from: number; to: number }[] = [];

beforeAll(async () => {
  [archive, other] = [await AnsweringNode.start(), await AnsweringNode.start()];
});
afterAll(async () => {
  await archive.stop();
  await other.stop();
});
beforeEach(() => {
  largest = 10_000;
  cuts = false;
  asked.length = 0;
});

function tell(node: AnsweringNode, ...told: Told[]): void {
  node.answer = ({ variables }: { variables: Record<string, unknown> }) => {
    const { from, to } = variables.input as { from: number; to: number };
    asked.push({ from, to });
    if (to - from > largest && !cuts)
      return { errors: [{ message: 'the block range is too large' }] };
    const end = Math.min(to, from + largest);
    const events = [...told, ...submissions]
      .filter(({ height }) => height >= from && height < end)
      .map(eventOf);
    return { data: { events: events.reverse() } };
  };
}

async function depths(
  options: Parameters<typeof readSettledIn>[2] = {},
): Promise<Record<number, number>> {
  const settled = await readSettledIn(address, reading, { archive: archive.url, ...options });
  return Object.fromEntries([...settled].map(([index, { depth }]) => [index, depth]));
}

describe('the block of a settlement', () => {
  it("is that of the first one which took a submission in, not the submission's", async () => {
    tell(archive, { height: 500, after: 1 }, { height: 700, after: 4 });
    expect(await depths()).toEqual({ 0: 500, 1: 300, 2: 300, 3: 300 });
    expect(
      (await readSettledIn(address, reading, { archive: archive.url, only: 1 })).get(1),
    ).toEqual({ blockHeight: 700, transactionHash: 'tx 700', depth: 300 });
    // what is not settled is in none
    expect(await depths({ only: 4 })).toEqual({});
  });

  it('is later rather than earlier where an archive began anew', async () => {
    tell(archive, { height: 700, after: 4 });
    expect(await depths()).toEqual({ 0: 300, 1: 300, 2: 300, 3: 300 });
    tell(archive);
    expect(await depths()).toEqual({});
  });

  it('is looked for in windows, smaller where they are refused, and no further than needed', async () => {
    tell(archive, { height: 500, after: 1 }, { height: 700, after: 4 });
    largest = 100;
    expect(await depths({ blockRange: 150, only: 0 })).toEqual({ 0: 500 });
    expect(asked.every(({ from, to }) => from >= 110 && to <= 560 && to - from <= 150)).toBe(true);
    largest = 2;
    await expect(depths()).rejects.toMatchObject({ code: 'BAD_ANSWER' });
  });
});

describe('an archive that cuts windows short without a word', () => {
  const both: Told[] = [
    { height: 600, after: 1 },
    { height: 990, after: 4 },
  ];
  beforeEach(() => {
    cuts = true;
    largest = 60;
  });

  it('is asked for smaller ones until it tells of the settlement, and of all submissions', async () => {
    tell(archive, ...both);
    expect(await depths()).toEqual({ 0: 400, 1: 10, 2: 10, 3: 10 });
    expect(await depths({ only: 0 })).toEqual({ 0: 400 });
    // a later one would do for the first, but submissions are missing before it
    largest = 300;
    expect(await depths()).toEqual({ 0: 400, 1: 10, 2: 10, 3: 10 });
  });

  it('and knows of none is asked some hundred questions at most', async () => {
    tell(archive);
    expect(await depths()).toEqual({});
    expect(asked.length).toBeLessThan(300);
  });

  it('is not looked for where too large a window is refused', async () => {
    cuts = false;
    largest = 1000;
    tell(archive);
    expect(await depths()).toEqual({});
    // the window, and one that is too large
    expect(asked).toHaveLength(2);
  });
});

describe('what does not count', () => {
  const honest: Told[] = [
    { height: 500, after: 1 },
    { height: 700, after: 4 },
  ];
  it.each<[string, Told]>([
    ['an event beside a stranger', { height: 450, after: 4, authorizationKind: 'None_given' }],
    ['an event beside a signature', { height: 450, after: 4, authorizationKind: 'Signature' }],
    ['a failed transaction', { height: 450, after: 4, status: 'failed' }],
    ['a block that was left', { height: 450, after: 4, chainStatus: 'orphaned' }],
    ['another event', { height: 450, after: ['0', ...fieldsOf(4).slice(1)] }],
    ['a record of other submissions', { height: 450, after: ['3', '1', '4', '2'] }],
    ['a record that is not there yet', { height: 450, after: 5 }],
    ['nonsense', { height: 450, after: ['3'] }],
  ])('is %s', async (_, forged) => {
    tell(archive, forged, ...honest);
    expect(await depths()).toEqual({ 0: 500, 1: 300, 2: 300, 3: 300 });
  });
});

describe('archives that disagree', () => {
  const both = () => ({ archive: [archive.url, other.url] });

  it('cannot make a settlement deeper: the latest block counts', async () => {
    tell(archive, { height: 420, after: 4 });
    tell(other, { height: 500, after: 1 }, { height: 998, after: 4 });
    expect(await depths(both())).toEqual({ 0: 500, 1: 2, 2: 2, 3: 2 });
  });

  it('need not all answer, nor know of it', async () => {
    tell(archive, { height: 700, after: 4 });
    tell(other);
    expect(await depths(both())).toEqual({ 0: 300, 1: 300, 2: 300, 3: 300 });
    other.answer = { errors: [{ message: 'no' }] };
    expect(await depths(both())).toEqual({ 0: 300, 1: 300, 2: 300, 3: 300 });
    archive.answer = { errors: [{ message: 'no' }] };
    await expect(depths(both())).rejects.toMatchObject({ code: 'BAD_ANSWER', where: archive.url });
  });
});
