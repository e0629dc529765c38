import '@attensor/contracts/testing/native-backend';
import { afterAll, beforeAll, describe, expect, it } from '@jest/globals';
import { present } from '@attensor/core';
import { internals } from '@attensor/core/o1js';
import { execute, getIntrospectionQuery, type GraphQLSchema, validate } from 'graphql';
import Client from 'mina-signer';
import { mkdtemp, rm } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { AccountUpdate, Bool, Int64, PrivateKey, PublicKey, TokenId, Types } from 'o1js';
import { Chain } from './chain.js';
import { type DataDir, openDataDir } from './data-dir.js';
import { graphqlSchema, rootValue } from './graphql.js';
import { DEFAULT_TOKEN } from './ledger.js';
import { parseQuery } from './query-cost.js';
import {
  ADDRESS,
  CLIENT_QUERIES,
  COMMAND,
  HASH,
  REFUSED_BY_DAEMONS,
  TOKEN,
} from './testing/client-queries.js';

const FEE = 10_000_000;
const signer = new Client({ network: 'testnet' });

let folder: string;
let dir: DataDir;
let chain: Chain;
let schema: GraphQLSchema;
let root: ReturnType<typeof rootValue>;

beforeAll(async () => {
  folder = await mkdtemp(join(tmpdir(), 'attensor-clients-'));
  const encodings = await internals();
  dir = await openDataDir(join(folder, 'chain'), {
    accounts: 2,
    balance: 100,
    slotMilliseconds: 1000,
  });
  ({ chain } = await Chain.open(dir));
  schema = graphqlSchema();
  root = rootValue(chain, encodings, { startedAt: Date.now(), blockRange: 10_000 });
});
afterAll(async () => {
  await chain.close();
  await dir.release();
  await rm(folder, { recursive: true, force: true });
});

/** As the server does it: what it costs, whether it is valid, what it answers. */
async function ask(text: string, variableValues: Record<string, unknown> = {}) {
  const document = parseQuery(text, {});
  const invalid = validate(schema, document);
  if (invalid.length > 0) throw Error(invalid.map(({ message }) => message).join('; '));
  const { data, errors } = await execute({ schema, document, rootValue: root, variableValues });
  if (errors !== undefined) throw Error(errors.map(({ message }) => message).join('; '));
  return JSON.parse(JSON.stringify(data)) as Record<string, unknown>;
}

const payer = () => dir.genesis.accounts[0];
const nonceOf = (publicKey: string) =>
  Number(chain.pendingAccount({ publicKey, tokenId: DEFAULT_TOKEN })?.nonce);

/** A zkApp command that gives a new key an account of the payer's own token. */
function tokenCommand(): { command: object; holder: string; token: string } {
  const { publicKey, privateKey } = payer();
  const [owner, holder] = [PublicKey.fromBase58(publicKey), PrivateKey.random().toPublicKey()];
  const token = TokenId.derive(owner);
  const pays = AccountUpdate.default(owner);
  pays.body.balanceChange = Int64.from(-1_000_000_000);
  pays.body.useFullCommitment = Bool(true);
  pays.body.authorizationKind.isSigned = Bool(true);
  const approves = AccountUpdate.default(owner);
  const holds = AccountUpdate.default(holder, token);
  holds.body.mayUseToken = { parentsOwnToken: Bool(true), inheritFromParent: Bool(false) };
  holds.body.callDepth = 1;
  const empty = Types.ZkappCommand.toJSON(Types.ZkappCommand.empty());
  const zkappCommand = {
    ...empty,
    accountUpdates: [pays, approves, holds].map((update) => update.toJSON()),
  };
  const feePayer = { feePayer: publicKey, fee: FEE, nonce: nonceOf(publicKey), memo: 'a token' };
  const argument = { zkappCommand, feePayer } as unknown as Parameters<
    Client['signZkappCommand']
  >[0];
  const { data } = signer.signZkappCommand(argument, privateKey);
  return {
    command: data.zkappCommand,
    holder: holder.toBase58(),
    token: TokenId.toBase58(token),
  };
}

/** JSON with bare keys, as o1js and zkapp-cli put a command into the text of a query. */
const bare = (command: object) => JSON.stringify(command, null, 2).replace(/"(\S+)"\s*:/gm, '$1:');

/** The 128 digits that hardware wallets give. */
function raw({ field, scalar }: { field: string; scalar: string }): string {
  const bytes = (number: string) =>
    Buffer.from(BigInt(number).toString(16).padStart(64, '0'), 'hex').reverse().toString('hex');
  return bytes(field) + bytes(scalar);
}

function signedVariables(delegation: boolean) {
  const { publicKey: from, privateKey } = payer();
  const to = dir.genesis.accounts[1].publicKey;
  const nonce = String(nonceOf(from));
  const common = { from, to, fee: String(FEE), nonce, memo: 'wallet', validUntil: '4294967295' };
  const { signature } = delegation
    ? signer.signStakeDelegation(common, privateKey)
    : signer.signPayment({ ...common, amount: '5' }, privateKey);
  return { ...common, amount: '5', ...signature, rawSignature: raw(signature) };
}

