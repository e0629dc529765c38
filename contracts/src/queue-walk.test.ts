import { AttensorError } from '@attensor/core';
import { beforeEach, describe, expect, it } from '@jest/globals';
import type { BlockWindow, QueueBlock } from './archive.js';
import { AccountUpdate, Field } from 'o1js';
import { linkUpdates, type Queue, type QueueSource, walkQueue } from './queue-walk.js';

const RANGE = 50;

/** An archive in memory, over a chain where some blocks have one action each. */
class Archive implements QueueSource {
  readonly name = 'the archive';
  asked: BlockWindow[] = [];
  blocks: (QueueBlock & { height: number })[];
  largest = RANGE;
  /** Larger windows are cut at their upper end, without a word, instead of being refused. */
  cuts = false;
  /** Blocks in one answer; of more, the oldest are left out. */
  most = Infinity;

  constructor(
    readonly heights: number[],
    public height = heights[heights.length - 1],
  ) {
    const updates = heights.map((at, i) => ({ actions: [[String(i), '7']], blockHeight: at }));
    const linked = linkUpdates(updates);
    this.blocks = linked.map(({ actionState: after, ...update }, i) => ({
      height: heights[i],
      updates: [update],
      before: i === 0 ? EMPTY : linked[i - 1].actionState,
      after,
      status: 'canonical',
    }));
  }

  /** As an account has them. */
  get states(): string[] {
    const states = [EMPTY, ...this.blocks.map(({ after }) => after)].reverse();
    return [0, 1, 2, 3, 4].map((i) => states[i] ?? EMPTY);
  }

  get linked() {
    return linkUpdates(this.blocks.flatMap(({ updates }) => updates));
  }

  fetch: QueueSource['fetch'] = (range) => {
    const { to, from = to - this.largest } = range ?? { from: 0, to: Infinity };
    this.asked.push({ ...(range?.from !== undefined && { from }), to });
    if (to - from > this.largest && !this.cuts)
      return Promise.reject(new AttensorError({ code: 'BAD_ANSWER', what: 'refused' }));
    const end = Math.min(to, from + this.largest);
    const blocks = this.blocks.filter(({ height }) => height >= from && height < end);
    return Promise.resolve({ blocks: blocks.slice(-this.most), skipped: 0 });
  };

  walk(options: Partial<Parameters<typeof walkQueue>[1]> = {}) {
    return walkQueue(this, { states: this.states, blockRange: RANGE, ...options });
  }
}

/** What an account that never dispatched anything has. */
const EMPTY = AccountUpdate.Actions.emptyActionState().toString();

let archive: Archive;
/** Seven actions over 400 blocks, more than RANGE apart in places. */
beforeEach(() => {
  archive = new Archive([20, 21, 90, 200, 340, 341, 400], 410);
});

/** Where updates are, as far as that is known. */
const blocksOf = ({ updates, unconfirmed }: Queue) =>
  updates.map(({ blockHeight, actionState }) =>
    unconfirmed.has(actionState) ? undefined : blockHeight,
  );
const actionsOf = ({ updates }: { updates: readonly { actions: string[][] }[] }) =>
  updates.map(({ actions }) => actions[0][0]);

it('action states are those of the library', () => {
  const actions = [['1', '2'], [], ['3', '4', '5']];
  const hash = AccountUpdate.Actions.hash(actions.map((action) => action.map(Field)));
  const after = AccountUpdate.Actions.updateSequenceState(Field(EMPTY), hash);
  expect(linkUpdates([{ actions }])[0].actionState).toBe(after.toString());
});

