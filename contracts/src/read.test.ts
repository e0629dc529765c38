import { present } from '@attensor/core';
import './testing/native-backend.js';
import { afterAll, beforeAll, describe, expect, it } from '@jest/globals';
import { Mina, Permissions, PrivateKey, Types, VerificationKey } from 'o1js';
import { attestationPermissions } from './attestation-contract.js';
import { Attestation } from './attestation.js';
import { Commitment } from './commitment.js';
import { connect } from './endpoints.js';
import { RECORD_VERSION } from './actions.js';
import { ownerHash } from './owner.js';
import {
  attestationWitness,
  isSettled,
  readAttestations,
  readCommitment,
  readHistory,
} from './read.js';
import { readContract } from './account.js';
import { type AttestedFile, checkAttestation } from './check.js';
import { Statement } from './statement.js';
import { subscribeAttestations } from './subscribe.js';
import { AnsweringNode } from './testing/answering-node.js';
import { answering, LocalContract } from './testing/local-contract.js';

// proofs are off: what is tested is the reading
let local: LocalContract;

/** Answers 7 and 8 are settled, 7 again and 9 are pending. */
beforeAll(async () => {
  local = await LocalContract.start(await VerificationKey.dummy(), false);
  await local.deploy();
  for (const answer of [7, 8]) await local.submit(answering(answer));
  await local.settle();
  for (const answer of [7, 9]) await local.submit(answering(answer));
});

const attested = (answer: number) =>
  new Attestation({ statement: answering(answer), verifierKeyHash: local.key.hash });

type Actions = { actions: string[][]; hash: string }[];

/** Reads while the archive answers something else. */
async function readWith(answer: (actions: Actions) => Actions) {
  const fetchActions: typeof local.chain.fetchActions = async (...args) =>
    answer(structuredClone(await local.chain.fetchActions(...args)));
  Mina.setActiveInstance({ ...local.chain, fetchActions });
  return await readAttestations(local.address).finally(() => Mina.setActiveInstance(local.chain));
}

describe('readContract', () => {
  it('tells the whole state', async () => {
    const state = await readContract(local.address);
    expect(state).toMatchObject({ count: 2, provedState: true, locked: true });
    expect(state.owner.toBigInt()).toBe(ownerHash(local.owner).toBigInt());
    expect(state.recordVersion).toBe(RECORD_VERSION);
    expect(Commitment.toJSON(await readCommitment(local.address))).toEqual(
      Commitment.toJSON(local.commitment),
    );
  });

  it('names an address without a contract', async () => {
    const nobody = PrivateKey.random().toPublicKey();
    await expect(readContract(nobody)).rejects.toMatchObject({
      code: 'NO_CONTRACT',
      where: nobody.toBase58(),
    });
    await expect(readContract(local.payer)).rejects.toMatchObject({ code: 'NO_CONTRACT' });
  });
});

describe('readContract with a node', () => {
  let node: AnsweringNode;
  beforeAll(async () => {
    node = await AnsweringNode.start();
  });
  afterAll(() => node.stop());

  const permissionsJson = (permissions: Permissions) =>
    Types.Account.toJSON({ ...Types.Account.empty(), permissions }).permissions;

  async function readWithNode(account: unknown) {
    node.answer = { data: { account } };
    return await readContract(local.address, { graphql: node.url });
  }
  const readPermissions = (permissions: unknown) =>
    readWithNode({ publicKey: local.address.toBase58(), permissions });

  it("takes its word for the permissions, not o1js's", async () => {
    const final = permissionsJson(attestationPermissions());
    expect(await readPermissions(final)).toMatchObject({ provedState: true, locked: true });
    expect(present(node.asked).variables).toEqual({ address: local.address.toBase58() });
    const open = permissionsJson(Permissions.default());
    expect(await readPermissions(open)).toMatchObject({ provedState: true, locked: false });
    const auth = { ...final, setVerificationKey: { auth: 'Impossible', txnVersion: '2' } };
    expect(await readPermissions(auth)).toMatchObject({ locked: false });
  });

  it('names an address without an account', async () => {
    await expect(readWithNode(null)).rejects.toMatchObject({
      code: 'NO_CONTRACT',
      what: expect.stringContaining(node.url) as unknown,
    });
  });

  it('refuses what is no answer about this account', async () => {
    const final = permissionsJson(attestationPermissions());
    const publicKey = local.payer.toBase58();
    for (const [account, got] of [
      [undefined, 'none'],
      [{ permissions: final }, 'none'],
      [{ publicKey, permissions: final }, `"${publicKey}"`],
    ]) {
      const refused = { code: 'BAD_ANSWER', where: node.url, got };
      await expect(readWithNode(account)).rejects.toMatchObject(refused);
    }
    const { send: _, ...less } = final;
    for (const permissions of [undefined, null, less, { ...final, send: 'Perhaps' }])
      await expect(readPermissions(permissions)).rejects.toMatchObject({ code: 'BAD_ANSWER' });
    for (const answer of [{ data: null }, 'no JSON', { errors: [{ message: 'no' }] }]) {
      node.answer = answer;
      const read = readContract(local.address, { graphql: node.url });
      await expect(read).rejects.toMatchObject({ code: 'BAD_ANSWER', where: node.url });
    }
  });

  it('names a node that is down', async () => {
    const gone = await AnsweringNode.start();
    await gone.stop();
    await expect(readContract(local.address, { graphql: gone.url })).rejects.toMatchObject({
      code: 'NODE_UNAVAILABLE',
      where: gone.url,
    });
  });
});

