import { present } from '@attensor/core';
import '@attensor/contracts/testing/native-backend';
import { afterAll, beforeAll, describe, expect, it } from '@jest/globals';
import Client from 'mina-signer';
import { appendFile, mkdtemp, rm } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import {
  AccountUpdate,
  checkZkappTransaction,
  fetchAccount,
  fetchLastBlock,
  fetchTransactionStatus,
  initializeBindings,
  Lightnet,
  Mina,
  PrivateKey,
  type PublicKey,
} from 'o1js';
import { internals } from '@attensor/core/o1js';
import { rootOf, type PathElement } from '@attensor/contracts/ledger';
import { query, type SpawnedNode, spawnNode } from './testing/spawned-node.js';

const FEE = 100_000_000;
const signer = new Client({ network: 'testnet' });

let folder: string;
let node: SpawnedNode;

beforeAll(async () => {
  folder = await mkdtemp(join(tmpdir(), 'attensor-node-'));
  await initializeBindings();
  node = await spawnNode(join(folder, 'chain'));
  connect(node);
});
afterAll(async () => {
  await node.stop();
  await rm(folder, { recursive: true, force: true });
});

function connect({ url, accountManager }: SpawnedNode): void {
  const network = Mina.Network({
    mina: url,
    archive: url,
    lightnetAccountManager: accountManager,
  });
  Mina.setActiveInstance(network);
}

async function makeBlock(): Promise<void> {
  await query(node.url, 'mutation { makeBlock { stateHash } }');
}

async function balance(publicKey: PublicKey): Promise<bigint | undefined> {
  const { account } = await fetchAccount({ publicKey });
  return account?.balance.toBigInt();
}

/** A transfer as a zkApp command. */
async function transfer(
  from: { publicKey: PublicKey; privateKey: PrivateKey },
  to: PublicKey,
  amount: number | bigint,
  { create = false, nonce }: { create?: boolean; nonce?: number } = {},
) {
  const transaction = await Mina.transaction(
    { sender: from.publicKey, fee: FEE, nonce },
    async () => {
      if (create) AccountUpdate.fundNewAccount(from.publicKey);
      AccountUpdate.createSigned(from.publicKey).send({ to, amount: BigInt(amount) });
    },
  );
  return transaction.sign([from.privateKey]);
}

async function sendPayment(key: PrivateKey, to: PublicKey, amount: number, nonce: number) {
  const from = key.toPublicKey().toBase58();
  const { data, signature } = signer.signPayment(
    { from, to: to.toBase58(), amount, fee: FEE, nonce, memo: 'a payment' },
    key.toBase58(),
  );
  return await query(
    node.url,
    `mutation ($input: SendPaymentInput!, $signature: SignatureInput!) {
      sendPayment(input: $input, signature: $signature) { payment { hash memo amount } }
    }`,
    {
      input: JSON.parse(
        JSON.stringify(data, (_, v: unknown) => (typeof v === 'bigint' ? String(v) : v)),
      ),
      signature,
    },
  );
}

describe('test accounts', () => {
  it('are handed out, listed and taken back', async () => {
    const pair = await Lightnet.acquireKeyPair();
    expect(await balance(pair.publicKey)).toBe(1000n * 10n ** 9n);
    const listed = await Lightnet.listAcquiredKeyPairs({});
    expect(present(listed).map(({ publicKey }) => publicKey.toBase58())).toEqual([
      pair.publicKey.toBase58(),
    ]);
    expect(pair.privateKey.toPublicKey().toBase58()).toBe(pair.publicKey.toBase58());
    const publicKey = pair.publicKey.toBase58();
    expect(await Lightnet.releaseKeyPair({ publicKey })).toContain(publicKey);
    expect(await Lightnet.listAcquiredKeyPairs({})).toEqual([]);
  });
});

describe('zkApp test accounts', () => {
  it('have a verification key', async () => {
    const { publicKey } = await Lightnet.acquireKeyPair({ isRegularAccount: false });
    const { account } = await fetchAccount({ publicKey });
    expect(present(present(account).zkapp).verificationKey).toBeDefined();
    await Lightnet.releaseKeyPair({ publicKey: publicKey.toBase58() });
    const again = await Lightnet.acquireKeyPair({ isRegularAccount: false });
    expect(again.publicKey.toBase58()).toBe(publicKey.toBase58());
  });
});