describe('windows', () => {
  it('lead from the last block to the first action, and no further', async () => {
    const queue = await archive.walk();
    expect(actionsOf(queue)).toEqual(['0', '1', '2', '3', '4', '5', '6']);
    expect(queue).toMatchObject({ behind: false, known: 0, skipped: 0 });
    expect(queue.updates).toEqual(archive.linked);
    expect(archive.asked).toHaveLength(8);
    expect(archive.asked.every(({ from = 0, to }) => to - from <= RANGE && from >= 1)).toBe(true);
    expect(archive.asked[7].from).toBeGreaterThan(1);
  });

  it('are halved where an archive refuses so many blocks', async () => {
    archive.largest = 10;
    const queue = await archive.walk();
    expect(queue).toMatchObject({ blockRange: 7 });
    expect(queue.updates).toHaveLength(7);
    archive.largest = 2;
    await expect(archive.walk()).rejects.toMatchObject({ code: 'BAD_ANSWER' });
  });

  it('end where a node claims a height beyond all chains', async () => {
    archive.blocks = [];
    archive.height = 2 ** 40;
    const states = [linkUpdates([{ actions: [['1']] }])[0].actionState];
    await expect(archive.walk({ states })).rejects.toMatchObject({ code: 'ARCHIVE_MISMATCH' });
    expect(archive.asked.length).toBeLessThan(30_000);
  });

  it('are not asked for where nothing was ever dispatched', async () => {
    expect(await archive.walk({ states: Array<string>(5).fill(EMPTY) })).toMatchObject({
      updates: [],
      behind: false,
    });
    expect(archive.asked).toEqual([]);
  });
});

describe('an archive at odds', () => {
  it('may tell in any order, and twice', async () => {
    const { states, linked } = archive;
    archive.blocks = [...archive.blocks, ...archive.blocks].reverse();
    archive.largest = Infinity;
    expect(await archive.walk({ states, blockRange: 1000 })).toMatchObject({ updates: linked });
  });

  it('may have two blocks at one height: that of the ledger counts', async () => {
    const { states, linked } = archive;
    const [fork] = new Archive([400]).blocks;
    const { before } = archive.blocks[6];
    const updates = [{ actions: [['99', '7']], blockHeight: 400 }];
    const after = linkUpdates(updates, before)[0].actionState;
    archive.blocks.push({ ...fork, updates, before, after, status: 'pending' });
    expect(await archive.walk({ states })).toMatchObject({ updates: linked });
    // and the other one, where the ledger is on the other branch
    const there = await archive.walk({ states: [after, ...states.slice(1)] });
    expect(actionsOf(there)).toEqual(['0', '1', '2', '3', '4', '5', '99']);
  });

  it('may know the same actions in an orphaned block: the canonical one tells where they are', async () => {
    const { states } = archive;
    const [last] = archive.blocks.slice(-1);
    const updates = last.updates.map((update) => ({ ...update, blockHeight: 399 }));
    archive.blocks.unshift({ ...last, updates, height: 399, status: 'orphaned' });
    const queue = await archive.walk({ states });
    expect(queue.updates.at(-1)?.blockHeight).toBe(400);
  });

  it('may know an action in an orphaned block only: where it is now, nobody knows', async () => {
    const { linked } = archive;
    archive.blocks[6].status = 'orphaned';
    const queue = await archive.walk();
    expect(queue.updates.at(-1)).toMatchObject({ actionState: linked[6].actionState });
    expect(blocksOf(queue)).toEqual([20, 21, 90, 200, 340, 341, undefined]);
  });

  it('is late if it has seen one of the earlier states only', async () => {
    const { states } = archive;
    archive.blocks.splice(5);
    const queue = await archive.walk({ states });
    expect(queue.behind).toBe(true);
    expect(actionsOf(queue)).toEqual(['0', '1', '2', '3', '4']);
  });

  it.each<[string, (blocks: Archive['blocks']) => unknown]>([
    ['leaves out a block', (blocks) => blocks.splice(3, 1)],
    ['leaves out the first block', (blocks) => blocks.shift()],
    ['leaves out all', (blocks) => blocks.splice(0)],
    ['changes an action', (blocks) => (blocks[2].updates = [{ actions: [['5', '5']] }])],
    ['adds an action', (blocks) => blocks[2].updates.push({ actions: [['5', '5']] })],
    ['claims another state before', (blocks) => (blocks[2].before = EMPTY)],
    ['claims another state after', (blocks) => (blocks[2].after = '5')],
  ])('is refused if it %s', async (_, lie) => {
    const { states } = archive;
    lie(archive.blocks);
    await expect(archive.walk({ states })).rejects.toMatchObject({
      code: 'ARCHIVE_MISMATCH',
      where: 'the archive',
    });
  });

  it('may claim what does not hash, beside what does', async () => {
    const { states } = archive;
    const [, , block] = archive.blocks;
    archive.blocks.unshift({ ...block, updates: [{ actions: [['5', '5']] }] });
    const queue = await archive.walk({ states });
    expect(queue.updates).toHaveLength(7);
    expect(queue.skipped).toBe(1);
  });
});