describe('readAttestations', () => {
  it('returns all, oldest first', async () => {
    const all = await readAttestations(local.address);
    expect(all.map(({ attestation }) => Statement.toJSON(attestation.statement))).toEqual(
      [7, 8, 7, 9].map((answer) => Statement.toJSON(answering(answer))),
    );
    expect(all.map(({ settled }) => settled)).toEqual([true, true, false, false]);
    expect(all.map(({ first }) => first)).toEqual([0, 1, 0, 3]);
    // a chain in this process has no blocks
    expect(all.every(({ blockHeight }) => blockHeight === undefined)).toBe(true);
  });

  it('rejects an archive that leaves out or edits any', async () => {
    for (const lie of [
      () => [],
      // the marker comes first
      (actions: Actions) => actions.slice(0, 4),
      (actions: Actions) => actions.slice(1),
      (actions: Actions) => [actions[0], ...actions.slice(2)],
      (actions: Actions) => [actions[0], ...actions.slice(1).map(edited)],
    ])
      await expect(readWith(lie)).rejects.toMatchObject({ code: 'ARCHIVE_MISMATCH' });
  });

  it('does not depend on the order of answers, nor on repeats', async () => {
    const honest = await readAttestations(local.address);
    for (const odd of [
      (actions: Actions) => [...actions].reverse(),
      (actions: Actions) => [actions[0], ...actions],
    ])
      expect(JSON.stringify(await readWith(odd))).toBe(JSON.stringify(honest));
  });

  it('says so when the archive does not answer', async () => {
    const down = () => {
      throw Error('connection refused');
    };
    await expect(readWith(down)).rejects.toMatchObject({
      code: 'ARCHIVE_UNAVAILABLE',
      got: 'connection refused',
    });
  });

  function edited(entry: Actions[number]): Actions[number] {
    return { ...entry, actions: entry.actions.map((fields) => ['1', ...fields.slice(1)]) };
  }
});

describe('one attestation', () => {
  it('is settled, pending or unknown', async () => {
    const { address } = local;
    expect(await isSettled(address, attested(8))).toBe(true);
    expect(await isSettled(address, attested(7))).toBe(true);
    expect(await isSettled(address, attested(9))).toBe(false);
    await expect(attestationWitness(address, attested(9))).rejects.toMatchObject({
      code: 'NOT_SETTLED',
    });
    const witness = await attestationWitness(address, attested(8));
    await local.send(() =>
      local.contract.requireAttested(answering(8).inputHash, answering(8).outputHash, witness),
    );
  });

  const file = (answer: number, change: Partial<AttestedFile['statement']> = {}): AttestedFile => ({
    statement: { ...Statement.toJSON(answering(answer)), ...change },
    verificationKey: { data: local.key.data, hash: local.key.hash.toString() },
    proof: { publicInput: [], publicOutput: [], maxProofsVerified: 1, proof: '' },
  });

  it('is found from a proof file', async () => {
    const check = (given: AttestedFile) => checkAttestation(local.address, given);
    expect(await check(file(8))).toMatchObject({ attested: true, settled: true, current: true });
    expect(await check(file(9))).toMatchObject({ attested: true, settled: false, current: true });
    expect(await check(file(10))).toMatchObject({ attested: false, settled: false, current: true });
    expect(await check(file(8, { modelRoot: '12' }))).toMatchObject({
      attested: false,
      current: false,
    });
    expect((await check(file(8))).proofValid).toBeUndefined();
  });

  it('needs a file that is one', async () => {
    await expect(
      checkAttestation(local.address, file(8, { modelRoot: 'x' })),
    ).rejects.toMatchObject({ code: 'BAD_ARGUMENT' });
  });

  it('shows a proof that is none', async () => {
    const check = await checkAttestation(local.address, file(8), { proof: true });
    expect(check).toMatchObject({ attested: true, proofValid: false });
  });
});

