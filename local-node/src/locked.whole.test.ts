import '@attensor/contracts/testing/native-backend';
import { afterAll, beforeAll, describe, expect, it } from '@jest/globals';
import { attestationPermissions, readContract } from '@attensor/contracts';
import { mkdtemp, rm } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import {
  AccountUpdate,
  Lightnet,
  Mina,
  Permissions,
  PrivateKey,
  type PublicKey,
  VerificationKey,
} from 'o1js';
import { query, type SpawnedNode, spawnNode } from './testing/spawned-node.js';

let folder: string;
let node: SpawnedNode;
let payer: Awaited<ReturnType<typeof Lightnet.acquireKeyPair>>;

beforeAll(async () => {
  folder = await mkdtemp(join(tmpdir(), 'attensor-locked-'));
  node = await spawnNode(join(folder, 'chain'));
  const { url, accountManager } = node;
  Mina.setActiveInstance(
    Mina.Network({ mina: url, archive: url, lightnetAccountManager: accountManager }),
  );
  payer = await Lightnet.acquireKeyPair();
});
afterAll(async () => {
  await node.stop();
  await rm(folder, { recursive: true, force: true });
});

/** An account with some code, made by signatures: no proof is needed to have permissions. */
async function createZkapp(permissions: Permissions): Promise<PublicKey> {
  const key = PrivateKey.random();
  const verificationKey = await VerificationKey.dummy();
  const transaction = await Mina.transaction({ sender: payer.publicKey, fee: 1e8 }, async () => {
    AccountUpdate.fundNewAccount(payer.publicKey);
    const { account } = AccountUpdate.createSigned(key.toPublicKey());
    account.verificationKey.set(verificationKey);
    account.permissions.set(permissions);
  });
  await transaction.sign([payer.privateKey, key]).send();
  await query(node.url, 'mutation { makeBlock { stateHash } }');
  return key.toPublicKey();
}

const readLocked = async (...args: Parameters<typeof readContract>) =>
  (await readContract(...args)).locked;

describe('locked, over a network', () => {
  it("is true of an account with the contract's permissions", async () => {
    const address = await createZkapp(attestationPermissions());
    expect(await readContract(address, { graphql: node.url })).toMatchObject({
      locked: true,
      provedState: false,
    });
    // o1js 2.15 alone does not tell; once it does, `graphql` can go
    expect(await readLocked(address)).toBe(false);
  });

  it.each([
    ['those of any zkApp', Permissions.default()],
    ['another code', { setVerificationKey: Permissions.VerificationKey.signature() }],
    ['state by a signature', { editState: Permissions.proofOrSignature() }],
    ['funds that move', { send: Permissions.signature() }],
    ['permissions that are not final', { setPermissions: Permissions.signature() }],
  ])('is false if they allow more: %s', async (_, more) => {
    const address = await createZkapp({ ...attestationPermissions(), ...more });
    expect(await readLocked(address, { graphql: node.url })).toBe(false);
  });

  it('is not told of an account that is not there, or has no contract', async () => {
    const options = { graphql: node.url };
    for (const address of [PrivateKey.random().toPublicKey(), payer.publicKey])
      await expect(readContract(address, options)).rejects.toMatchObject({ code: 'NO_CONTRACT' });
  });

  it('is not told by a node that does not answer, or by what is none', async () => {
    const { publicKey } = await Lightnet.acquireKeyPair({ isRegularAccount: false });
    const read = (graphql: string) => readContract(publicKey, { graphql });
    await expect(read('http://127.0.0.1:9/graphql')).rejects.toMatchObject({
      code: 'NODE_UNAVAILABLE',
    });
    await expect(read(`${node.accountManager}/elsewhere`)).rejects.toMatchObject({
      code: 'BAD_ANSWER',
    });
  });
});