describe('requests of clients', () => {
  let token = DEFAULT_TOKEN;
  let holder = '';
  let hash = '';

  beforeAll(async () => {
    const made = tokenCommand();
    ({ hash } = await chain.submitZkapp(made.command));
    ({ token, holder } = made);
    await chain.makeBlock();
    expect(chain.transaction(hash)?.failures).toEqual([]);
  });

  it.each(CLIENT_QUERIES.map((each) => [`${each.client}: ${each.name}`, each.text]))(
    '%s',
    async (_, text) => {
      const stateHash = (
        (await ask('{ daemonStatus { stateHash } }')).daemonStatus as { stateHash: string }
      ).stateHash;
      const { publicKey } = payer();
      const sends = text.includes('mutation');
      const command = sends && text.includes('sendZkapp') ? tokenCommand().command : {};
      const variables: Record<string, unknown> = {
        ...(sends && signedVariables(text.includes('sendDelegation'))),
        ...{ publicKey, pubKey: publicKey, account0: publicKey, stateHash },
        account1: dir.genesis.accounts[1].publicKey,
        ...(text.includes('tokenState') && { publicKey: holder }),
        ...{ tokenId: token, paymentId: hash, zkappTransaction: hash, zkappCommandInput: command },
      };
      const filled = text
        .replaceAll(ADDRESS, publicKey)
        .replaceAll(TOKEN, text.includes('tokenOwner') ? token : DEFAULT_TOKEN)
        .replaceAll(HASH, hash)
        .replaceAll(COMMAND, bare(command));
      const before = chain.pendingTransactions.length;
      const answer = await ask(filled, variables);
      for (const value of Object.values(answer)) expect(value).not.toBeNull();
      expect(chain.pendingTransactions.length - before).toBe(sends ? 1 : 0);
    },
  );

  it('get what was sent: bodies of pooled commands, tokens and their owners', async () => {
    const pending = CLIENT_QUERIES.find(({ name }) => name === 'pendingZkTx')?.text ?? '';
    const { command } = tokenCommand();
    await chain.submitZkapp(command);
    const { pooledZkappCommands } = (await ask(pending, { publicKey: payer().publicKey })) as {
      pooledZkappCommands: { zkappCommand: object }[];
    };
    expect(present(pooledZkappCommands.at(-1)).zkappCommand).toMatchObject(command);

    const answer = await ask(
      `{ tokenOwner(tokenId: "${token}") { publicKey }
         accounts(publicKey: "${holder}") { tokenId balance { total } }
         none: tokenOwner(tokenId: "${DEFAULT_TOKEN}") { publicKey } }`,
    );
    expect(answer).toEqual({
      tokenOwner: { publicKey: payer().publicKey },
      accounts: [{ tokenId: token, balance: { total: '0' } }],
      none: null,
    });
  });

  it('are refused where a daemon refuses them', async () => {
    await expect(ask(REFUSED_BY_DAEMONS, { publicKey: holder, tokenId: token })).rejects.toThrow(
      'setVerificationKey',
    );
  });

  it('may ask for the schema', async () => {
    expect(await ask(getIntrospectionQuery())).toHaveProperty('__schema');
  });
});

describe('a query that asks for too much', () => {
  const spread = (levels: number) =>
    Array.from(
      { length: levels },
      (_, i) => `fragment f${i} on Query { ...f${i + 1} ...f${i + 1} }`,
    ).join(' ') + ` fragment f${levels} on Query { syncStatus }`;
  const many = (count: number, field: string) =>
    `{ ${Array.from({ length: count }, (_, i) => `a${i}: ${field}`).join(' ')} }`;
  const path = 'account(publicKey: "B62") { merklePath { left } }';

  it.each([
    ['2,000 names of one field', many(2000, 'syncStatus')],
    ['300 paths', many(300, path)],
    ['50 chains', many(50, 'bestChain { stateHash stateHashField creator }')],
    [
      '50 chains whose length is a variable',
      many(50, 'bestChain(maxLength: $n) { creator stateHash }'),
    ],
    ['deep nesting', `{ ${'a { '.repeat(30)} b ${'} '.repeat(30)} }`],
    ['very deep nesting', `{ ${'a { '.repeat(60_000)} b ${'} '.repeat(60_000)} }`],
    [
      'a schema that leads to itself',
      `{ __schema { types { ${'fields { type { '.repeat(7)} name ${'} } '.repeat(7)} } } }`,
    ],
    [
      'fragments that multiply',
      `{ ...f0 } ${spread(40)} fragment g on Query { ${path} } { ${'...g '.repeat(200)} }`,
    ],
  ])('%s: refused at once', (_, text) => {
    const start = performance.now();
    expect(() => parseQuery(text, {})).toThrow(/QUERY_TOO_LARGE/);
    expect(performance.now() - start).toBeLessThan(500);
  });

  it('is not one that names a fragment often, or one in itself', () => {
    expect(parseQuery(`{ ...f0 } ${spread(5)}`, {}).definitions).toHaveLength(7);
    expect(() => parseQuery('{ ...f } fragment f on Query { ...f }', {})).not.toThrow();
  });
});

describe('limits of a zkApp command', () => {
  /** Updates that are signed each; the pool counts 10.08 for a pair and 9.14 for a single one, at most 69.45. */
  async function submit(count: number): Promise<string> {
    const { publicKey, privateKey } = payer();
    const updates = Array.from({ length: count }, () => {
      const update = AccountUpdate.default(PublicKey.fromBase58(publicKey));
      update.body.useFullCommitment = Bool(true);
      update.body.authorizationKind.isSigned = Bool(true);
      return update.toJSON();
    });
    const empty = Types.ZkappCommand.toJSON(Types.ZkappCommand.empty());
    const feePayer = { feePayer: publicKey, fee: FEE, nonce: nonceOf(publicKey), memo: '' };
    const argument = { zkappCommand: { ...empty, accountUpdates: updates }, feePayer };
    const { data } = signer.signZkappCommand(argument, privateKey);
    return await chain.submitZkapp(data.zkappCommand).then(
      () => 'accepted',
      (error: unknown) => (error as { code: string }).code,
    );
  }

  it('are those of the network', async () => {
    // with the fee payer's: 6 pairs are 60.48, 6 pairs and one are 69.62
    expect(await submit(11)).toBe('accepted');
    expect(await submit(12)).toBe('BAD_TRANSACTION');
  });
});