describe('o1js as a client', () => {
  it('sends a transaction, waits for its block and reads the result', async () => {
    const [alice, bob] = [await Lightnet.acquireKeyPair(), PrivateKey.random().toPublicKey()];
    const transaction = await transfer(alice, bob, 5e9, { create: true });
    const sent = await transaction.send();
    expect(sent.errors).toEqual([]);
    expect(await fetchTransactionStatus(sent.hash)).toBe('PENDING');
    // nothing is visible before it is in a block
    expect(await balance(bob)).toBeUndefined();
    const before = await fetchLastBlock();
    await makeBlock();
    const included = await sent.wait({ interval: 50 });
    expect(included.hash).toBe(sent.hash);
    expect(await fetchTransactionStatus(sent.hash)).toBe('INCLUDED');
    expect(await balance(bob)).toBe(5_000_000_000n);
    expect(await balance(alice.publicKey)).toBe(1000n * 10n ** 9n - 6_100_000_000n);
    const after = await fetchLastBlock();
    expect(after.blockchainLength.toBigint()).toBe(before.blockchainLength.toBigint() + 1n);
    expect(after.globalSlotSinceGenesis.toBigint()).toBeGreaterThan(
      before.globalSlotSinceGenesis.toBigint(),
    );

    const again = await transaction.safeSend();
    expect(again.errors.join()).toContain('DUPLICATE');
  });

  it('learns why a transaction failed; its fee is taken', async () => {
    const alice = await Lightnet.acquireKeyPair();
    const transaction = await transfer(alice, PrivateKey.random().toPublicKey(), 5e15);
    const sent = await transaction.send();
    await makeBlock();
    const { success, failureReason } = await checkZkappTransaction(sent.hash);
    expect(success).toBe(false);
    expect(JSON.stringify(failureReason)).toContain('Overflow');
    expect(await balance(alice.publicKey)).toBe(1000n * 10n ** 9n - BigInt(FEE));
  });

  it('several transactions of one sender land in one block', async () => {
    const [alice, bob] = [await Lightnet.acquireKeyPair(), PrivateKey.random().toPublicKey()];
    const hashes: string[] = [];
    for (const [nonce, create] of [true, false, false].entries()) {
      const transaction = await transfer(alice, bob, 1e9, { create, nonce });
      hashes.push((await transaction.send()).hash);
    }
    await makeBlock();
    for (const hash of hashes) expect((await checkZkappTransaction(hash)).success).toBe(true);
    expect(await balance(bob)).toBe(3_000_000_000n);
  });

  it('is refused a wrong nonce, a missing signature and a changed transaction', async () => {
    const [alice, bob] = [await Lightnet.acquireKeyPair(), PrivateKey.random().toPublicKey()];
    const late = await transfer(alice, bob, 1e9, { create: true, nonce: 7 });
    expect((await late.safeSend()).errors.join()).toContain('INVALID_NONCE');

    const changed = await transfer(alice, bob, 1e9, { create: true });
    changed.transaction.memo = 'changed';
    changed.transaction.feePayer.body.fee = changed.transaction.feePayer.body.fee.add(1);
    expect((await changed.safeSend()).errors.join()).toContain('INVALID_SIGNATURE');
    await makeBlock();
    expect(await balance(bob)).toBeUndefined();
  });
});

