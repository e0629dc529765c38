import '@attensor/contracts/testing/native-backend';
import { afterEach, beforeEach, describe, expect, test } from '@jest/globals';
import { FakeChain, submission } from '../testing/fake-chain.js';
import { readChain } from './read-chain.js';
import { isReliable } from './trust.js';
import type { Checkpoint } from '@attensor/contracts';
import { Memory, type Store } from './checkpoint.js';

const { fetch } = globalThis;
let chain: FakeChain;
beforeEach(() => {
  chain = new FakeChain();
  globalThis.fetch = chain.fetch;
});
afterEach(() => void (globalThis.fetch = fetch));

/** As a new worker does, with a shorter pause. */
const read = (source = chain.source, store: Store = chain.store) =>
  readChain(source, { memory: new Memory(store), pauseMs: 100 });
const asked = (host: string): number => chain.asked.filter((each) => each === host).length;

test('node and archive agree: the account is in the ledger, with its submissions', async () => {
  chain.taken = [submission(7, 3), submission(8, 5)];
  chain.archived = chain.taken;
  const view = await read();
  expect(view).toMatchObject({ genuine: true, membership: { staged: true } });
  expect(view.attestations.map(({ outputHash }) => outputHash)).toEqual(['7', '8']);
  expect(isReliable(view)).toBe(true);
  expect(asked('archive.example')).toBe(1);
});

test('an archive ahead of the node is no fault: what the account has not taken is left out', async () => {
  chain.taken = [submission(7, 3)];
  chain.archived = [...chain.taken, submission(8, 5), submission(9, 6)];
  const view = await read();
  expect(view).toMatchObject({ membership: { staged: true } });
  expect(view.attestations.map(({ outputHash }) => outputHash)).toEqual(['7']);
});

test('an archive one submission behind is read again with the account', async () => {
  const all = [submission(7, 3), submission(8, 5)];
  chain.taken = all;
  chain.archived = all.slice(0, 1);
  chain.afterSearch = () => (chain.archived = all);
  const view = await read();
  expect(view.attestations).toHaveLength(2);
  expect(isReliable(view)).toBe(true);
});

test.each([
  ['that is down', undefined, 'ARCHIVE_UNAVAILABLE'],
  ['that withholds a submission', [], 'ARCHIVE_MISMATCH'],
  ['that makes one up', [submission(666, 3)], 'ARCHIVE_MISMATCH'],
])('an archive %s: the contract is shown, its submissions are not', async (_, archived, code) => {
  chain.taken = [submission(7, 3)];
  chain.archived = archived;
  const view = await read();
  expect(view).toMatchObject({ genuine: true, archiveError: { code }, attestations: [] });
  expect(view.membership).toBeUndefined();
  expect(isReliable(view)).toBe(false);
});

test("another program's account: nothing that it lists is shown as attested", async () => {
  chain.contractKeyHash = '12345';
  chain.taken = [submission(7, 3)];
  chain.archived = chain.taken;
  const view = await read();
  expect(view).toMatchObject({
    genuine: false,
    notGenuine: expect.stringContaining('another program') as unknown,
    attestations: [],
  });
  expect(isReliable(view)).toBe(false);
  expect(asked('archive.example')).toBe(0);
});

describe('an archive that answers about 50 blocks at a time', () => {
  const outputs = async (): Promise<string[]> => {
    const view = await read();
    expect(isReliable(view)).toBe(true);
    return view.attestations.map(({ outputHash }) => outputHash);
  };
  beforeEach(() => {
    chain.blockRange = 50;
    chain.height = 1000;
    chain.openedAt = 431;
    chain.taken = [submission(7, 440), submission(8, 441), submission(9, 700), submission(10, 990)];
    chain.archived = chain.taken;
  });

  test('is asked for one window after the other, back to the marker of initialize', async () => {
    expect(await outputs()).toEqual(['7', '8', '9', '10']);
    const answered = chain.windows.filter(({ from, to }) => to - from <= 50);
    expect(answered[0].to).toBeGreaterThan(1000);
    for (let i = 1; i < answered.length; i++) expect(answered[i].to).toBe(answered[i - 1].from);
    const last = answered[answered.length - 1].from;
    expect(last).toBeLessThanOrEqual(431);
    expect(last).toBeGreaterThan(381);
  });

  test('the next time only for what is newer', async () => {
    await outputs();
    chain.windows.length = 0;
    chain.height = 1010;
    chain.taken = [...chain.taken, submission(11, 1005)];
    chain.archived = chain.taken;
    expect(await outputs()).toEqual(['7', '8', '9', '10', '11']);
    expect(Math.min(...chain.windows.map(({ from }) => from))).toBeGreaterThan(950);
  });

  test('each has its block, and how many are on top', async () => {
    const { attestations } = await read();
    expect(attestations.map(({ height, depth }) => [height, depth])).toEqual([
      [440, 560],
      [441, 559],
      [700, 300],
      [990, 10],
    ]);
  });

  test('what was kept of blocks that may be taken back is asked for again', async () => {
    await outputs();
    chain.asked.length = 0;
    const { attestations } = await read();
    expect(attestations.at(-1)).toMatchObject({ height: 990, depth: 10 });
    expect(asked('archive.example')).toBeGreaterThan(0);
    // the archive is down: it is there, but nobody knows where
    chain.archived = undefined;
    const view = await read();
    expect(isReliable(view)).toBe(true);
    expect(view.attestations.map(({ height }) => height)).toEqual([440, 441, 700, undefined]);
    expect(view.attestations.at(-1)).toMatchObject({ outputHash: '10', depth: undefined });
  });

  test('a block that was replaced changes nothing', async () => {
    const replaced = submission(666, 990);
    chain.archived = [...chain.taken.slice(0, 3), replaced, ...chain.taken.slice(3)];
    chain.forked = [replaced];
    expect(await outputs()).toEqual(['7', '8', '9', '10']);
  });

  const kept = (): [string, Checkpoint] => [...chain.kept][0] as [string, Checkpoint];
  test.each<[string, (checkpoint: Checkpoint) => unknown]>([
    ['with another submission', (each) => ((each.updates[2].actions[0][3] = '666'), each)],
    ['with one left out', (each) => (each.updates.splice(1, 1), each)],
    ['with a wrong slot', (each) => (each.updates.forEach((one) => (one.slot = 1)), each)],
    ['of another format', (each) => ({ ...each, version: 2 })],
    ['that is nonsense', () => 'nonsense'],
  ])('what was kept is not believed: %s', async (_, change) => {
    chain.taken = chain.taken.slice(0, 3);
    chain.archived = chain.taken;
    await outputs();
    const [name, checkpoint] = kept();
    expect(checkpoint.updates).toHaveLength(4);
    chain.kept.set(name, change(structuredClone(checkpoint)));
    expect(await outputs()).toEqual(['7', '8', '9']);
    expect(kept()[1]).toEqual(checkpoint);
  });

  test('nothing is kept of nodes that a link named, and a database that fails hinders nothing', async () => {
    const foreign = { ...chain.source, foreign: true };
    await read(foreign);
    expect(chain.kept.size).toBe(0);
    const broken = () => Promise.reject(new Error('QuotaExceededError'));
    const store = { get: broken, set: broken, delete: broken };
    expect(isReliable(await read(chain.source, store))).toBe(true);
  });
});
