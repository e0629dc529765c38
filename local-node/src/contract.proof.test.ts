import { present } from '@attensor/core';
import '@attensor/contracts/testing/native-backend';
import { afterAll, beforeAll, describe, expect, it } from '@jest/globals';
import { mkdtemp, rm } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import {
  AccountUpdate,
  Bool,
  checkZkappTransaction,
  fetchAccount,
  Field,
  Lightnet,
  Mina,
  PrivateKey,
  Reducer,
} from 'o1js';
import { QueueContract } from './testing/queue-contract.js';
import { query, type SpawnedNode, spawnNode } from './testing/spawned-node.js';

const FEE = 100_000_000;
const contractKey = PrivateKey.random();
const address = contractKey.toPublicKey();
const contract = new QueueContract(address);

let folder: string;
let node: SpawnedNode;
let payers: Awaited<ReturnType<typeof Lightnet.acquireKeyPair>>[];

beforeAll(async () => {
  folder = await mkdtemp(join(tmpdir(), 'attensor-proofs-'));
  await QueueContract.compile();
  await start();
  payers = await Promise.all([0, 1, 2].map(() => Lightnet.acquireKeyPair()));
});
afterAll(async () => {
  await node.stop();
  await rm(folder, { recursive: true, force: true });
});

async function start(): Promise<void> {
  node = await spawnNode(join(folder, 'chain'));
  const { url, accountManager } = node;
  Mina.setActiveInstance(
    Mina.Network({ mina: url, archive: url, lightnetAccountManager: accountManager }),
  );
}

async function makeBlock(): Promise<void> {
  await query(node.url, 'mutation { makeBlock { stateHash } }');
}

async function prove(payer: number, call: () => Promise<void>) {
  const { publicKey: sender } = payers[payer];
  const transaction = await Mina.transaction({ sender, fee: FEE }, call);
  return await transaction.prove();
}

async function proved(payer: number, call: () => Promise<void>, ...signers: PrivateKey[]) {
  return (await prove(payer, call)).sign([payers[payer].privateKey, ...signers]);
}

describe('a contract', () => {
  it('is deployed', async () => {
    const [{ publicKey: sender }] = payers;
    const deployment = await proved(
      0,
      async () => {
        AccountUpdate.fundNewAccount(sender);
        await contract.deploy();
      },
      contractKey,
    );
    const deployed = await deployment.send();
    await makeBlock();
    await deployed.wait({ interval: 50 });
  });

  it('is used with a proof, and refuses it beside a change, of another one, or none', async () => {
    const transaction = await prove(0, () => contract.setTotal(Field(7)));
    const honest = transaction.toJSON();

    const forged = Mina.Transaction.fromJSON(honest);
    forged.transaction.accountUpdates[0].body.update.appState[0].value = Field(9);
    forged.transaction.feePayer.lazyAuthorization = { kind: 'lazy-signature' };
    const refused = await forged.sign([payers[0].privateKey]).safeSend();
    expect(refused.errors.join()).toContain('INVALID_PROOF');
    const { data } = await query(node.url, 'query { syncStatus }');
    expect(data).toEqual({ syncStatus: 'SYNCED' });
    await makeBlock();
    expect(present(await contract.total.fetch()).toString()).toBe('0');

    // without its proof it has no authorization at all
    const stripped = JSON.parse(honest) as { accountUpdates: { authorization: object }[] };
    stripped.accountUpdates[0].authorization = { proof: null, signature: null };
    const { errors } = await query(
      node.url,
      'mutation ($c: ZkappCommandInput!) { sendZkapp(input: {zkappCommand: $c}) { zkapp { hash } } }',
      { c: stripped },
    );
    expect(present(present(errors)[0].extensions).code).toBe('INVALID_PROOF');

    const total = await transaction.sign([payers[0].privateKey]).send();
    expect(total.errors).toEqual([]);
    await makeBlock();
    await total.wait({ interval: 50 });
    expect(present(await contract.total.fetch()).toString()).toBe('7');
  });

  it('a proof is verified, and refused, in the very transaction that deploys its contract', async () => {
    const key = PrivateKey.random();
    const fresh = new QueueContract(key.toPublicKey());
    const transaction = await prove(2, async () => {
      AccountUpdate.fundNewAccount(payers[2].publicKey);
      await fresh.deploy();
      await fresh.add(Field(1));
    });
    const { accountUpdates } = transaction.transaction;
    const proved = present(
      accountUpdates.find(({ body }) => body.authorizationKind.isProved.toBoolean()),
    );
    proved.body.incrementNonce = Bool(true);
    const forged = await transaction.sign([payers[2].privateKey, key]).safeSend();
    expect(forged.errors.join()).toContain('INVALID_PROOF');
  });

  it('actions that two senders proved for one block are both kept, with events, over a crash', async () => {
    const values = [11, 12];
    const hashes: string[] = [];
    for (const [payer, value] of values.entries()) {
      const sent = await (await proved(payer, () => contract.add(Field(value)))).send();
      expect(sent.errors).toEqual([]);
      hashes.push(sent.hash);
    }
    await node.kill();
    await start();
    await makeBlock();
    for (const hash of hashes) expect((await checkZkappTransaction(hash)).success).toBe(true);

    // o1js derives the action state from these, and compares
    const actions = await Mina.fetchActions(address);
    if ('error' in actions) throw Error(actions.error.statusText);
    expect(actions.flatMap((each) => each.actions.flat())).toEqual(values.map(String));
    const { account } = await fetchAccount({ publicKey: address });
    const [state] = present(present(account).zkapp).actionState;
    expect(present(actions.at(-1)).hash).toBe(state.toString());
    const since = await Mina.fetchActions(address, { fromActionState: state });
    expect(since).toEqual([]);
    const all = await Mina.fetchActions(address, {
      fromActionState: Reducer.initialActionState,
      endActionState: state,
    });
    expect(all).toEqual(actions);

    const events = await contract.fetchEvents();
    expect(events.map(({ event }) => String(event.data)).sort()).toEqual(values.map(String));
    expect(events.map(({ event }) => event.transactionInfo.transactionHash).sort()).toEqual(
      [...hashes].sort(),
    );
  });
});