describe('an archive that cuts windows short without a word', () => {
  beforeEach(() => {
    archive.cuts = true;
  });
  const questions = () => archive.asked.length;

  it.each([1000, 400, 200, 100])('is asked for smaller ones: %i blocks', async (blockRange) => {
    const { linked } = archive;
    const queue = await archive.walk({ blockRange });
    expect(queue).toMatchObject({ behind: false, updates: linked });
    expect(queue.blockRange).toBeLessThanOrEqual(RANGE);
    expect(questions()).toBeLessThan(40);
  });

  it('loses nothing, wherever the blocks are', async () => {
    for (let seed = 0; seed < 30; seed++) {
      const random = (below: number, salt: number) =>
        Math.floor(Math.abs(Math.sin(seed * 61.7 + salt * 13.3) * 1e4) % below);
      const heights = Array.from({ length: 1 + random(9, 1) }, (_, i) => 1 + random(3000, i + 2));
      const sorted = [...new Set(heights)].sort((a, b) => a - b);
      archive = new Archive(sorted, sorted[sorted.length - 1] + random(300, 20));
      archive.cuts = true;
      archive.largest = 8 + random(120, 21);
      const known = archive.linked.slice(0, random(sorted.length, 22));
      const walk = archive.walk({ blockRange: 1 + random(4000, 23), known });
      await expect(walk).resolves.toMatchObject({ behind: false, updates: archive.linked });
    }
  });

  it('loses nothing of a young contract, of which no window told', async () => {
    archive = new Archive([970, 975], 980);
    archive.cuts = true;
    expect(await archive.walk({ blockRange: 500 })).toMatchObject({ updates: archive.linked });
    expect(questions()).toBeLessThan(10);
  });

  it('loses nothing in the middle', async () => {
    archive = new Archive([20, 160, 190, 340, 400], 410);
    archive.cuts = true;
    expect(await archive.walk({ blockRange: 100 })).toMatchObject({ updates: archive.linked });
  });

  it('is not taken for one that is late', async () => {
    // of the account's states, windows tell of an earlier one
    archive = new Archive([20, 310, 400], 410);
    archive.cuts = true;
    expect(await archive.walk({ blockRange: 100 })).toMatchObject({
      behind: false,
      updates: archive.linked,
    });
    // and a checkpoint has it
    archive.asked = [];
    const known = archive.linked.slice(0, 2);
    expect(await archive.walk({ blockRange: 100, known })).toMatchObject({
      behind: false,
      updates: archive.linked,
    });
    expect(questions()).toBeLessThan(12);
  });

  it('may be late as well', async () => {
    const { states, linked } = archive;
    archive.blocks.splice(5);
    const late = { behind: true, updates: linked.slice(0, 5) };
    expect(await archive.walk({ states, blockRange: 200 })).toMatchObject(late);
  });

  it('that withholds a block too is refused, after a few questions more', async () => {
    const { states } = archive;
    archive.blocks.splice(3, 1);
    await expect(archive.walk({ states, blockRange: 200 })).rejects.toMatchObject({
      code: 'ARCHIVE_MISMATCH',
    });
    expect(questions()).toBeLessThan(60);
  });

  it('may cut long lists instead, and keep the newest', async () => {
    archive = new Archive([20, 21, 22, 23, 24, 390, 391, 392, 393, 394], 410);
    archive.most = 3;
    archive.largest = Infinity;
    expect(await archive.walk({ blockRange: 200 })).toMatchObject({ updates: archive.linked });
  });
});