describe('payments and delegations', () => {
  it('signed by mina-signer move money, create accounts and set delegates', async () => {
    const [{ privateKey, publicKey }, bob] = [
      await Lightnet.acquireKeyPair(),
      PrivateKey.random().toPublicKey(),
    ];
    const first = await sendPayment(privateKey, bob, 3e9, 0);
    expect(first.errors).toBeUndefined();
    expect((await sendPayment(privateKey, bob, 1e9, 1)).errors).toBeUndefined();
    const { data, signature } = signer.signStakeDelegation(
      { from: publicKey.toBase58(), to: bob.toBase58(), fee: FEE, nonce: 2 },
      privateKey.toBase58(),
    );
    const { from, to } = data;
    const delegated = await query(
      node.url,
      `mutation { sendDelegation(
        input: {from: "${from}", to: "${to}", fee: "${FEE}", nonce: "2"},
        signature: {field: "${signature.field}", scalar: "${signature.scalar}"}
      ) { delegation { isDelegation hash } } }`,
    );
    expect(delegated.errors).toBeUndefined();
    await makeBlock();
    expect(await balance(bob)).toBe(3_000_000_000n);
    const { account } = await fetchAccount({ publicKey });
    expect(present(account).nonce.toString()).toBe('3');
    expect(present(present(account).delegate).toBase58()).toBe(bob.toBase58());
    expect(present(account).balance.toBigInt()).toBe(
      1000n * 10n ** 9n - 4_000_000_000n - 3n * BigInt(FEE),
    );
  });

  it('with a wrong signature are refused, and what fails costs its fee only', async () => {
    const [alice, bob] = [await Lightnet.acquireKeyPair(), PrivateKey.random().toPublicKey()];
    const other = PrivateKey.random();
    const forged = signer.signPayment(
      {
        from: other.toPublicKey().toBase58(),
        to: bob.toBase58(),
        amount: 1e9,
        fee: FEE,
        nonce: 0,
      },
      other.toBase58(),
    );
    const answer = await query(
      node.url,
      `mutation { sendPayment(
        input: {from: "${alice.publicKey.toBase58()}", to: "${bob.toBase58()}", amount: "1000000000", fee: "${FEE}", nonce: "0"},
        signature: {field: "${forged.signature.field}", scalar: "${forged.signature.scalar}"}
      ) { payment { hash } } }`,
    );
    expect(present(present(answer.errors)[0].extensions).code).toBe('INVALID_SIGNATURE');

    const small = await sendPayment(alice.privateKey, bob, 5, 0);
    const { hash } = (present(small.data).sendPayment as { payment: { hash: string } }).payment;
    await makeBlock();
    const { data } = await query(
      node.url,
      '{ bestChain(maxLength: 1) { transactions { userCommands { hash failureReason } } } }',
    );
    expect(JSON.stringify(data)).toContain(
      JSON.stringify({ hash, failureReason: 'Amount_insufficient_to_create_account' }),
    );
    expect(await balance(alice.publicKey)).toBe(1000n * 10n ** 9n - BigInt(FEE));
  });
});

describe('membership', () => {
  it("an account's path leads to the ledger hash of the last block", async () => {
    const { publicKey } = await Lightnet.acquireKeyPair();
    const { data } = await query(
      node.url,
      `{ account(publicKey: "${publicKey.toBase58()}") { leafHash merklePath { left right } }
         bestChain(maxLength: 1) { stateHash
           protocolState { blockchainState { stagedLedgerHash snarkedLedgerHash } } } }`,
    );
    const { account, bestChain } = data as {
      account: { leafHash: string; merklePath: { left: string | null; right: string | null }[] };
      bestChain: {
        stateHash: string;
        protocolState: {
          blockchainState: Record<'stagedLedgerHash' | 'snarkedLedgerHash', string>;
        };
      }[];
    };
    const pathOf = (elements: typeof account.merklePath) =>
      elements.map(({ left, right }): PathElement =>
        left !== null ? { left: BigInt(left) } : { right: BigInt(present(right)) },
      );
    const path = pathOf(account.merklePath);
    const { LedgerHash } = await internals();
    const { stagedLedgerHash } = bestChain[0].protocolState.blockchainState;
    expect(rootOf(BigInt(account.leafHash), path)).toBe(
      LedgerHash.fromBase58(stagedLedgerHash).toBigInt(),
    );

    const membership = (key: string, stateHash: string) =>
      query(
        node.url,
        `{ encodedSnarkedLedgerAccountMembership(
             accountInfos: [{ publicKey: "${key}" }], stateHash: "${stateHash}"
           ) { merklePath { left right } } }`,
      );
    const { stateHash } = bestChain[0];
    const snarked = await membership(publicKey.toBase58(), stateHash);
    const [found] = (
      snarked.data as {
        encodedSnarkedLedgerAccountMembership: Pick<typeof account, 'merklePath'>[];
      }
    ).encodedSnarkedLedgerAccountMembership;
    expect(rootOf(BigInt(account.leafHash), pathOf(found.merklePath))).toBe(
      LedgerHash.fromBase58(
        bestChain[0].protocolState.blockchainState.snarkedLedgerHash,
      ).toBigInt(),
    );
    for (const [key, state] of [
      [PrivateKey.random().toPublicKey().toBase58(), stateHash],
      [publicKey.toBase58(), 'another block'],
    ]) {
      expect((await membership(key, state)).errors).toMatchObject([
        { message: expect.stringContaining('BAD_ARGUMENT') as unknown },
      ]);
    }
  });
});

