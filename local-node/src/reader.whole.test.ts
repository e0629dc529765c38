/** Readers against a node whose archive searches few blocks, with what strangers put beside a contract's own actions. */
import '@attensor/contracts/testing/native-backend';
import {
  Attestation,
  AttestationContract,
  attestationPermissions,
  type Checkpoint,
  Commitment,
  connect,
  type FoundAttestation,
  readAll,
  requireGenuine,
  subscribeAttestations,
} from '@attensor/contracts';
import { present } from '@attensor/core';
import { afterAll, beforeAll, describe, expect, it } from '@jest/globals';
import { mkdtemp, rm } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import {
  AccountUpdate,
  Bool,
  fetchAccount,
  Field,
  Lightnet,
  Mina,
  Permissions,
  PrivateKey,
  TokenId,
  VerificationKey,
} from 'o1js';
import { query, type SpawnedNode, spawnNode } from './testing/spawned-node.js';

const RANGE = 10;
const FEE = 100_000_000;

let folder: string;
let node: SpawnedNode;
let payer: { publicKey: ReturnType<PrivateKey['toPublicKey']>; privateKey: PrivateKey };
/** An account that looks like a contract, but whose actions a signature allows: no proofs are needed here. */
const key = PrivateKey.random();
const address = key.toPublicKey();

/** Account updates with actions that a deployment makes. */
let opened: number;

const blocks = async (count: number) => {
  for (let i = 0; i < count; i++) await query(node.url, 'mutation { makeBlock { stateHash } }');
};

async function send(run: () => Promise<void>): Promise<void> {
  // its nonce
  await fetchAccount({ publicKey: address });
  const transaction = await Mina.transaction({ sender: payer.publicKey, fee: FEE }, run);
  await transaction.sign([payer.privateKey, key]).send();
  await blocks(1);
}

/** State and actions of a contract that was just deployed, on a chain without proofs. */
async function deployed(): Promise<{ state: Field[]; opening: Field[][] }> {
  const chain = await Mina.LocalBlockchain({ proofsEnabled: false });
  Mina.setActiveInstance(chain);
  const [sender] = chain.testAccounts;
  const copy = Mina.TestPublicKey.random();
  const [modelRoot, vocabularyRoot, verifierKeyHash] = [1, 2, 4].map((value) => Field(value));
  const transaction = await Mina.transaction(sender, async () => {
    AccountUpdate.fundNewAccount(sender);
    const commitment = new Commitment({ modelRoot, vocabularyRoot, verifierKeyHash });
    await new AttestationContract(copy).deploy({ commitment });
  });
  await transaction.prove();
  await transaction.sign([sender.key, copy.key]).send();
  const actions = await chain.fetchActions(copy);
  opened = actions.length;
  return {
    state: present(Mina.getAccount(copy).zkapp, 'the contract').appState,
    opening: actions.flatMap((each) => each.actions.map((fields) => fields.map(Field))),
  };
}

const attestation = (answer: number) =>
  Attestation.fromFields([1, 2, 3, answer, 4].map((value) => Field(value)));

/** Submits as `attest` does, and adds what anyone may. */
async function submit(answer: number): Promise<void> {
  await send(async () => {
    const stranger = AccountUpdate.create(address);
    const events = [
      [99, 1],
      [0, 1, 2, 3, 77, 4],
    ].map((event) => event.map((value) => Field(value)));
    for (const event of events)
      stranger.body.events = AccountUpdate.Events.pushEvent(stranger.body.events, event);
    const update = AccountUpdate.createSigned(address);
    const fields = Attestation.toFields(new Attestation(attestation(answer)));
    update.body.actions = AccountUpdate.Actions.pushEvent(update.body.actions, fields);
  });
}

const answers = (found: readonly FoundAttestation[]) =>
  found.map((each) => Number(each.attestation.statement.outputHash.toBigInt()));