describe('subscribeAttestations', () => {
  it('reports from where it is asked to, then what comes, until aborted', async () => {
    const abort = new AbortController();
    const options = { signal: abort.signal, intervalMs: 20, from: 3 };
    const seen: bigint[] = [];
    for await (const { index, attestation } of subscribeAttestations(local.address, options)) {
      seen.push(attestation.statement.outputHash.toBigInt());
      if (index === 3) await local.submit(answering(20));
      if (index === 4) abort.abort();
    }
    const answers = [9, 20].map((answer) => answering(answer).outputHash.toBigInt());
    expect(seen).toEqual(answers);
  });

  it('without a start, reports only what comes', async () => {
    const abort = new AbortController();
    const subscription = subscribeAttestations(local.address, {
      signal: abort.signal,
      intervalMs: 20,
    });
    const next = subscription.next();
    await new Promise((resolve) => setTimeout(resolve, 200));
    await local.submit(answering(30));
    const { value } = await next;
    expect(value?.attestation.statement.outputHash.toBigInt()).toBe(
      answering(30).outputHash.toBigInt(),
    );
    abort.abort();
    expect(await subscription.next()).toEqual({ value: undefined, done: true });
  });

  it('reports what takes the place of submissions that the chain took back', async () => {
    const abort = new AbortController();
    const length = (await readHistory(local.address)).attestations.length;
    const other = await LocalContract.start(local.key, false);
    Mina.setActiveInstance(local.chain);
    const indices: number[] = [];
    const options = { signal: abort.signal, intervalMs: 20, from: 0 };
    for await (const { index } of subscribeAttestations(local.address, options)) {
      indices.push(index);
      if (indices.length === length) {
        // the same account on another branch, where the first answer was another one
        await retell(other);
      }
      if (indices.length === length + 2) abort.abort();
    }
    expect(indices.slice(length)).toEqual([0, 1]);
    Mina.setActiveInstance(local.chain);
  });

  it('goes on after a failed read if it is told where to report it, else ends', async () => {
    const offline = {
      ...local.chain,
      fetchActions: () => Promise.reject(Error('connection refused')),
    };
    Mina.setActiveInstance(offline);
    const failing = subscribeAttestations(local.address, { intervalMs: 20 });
    await expect(failing.next()).rejects.toMatchObject({ code: 'ARCHIVE_UNAVAILABLE' });

    const abort = new AbortController();
    const errors: unknown[] = [];
    const onError = (error: unknown) => {
      errors.push(error);
      if (errors.length === 2) Mina.setActiveInstance(local.chain);
    };
    const options = { signal: abort.signal, intervalMs: 20, from: 0, onError };
    const first = await subscribeAttestations(local.address, options).next();
    expect(first.value).toMatchObject({ index: 0 });
    expect(errors).toHaveLength(2);
    abort.abort();
  });

  /** Deploys the contract of `local` on another ledger, with answers 100 and 101. */
  async function retell(other: LocalContract): Promise<void> {
    Mina.setActiveInstance(other.chain);
    Object.assign(other, { address: local.address, contract: local.contract });
    await other.deploy();
    for (const answer of [100, 101]) await other.submit(answering(answer));
  }
});

// last, because o1js keeps asking the nodes that it was connected to, even about a chain in this process
describe('readContract with nodes that must agree', () => {
  let nodes: AnsweringNode[];
  beforeAll(async () => {
    nodes = await Promise.all([1, 2, 3].map(() => AnsweringNode.start()));
  });
  afterAll(() => Promise.all(nodes.map((node) => node.stop())));

  /** What a node tells of the contract as of a block, with one field of its state in its own words. */
  function told(height: number, root?: string) {
    const account = Mina.getAccount(local.address);
    const { appState, actionState, verificationKey } = present(account.zkapp, 'the contract');
    const zkappState = appState.map(String);
    if (root !== undefined) zkappState[4] = root;
    return {
      data: {
        account: {
          publicKey: local.address.toBase58(),
          zkappState,
          provedState: true,
          actionState: actionState.map(String),
          verificationKey: { hash: present(verificationKey, 'its key').hash.toString() },
          permissions: Types.Account.toJSON(account).permissions,
        },
        bestChain: [{ protocolState: { consensusState: { blockHeight: height } } }],
      },
    };
  }

  it('takes what enough of them show, as of the lowest of their blocks', async () => {
    const honest = [told(9), told(8)];
    const answers = [told(99, '123'), ...honest];
    nodes.forEach((node, i) => (node.answer = answers[i]));
    const urls = nodes.map(({ url }) => url);
    connect({ nodes: urls, agree: 2 });
    const state = await readContract(local.address);
    expect(state.blockHeight).toBe(8);
    expect(state.root.toString()).not.toBe('123');
    // without it the first one is believed
    connect({ nodes: urls });
    expect((await readContract(local.address)).root.toString()).toBe('123');
    connect({ nodes: urls.slice(0, 2), agree: 2 });
    await expect(readContract(local.address)).rejects.toMatchObject({ code: 'NODES_DISAGREE' });
  });

  it('no more of them than there are', () => {
    const { url } = nodes[0];
    for (const agree of [0, 2, 1.5, NaN])
      expect(() => connect({ nodes: url, agree })).toThrow(/so many nodes cannot agree/);
  });
});
