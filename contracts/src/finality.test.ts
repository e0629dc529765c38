/** Depths of submissions and settlements, and what a chain takes back, as a node and an archive tell. */
import './testing/native-backend.js';
import { afterAll, beforeAll, beforeEach, describe, expect, it } from '@jest/globals';
import { fetchAccount } from 'o1js';
import { type AttestedFile, checkAttestation } from './check.js';
import type { Checkpoint } from './checkpoint.js';
import { connect } from './endpoints.js';
import type { Endpoint } from './graphql.js';
import { requireGenuine } from './genuine.js';
import { isSettled, readAll } from './read.js';
import { subscribeAttestations } from './subscribe.js';
import { AnsweringNode } from './testing/answering-node.js';
import { FakeNetwork, fakeAttestation } from './testing/fake-network.js';

let network: FakeNetwork;
beforeAll(async () => {
  network = await FakeNetwork.start();
});
afterAll(() => network.stop());
/** Answers 7 and 8 are settled by block 110, 9 is pending, in a chain of 115 blocks. */
beforeEach(() => {
  network.height = 115;
  network.blocks = [
    { height: 100, answers: [7, 8] },
    { height: 112, answers: [9] },
  ];
  network.settlements = [
    { height: 105, count: 1 },
    { height: 110, count: 2 },
  ];
  network.orphans.clear();
  network.hidesCanonical = network.isArchiveDown = false;
  connect({ nodes: network.url });
});

const file = (answer: number): AttestedFile => ({
  statement: { modelRoot: '1', vocabularyRoot: '2', inputHash: '3', outputHash: String(answer) },
  verificationKey: { data: '', hash: '5' },
  proof: { publicInput: [], publicOutput: [], maxProofsVerified: 1, proof: '' },
});
const check = (answer: number, minDepth?: number) =>
  checkAttestation(network.address, file(answer), { minDepth });

/** Whether it counts as attested and as settled. */
const counts = async (answer: number, minDepth: number) => {
  const { attested, settled } = await check(answer, minDepth);
  return [attested, settled];
};

describe('a minimal depth', () => {
  it("is counted from a submission's block, and for what is settled from its settlement's", async () => {
    expect(await check(8, 5)).toMatchObject({
      ...{ attested: true, settled: true, current: true, behind: false },
      ...{ blockHeight: 115, depth: 15 },
      settledIn: { blockHeight: 110, transactionHash: 'tx 110', depth: 5 },
    });
    expect(await counts(8, 6)).toEqual([true, false]);
    expect(await counts(8, 15)).toEqual([true, false]);
    expect(await counts(8, 16)).toEqual([false, false]);
    // the settlement before took in the first one only
    expect(await counts(7, 10)).toEqual([true, true]);
    expect(await counts(7, 11)).toEqual([true, false]);
    expect(await counts(9, 3)).toEqual([true, false]);
    expect(await counts(9, 4)).toEqual([false, false]);
    expect(await check(10, 0)).toMatchObject({ attested: false, depth: undefined });
    const settled = (answer: number, minDepth: number) =>
      isSettled(network.address, fakeAttestation(answer), { minDepth });
    expect(await Promise.all([5, 6].map((minDepth) => settled(8, minDepth)))).toEqual([
      true,
      false,
    ]);
    expect(await settled(9, 0)).toBe(false);
  });

  it('is not reached where no archive tells the block of the settlement', async () => {
    network.settlements = [{ height: 5000, count: 2 }];
    expect(await check(8)).toMatchObject({ settled: true, settledIn: undefined });
    expect(await counts(8, 1)).toEqual([true, false]);
  });

  it('is an error only where it matters that no archive answers', async () => {
    const reading = await readAll(network.address);
    network.isArchiveDown = true;
    const { address } = network;
    const options = { checkpoint: reading.checkpoint() };
    const attestation = fakeAttestation(8);
    expect(await isSettled(address, attestation, options)).toBe(true);
    await expect(
      isSettled(address, attestation, { ...options, minDepth: 1 }),
    ).rejects.toMatchObject({ code: 'BAD_ANSWER' });
  });
});