beforeAll(async () => {
  folder = await mkdtemp(join(tmpdir(), 'attensor-reader-'));
  const { state, opening } = await deployed();
  node = await spawnNode(join(folder, 'chain'), 0, RANGE);
  connect({ nodes: node.url });
  payer = await Lightnet.acquireKeyPair({ lightnetAccountManagerEndpoint: node.accountManager });
  await send(async () => {
    AccountUpdate.fundNewAccount(payer.publicKey);
    const update = AccountUpdate.createSigned(address);
    update.account.verificationKey.set(await VerificationKey.dummy());
    state.forEach((value, i) => AccountUpdate.setValue(update.update.appState[i], value));
    for (const action of opening)
      update.body.actions = AccountUpdate.Actions.pushEvent(update.body.actions, action);
    update.account.permissions.set({
      ...Permissions.default(),
      editActionState: Permissions.signature(),
    });
  });
  for (const answer of [7, 8, 9]) {
    await submit(answer);
    await blocks(2 * RANGE);
  }
});
afterAll(async () => {
  await node.stop();
  await rm(folder, { recursive: true, force: true });
});

/** Submits by an update that can be copied: its signature is for the whole transaction, and for no nonce. */
function dispatchCopyable(answer: number, token?: Field): AccountUpdate {
  const update = Object.assign(AccountUpdate.create(address, token), {
    lazyAuthorization: { kind: 'lazy-signature' },
  });
  const { body } = update;
  body.useFullCommitment = Bool(true);
  body.authorizationKind.isSigned = Bool(true);
  const fields = Attestation.toFields(new Attestation(attestation(answer)));
  body.actions = AccountUpdate.Actions.pushEvent(body.actions, fields);
  return update;
}