describe('malformed requests', () => {
  const post = (body: string, headers: Record<string, string> = {}) =>
    fetch(node.url, {
      method: 'POST',
      headers: { 'content-type': 'application/json', ...headers },
      body,
    });

  it.each([
    ['a syntax error', '{ account('],
    ['an unknown field', '{ nothing }'],
    ['a missing argument', '{ account { nonce } }'],
    ['a key that is none', '{ account(publicKey: "B62") { nonce } }'],
    [
      'a command that is none',
      'mutation { sendZkapp(input: {zkappCommand: {a: [1]}}) { zkapp { hash } } }',
    ],
    ['an unsigned payment', 'mutation { sendPayment(input: {from: "x"}) { payment { hash } } }'],
    ['deep nesting', `{ ${'a { '.repeat(5000)} b ${'} '.repeat(5000)} }`],
  ])('%s is answered with a GraphQL error', async (_name, text) => {
    const { errors } = await query(node.url, text);
    expect(present(errors).length).toBeGreaterThan(0);
    expect(present(errors)[0].message).not.toMatch(/\n\s+at /);
  });

  it('a body that is not JSON, another method and another path too', async () => {
    for (const response of [
      await post('nope'),
      await fetch(node.url, { method: 'DELETE' }),
      await fetch(`${node.accountManager}/elsewhere`),
      await fetch(`${node.accountManager}/release-account`, { method: 'PUT', body: '{}' }),
    ]) {
      expect(response.status).toBeGreaterThanOrEqual(400);
      expect(response.status).toBeLessThan(500);
    }
  });

  it('a body that is too large is not read', async () => {
    const response = await post(JSON.stringify({ query: ' '.repeat(5_000_000) })).catch(
      () => undefined,
    );
    expect(response?.status ?? 413).toBe(413);
    expect((await query(node.url, '{ syncStatus }')).data).toEqual({ syncStatus: 'SYNCED' });
  });

  it('a page may ask from anywhere', async () => {
    const preflight = await fetch(node.url, { method: 'OPTIONS' });
    expect(preflight.status).toBe(204);
    expect(preflight.headers.get('access-control-allow-origin')).toBe('*');
    const answer = await post('{"query":"{ syncStatus }"}', { origin: 'https://example.org' });
    expect(answer.headers.get('access-control-allow-origin')).toBe('*');
  });
});

describe('crashes', () => {
  it('lose no acknowledged transaction', async () => {
    const data = join(folder, 'crash');
    let crashing = await spawnNode(data);
    connect(crashing);
    const [alice, bob] = [await Lightnet.acquireKeyPair(), PrivateKey.random().toPublicKey()];
    const acknowledged: string[] = [];
    for (const [nonce, create] of [true, false, false, false].entries()) {
      const transaction = await transfer(alice, bob, 1e9, { create, nonce });
      const sent = transaction.safeSend().then(({ hash, status }) => {
        if (status === 'pending') acknowledged.push(hash);
      });
      // the last one meets the crash
      if (nonce < 3) await sent;
      else await Promise.race([sent, new Promise((resolve) => setTimeout(resolve, 30))]);
      if (nonce === 1) await query(crashing.url, 'mutation { makeBlock { stateHash } }');
    }
    await crashing.kill();
    // and the power goes in the middle of a write
    await appendFile(join(data, 'transactions.log'), '0123456789abcdef {"type":"zka');

    crashing = await spawnNode(data);
    connect(crashing);
    expect(crashing.stderr()).toContain('cut off');
    await query(crashing.url, 'mutation { makeBlock { stateHash } }');
    expect(acknowledged.length).toBeGreaterThanOrEqual(3);
    for (const hash of acknowledged) {
      expect((await checkZkappTransaction(hash)).success).toBe(true);
    }
    expect(await balance(bob)).toBeGreaterThanOrEqual(3_000_000_000n);
    await crashing.stop();

    // a clean stop and another start: the same chain
    const last = await spawnNode(data);
    const chainOf = async (url: string) => (await query(url, '{ bestChain { stateHash } }')).data;
    const chain = await chainOf(last.url);
    await last.stop();
    const reopened = await spawnNode(data);
    expect(await chainOf(reopened.url)).toEqual(chain);
    await reopened.stop();
    connect(node);
  });

  it('two nodes do not share a folder', async () => {
    await expect(spawnNode(join(folder, 'chain'))).rejects.toThrow('DATA_DIR_IN_USE');
  });

  it('a clock makes blocks', async () => {
    const ticking = await spawnNode(join(folder, 'clock'), 0.2);
    const height = async () => {
      const { data } = await query(ticking.url, '{ daemonStatus { blockchainLength } }');
      return (present(data).daemonStatus as { blockchainLength: number }).blockchainLength;
    };
    const first = await height();
    await new Promise((resolve) => setTimeout(resolve, 1000));
    expect(await height()).toBeGreaterThan(first + 1);
    await ticking.stop();
  });
});