describe('blocks that the chain left', () => {
  it('do not make a submission deeper', async () => {
    network.orphans.set(112, 101);
    expect(await check(9, 3)).toMatchObject({ attested: true, depth: 3 });
    expect(await counts(9, 4)).toEqual([false, false]);
    // told of only there: it was submitted, but nobody knows where
    network.hidesCanonical = true;
    expect(await check(9)).toMatchObject({ attested: true, depth: undefined });
    expect(await counts(9, 1)).toEqual([false, false]);
  });

  it('do not stay in checkpoints and earlier readings', async () => {
    const kept = new Map<string, Checkpoint>();
    const checkpoints = {
      load: (of: string) => Promise.resolve(kept.get(of)),
      save: (each: Checkpoint) => Promise.resolve(void kept.set(each.address, each)),
    };
    const depth = async (since?: Awaited<ReturnType<typeof readAll>>) => {
      const reading = await readAll(network.address, since ? { since } : { checkpoints });
      return reading.attestations[2].depth;
    };
    const before = await readAll(network.address, { checkpoints });
    expect(before.attestations[2].depth).toBe(3);
    // the same submission is in a later block now: the account is the same
    network.blocks[1].height = 114;
    expect([await depth(), await depth(before)]).toEqual([1, 1]);
    network.isArchiveDown = true;
    expect([await depth(), await depth(before)]).toEqual([undefined, undefined]);
  });

  it('are told of to subscribers, who get what is in their place', async () => {
    const abort = new AbortController();
    const vanished: bigint[][] = [];
    const feed = subscribeAttestations(network.address, {
      ...{ signal: abort.signal, intervalMs: 5, from: 0, minDepth: 3 },
      onReorganisation: (gone) =>
        vanished.push(gone.map(({ attestation }) => attestation.statement.outputHash.toBigInt())),
    });
    const next = async () => {
      const { value } = await feed.next();
      return [value?.index, Number(value?.attestation.statement.outputHash.toBigInt())];
    };
    expect([await next(), await next(), await next()]).toEqual([
      [0, 7],
      [1, 8],
      [2, 9],
    ]);
    // another submission took the place of the last one, and is not deep yet
    network.blocks[1] = { height: 114, answers: [20] };
    const waiting = next();
    await new Promise((resolve) => setTimeout(resolve, 300));
    expect(vanished).toEqual([[9n]]);
    network.height = 117;
    expect(await waiting).toEqual([2, 20]);
    abort.abort();
  });
});

it('an archive that answers every question late does not keep readers from the next one', async () => {
  const slow = await AnsweringNode.start();
  try {
    Object.assign(slow, { delayMs: 500, answer: { data: { actions: [] } } });
    connect({ nodes: network.url, archives: [slow.url, network.url] });
    const options = { blockRange: 8, patienceMs: 2500 };
    const { attestations } = await readAll(network.address, options);
    expect(attestations).toHaveLength(3);
    expect(slow.count).toBeLessThan(7);
    connect({ nodes: network.url, archives: slow.url });
    await expect(readAll(network.address, options)).rejects.toMatchObject({
      ...{ code: 'ARCHIVE_UNAVAILABLE', where: slow.url, got: 'not done in 2.5 s' },
    });
  } finally {
    await slow.stop();
  }
});

it('o1js gets no addresses that it would quote, and no headers for others', async () => {
  const { fetch } = globalThis;
  const asked = async (...nodes: (string | Endpoint)[]) => {
    const urls: string[] = [];
    globalThis.fetch = (url) => {
      urls.push(url instanceof Request ? url.url : String(url));
      return Promise.resolve(Response.json({ data: { account: null } }));
    };
    connect({ nodes });
    await fetchAccount({ publicKey: network.address }).finally(() => (globalThis.fetch = fetch));
    return urls;
  };
  const [one, two] = ['http://one.example/graphql', 'http://two.example/graphql'];
  expect(await asked(one, two)).toEqual([one, two]);
  const keyed = `${one}?key=a-key-that-nobody-should-see`;
  expect(await asked(keyed, two)).toEqual([keyed]);
  expect(await asked(one, keyed)).toEqual([one]);
  expect(await asked(one, { url: two, headers: { 'x-key': 'secret' } })).toEqual([one]);
});

it('a contract that an account, a queue and a key vouch for is genuine at any depth', async () => {
  const { checks, reading } = await requireGenuine(network.address);
  expect(checks).toMatchObject({
    code: true,
    permissions: true,
    provedState: true,
    deployment: true,
  });
  expect(reading.contract.blockHeight).toBe(115);
});