describe('a history of more blocks than an archive searches at once', () => {
  let checkpoint: Checkpoint;

  it('is read whole, with blocks and transactions from actions and not from events', async () => {
    const reading = await readAll(address);
    expect(answers(reading.attestations)).toEqual([7, 8, 9]);
    expect(reading).toMatchObject({ behind: false, skipped: 0, known: 0 });
    const [first, second, third] = reading.attestations;
    expect(Number(third.blockHeight) - Number(second.blockHeight)).toBe(2 * RANGE + 1);
    expect(third.depth).toBe(2 * RANGE);
    expect(reading.contract.blockHeight).toBe(Number(third.blockHeight) + 2 * RANGE);
    expect(new Set([first, second, third].map((each) => each.transactionHash)).size).toBe(3);
    expect(first.transactionHash).toMatch(/^5J/);
    checkpoint = reading.checkpoint();
  });

  it('is read from a checkpoint, which is checked', async () => {
    const from = async (value: unknown) => await readAll(address, { checkpoint: value });
    const good = await from(JSON.parse(JSON.stringify(checkpoint)));
    expect(good).toMatchObject({ known: opened + 3, checkpointProblem: undefined });
    const damaged = structuredClone(checkpoint);
    damaged.updates[opened + 1].actions[0][3] = '88';
    for (const bad of [damaged, { ...checkpoint, version: 2 }, 'nonsense']) {
      const reading = await from(bad);
      expect(reading.checkpointProblem).toBeDefined();
      expect(reading.known).toBe(0);
      expect(answers(reading.attestations)).toEqual([7, 8, 9]);
    }
  });

  it('is kept where the store is, and read on from there', async () => {
    const kept = new Map<string, Checkpoint>();
    const checkpoints = {
      load: (of: string) => Promise.resolve(kept.get(of)),
      save: (each: Checkpoint) => Promise.resolve(void kept.set(each.address, each)),
    };
    await readAll(address, { checkpoints });
    expect(await readAll(address, { checkpoints })).toMatchObject({ known: opened + 3 });
    const full = { ...checkpoints, save: () => Promise.reject(Error('ENOSPC')) };
    kept.clear();
    expect(await readAll(address, { checkpoints: full })).toMatchObject({
      checkpointProblem: { message: 'ENOSPC' },
    });
  });

  it('has other endpoints to fall back on', async () => {
    const gone = 'http://127.0.0.1:1/graphql';
    connect({ nodes: [gone, node.url], archives: [gone, node.url] });
    expect(answers((await readAll(address)).attestations)).toEqual([7, 8, 9]);
    connect({ nodes: node.url, archives: gone });
    await expect(readAll(address)).rejects.toMatchObject({
      code: 'ARCHIVE_UNAVAILABLE',
      where: gone,
    });
    connect({ nodes: node.url });
  });

  it('of a foreign account proves nothing', async () => {
    await expect(requireGenuine(address)).rejects.toMatchObject({
      code: 'NOT_GENUINE',
      got: expect.stringMatching(/other code.*permissions.*state/) as unknown,
    });
    expect(attestationPermissions().editActionState).toEqual(Permissions.proof());
  });

  it('has nothing to do with tokens made in its name, nor with the same key under another token', async () => {
    const before = await readAll(address);
    await send(async () => {
      AccountUpdate.fundNewAccount(payer.publicKey, 2);
      // nobody authorizes this: `access` is open
      const minting = AccountUpdate.create(address);
      const minted = AccountUpdate.create(payer.publicKey, TokenId.derive(address));
      minted.balance.addInPlace(5);
      const foreign = AccountUpdate.create(payer.publicKey);
      const namesake = dispatchCopyable(66, TokenId.derive(payer.publicKey));
      for (const [parent, child] of [
        [minting, minted],
        [foreign, namesake],
      ]) {
        child.body.mayUseToken = AccountUpdate.MayUseToken.ParentsOwnToken;
        parent.approve(child);
      }
      await Promise.resolve();
    });
    const token = TokenId.toBase58(TokenId.derive(address));
    const holder = `account(publicKey: "${payer.publicKey.toBase58()}", token: "${token}")`;
    const { data } = await query(node.url, `{ ${holder} { balance { total } } }`);
    expect(data).toEqual({ account: { balance: { total: '5' } } });
    const after = await readAll(address);
    expect(after.attestations.map(({ key: each }) => each.toString())).toEqual(
      before.attestations.map(({ key: each }) => each.toString()),
    );
    expect(after).toMatchObject({ behind: false, skipped: 0 });
  });

  it('is followed to a depth', async () => {
    const abort = new AbortController();
    const options = { signal: abort.signal, intervalMs: 20, from: 3, minDepth: 2 };
    const feed = subscribeAttestations(address, options);
    await submit(10);
    const next = feed.next();
    const early = await Promise.race([
      next.then(() => 'reported'),
      new Promise((resolve) => setTimeout(() => resolve('nothing'), 1000)),
    ]);
    expect(early).toBe('nothing');
    await blocks(2);
    const { value } = await next;
    expect(value).toMatchObject({ index: 3, depth: 2 });
    abort.abort();
  });

  it('holds copies of an account update, which an archive tells of once', async () => {
    // twice in one transaction, with another in between, and again in another transaction of the same block
    const { publicKey: sender } = payer;
    let nonce = Number(present((await fetchAccount({ publicKey: sender })).account).nonce);
    for (const copies of [[20, 21, 20], [20]]) {
      const transaction = await Mina.transaction({ sender, fee: FEE, nonce: nonce++ }, async () => {
        for (const answer of copies) dispatchCopyable(answer);
        await Promise.resolve();
      });
      await transaction.sign([payer.privateKey, key]).send();
    }
    await blocks(1);
    const reading = await readAll(address);
    expect(answers(reading.attestations)).toEqual([7, 8, 9, 10, 20, 21, 20, 20]);
    expect(reading).toMatchObject({ behind: false, skipped: 0 });
    const last = reading.attestations.slice(-4);
    expect(new Set(last.map(({ transactionHash }) => transactionHash)).size).toBe(2);
    expect(last.map(({ first }) => first)).toEqual([4, 5, 4, 4]);
  });

  it('is whole where the archive cuts larger ranges short, without a word', async () => {
    await node.stop();
    node = await spawnNode(join(folder, 'chain'), 0, RANGE, true);
    connect({ nodes: node.url });
    for (const blockRange of [10_000, 3 * RANGE]) {
      const reading = await readAll(address, { blockRange });
      expect(answers(reading.attestations)).toEqual([7, 8, 9, 10, 20, 21, 20, 20]);
      expect(reading.behind).toBe(false);
      expect(reading.blockRange).toBeLessThanOrEqual(RANGE);
    }
  });
});