describe('what is known', () => {
  it('is not asked for again, if the chain cannot take it back', async () => {
    archive.height = 700;
    const known = archive.linked.slice(0, 6);
    const queue = await archive.walk({ known, blockRange: 310 });
    expect(queue).toMatchObject({ known: 6, updates: archive.linked });
    archive.height = 1000;
    archive.asked = [];
    await archive.walk({ known: archive.linked });
    expect(archive.asked).toEqual([]);
  });

  it('is looked for in another block, where the chain may have taken one back', async () => {
    const { states, linked } = archive;
    const moved = archive.blocks[6];
    moved.height = 405;
    moved.updates = [{ ...moved.updates[0], blockHeight: 405 }];
    const heights = async () => blocksOf(await archive.walk({ states, known: linked }));
    expect(await heights()).toEqual([20, 21, 90, 200, 340, 341, 405]);
    // nobody tells: unknown, and not where it was
    archive.blocks = [];
    const unknown = Array<undefined>(4).fill(undefined);
    expect(await heights()).toEqual([20, 21, 90, ...unknown]);
    archive.fetch = () =>
      Promise.reject(new AttensorError({ code: 'NODE_UNAVAILABLE', what: 'gone' }));
    expect(await heights()).toEqual([20, 21, 90, ...unknown]);
  });

  it('is enough where an archive began anew after a hard fork', async () => {
    const { states, linked } = archive;
    archive.blocks.splice(0, 4);
    await expect(archive.walk({ states })).rejects.toMatchObject({ code: 'ARCHIVE_MISMATCH' });
    expect(await archive.walk({ states, known: linked.slice(0, 4) })).toMatchObject({
      updates: linked,
      known: 4,
    });
  });

  it('counts as far as the chain still holds it', async () => {
    const known = [...archive.linked.slice(0, 5), ...linkUpdates([{ actions: [['99', '7']] }])];
    known[5] = linkUpdates([{ actions: [['99', '7']] }], known[4].actionState)[0];
    expect(await archive.walk({ known })).toMatchObject({ known: 5, updates: archive.linked });
  });

  it('of another chain counts for nothing', async () => {
    const known = linkUpdates([{ actions: [['99', '7']] }, { actions: [['98', '7']] }]);
    expect(await archive.walk({ known })).toMatchObject({ known: 0, updates: archive.linked });
  });

  it('stands in for an archive that is late, without asking for more than may be taken back', async () => {
    const { states, linked } = archive;
    archive.blocks = [];
    archive.largest = Infinity;
    const queue = await archive.walk({ states, known: linked.slice(0, 5), blockRange: 100 });
    expect(queue).toMatchObject({ behind: true, known: 5 });
    // the last known one is at 340
    expect(archive.asked.slice(0, 4).at(-1)).toEqual({ from: 11, to: 111 });
    expect(archive.asked.length).toBeLessThan(20);
  });

  it('is more than an archive has that is later still', async () => {
    const { states, linked } = archive;
    archive.blocks.splice(4);
    const queue = await archive.walk({ states, known: linked.slice(0, 5) });
    expect(queue).toMatchObject({ behind: true, known: 5, updates: linked.slice(0, 5) });
  });

  it('and what was told count, where an archive stops answering', async () => {
    const { states, linked } = archive;
    archive.blocks.splice(5);
    const { fetch } = archive;
    archive.fetch = (range) =>
      range?.from === undefined
        ? Promise.reject(new AttensorError({ code: 'NODE_UNAVAILABLE', what: 'gone' }))
        : fetch(range);
    expect(await archive.walk({ states })).toMatchObject({
      behind: true,
      updates: linked.slice(0, 5),
    });
  });
});
