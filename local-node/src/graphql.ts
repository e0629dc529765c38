/** The schema with its resolvers over a chain. */
import {
  buildSchema,
  type GraphQLScalarType,
  type GraphQLSchema,
  Kind,
  type ValueNode,
} from 'graphql';
import { Field, PublicKey, TokenId } from 'o1js';
import { accountView, blockView, commandView, pathView, type Encodings } from './views.js';
import type { Block, Chain } from './chain.js';
import { AttensorError, present } from '@attensor/core';
import { type ActionBlock, type EmittedBlock, searched } from './history.js';
import { DEFAULT_TOKEN } from './ledger.js';
import { MAX_BLOCKS } from './query-cost.js';
import { SCHEMA } from './schema.js';
import { type SignatureInput, signatureOf, type SignedCommand } from './signed-command.js';

/** What a real network's consensus is configured with, as far as clients ask. */
export const CONSENSUS = { k: 290, slotsPerEpoch: 7140 };

export function graphqlSchema(): GraphQLSchema {
  const schema = buildSchema(SCHEMA);
  const scalar = (name: string, parse: (value: unknown) => unknown) => {
    const type = schema.getType(name) as GraphQLScalarType;
    type.parseValue = parse;
    type.parseLiteral = (node) => parse(literal(node));
  };
  scalar('ZkappCommandInput', (value) => value);
  scalar('PublicKey', (value) => checked('PublicKey', value, PublicKey.fromBase58));
  scalar('TokenId', (value) => checked('TokenId', value, TokenId.fromBase58));
  scalar('UInt64', (value) => digits('UInt64', value, 64));
  scalar('UInt32', (value) => digits('UInt32', value, 32));
  return schema;
}

/** A literal of a query as JSON. Keys of objects are bare, names of enumerations are strings. */
function literal(node: ValueNode): unknown {
  switch (node.kind) {
    case Kind.OBJECT:
      return Object.fromEntries(node.fields.map(({ name, value }) => [name.value, literal(value)]));
    case Kind.LIST:
      return node.values.map(literal);
    case Kind.INT:
      return Number.isSafeInteger(Number(node.value)) ? Number(node.value) : node.value;
    case Kind.NULL:
      return null;
    case Kind.VARIABLE:
      throw TypeError('a variable can only stand for a whole argument');
    default:
      return node.value;
  }
}

function checked(name: string, value: unknown, parse: (text: string) => unknown): string {
  try {
    parse(value as string);
    return value as string;
  } catch {
    throw TypeError(`${name}: expected base58, got ${JSON.stringify(value)}`);
  }
}

function digits(name: string, value: unknown, bits: number): string {
  const text = String(value);
  if (/^\d{1,20}$/.test(text) && BigInt(text) < 1n << BigInt(bits)) return BigInt(text).toString();
  throw TypeError(`${name}: expected a number below 2^${bits}, got ${JSON.stringify(value)}`);
}

interface SendInput {
  from: string;
  to: string;
  fee: string;
  amount?: string;
  nonce?: string | null;
  memo?: string | null;
  validUntil?: string | null;
}
interface MembershipArgs {
  accountInfos: { publicKey: string; token?: string | null }[];
  stateHash: string;
}
interface ArchiveInput {
  address: string;
  tokenId?: string | null;
  from?: number | null;
  to?: number | null;
  fromActionState?: string | null;
  endActionState?: string | null;
}

interface ServiceOptions {
  startedAt: number;
  /** Blocks that the archive searches for one question. */
  blockRange: number;
  /** Cuts larger ranges short, instead of refusing them. */
  cutsRanges?: boolean;
}

export function rootValue(
  chain: Chain,
  encodings: Encodings,
  { startedAt, blockRange, cutsRanges = false }: ServiceOptions,
) {
  const { genesis } = chain;
  const block = (each: Block) => blockView(each, chain, encodings, CONSENSUS.slotsPerEpoch);

  const send = async (
    kind: SignedCommand['kind'],
    { input, signature }: { input: SendInput; signature?: SignatureInput | null },
  ) => {
    const { from, to, fee, amount } = input;
    const sender = chain.pendingAccount({ publicKey: from, tokenId: DEFAULT_TOKEN });
    const common = {
      from,
      to,
      fee,
      nonce: input.nonce ?? sender?.nonce ?? '0',
      memo: input.memo ?? '',
      validUntil: input.validUntil ?? '4294967295',
      signature: signatureOf(signature),
    };
    const command: SignedCommand =
      kind === 'payment'
        ? { ...common, kind, amount: present(amount, 'the amount of a payment') }
        : { ...common, kind };
    return commandView(await chain.submitSigned(command));
  };

  const pooled =
    (zkapp: boolean) =>
    (filter: { publicKey?: string | null; hashes?: string[] | null; ids?: string[] | null }) =>
      chain.pendingTransactions
        .filter(({ kind }) => (kind === 'zkapp') === zkapp)
        .filter(({ hash, feePayer }) => {
          const wanted = filter.hashes ?? filter.ids;
          return (
            (!filter.publicKey || filter.publicKey === feePayer) &&
            (!wanted || wanted.includes(hash))
          );
        })
        .map(commandView);

  const info = ({ block: of }: EmittedBlock) => ({
    height: of.height,
    stateHash: encodings.StateHash.toBase58(Field(of.stateHash)),
    parentHash: encodings.StateHash.toBase58(Field(of.previousStateHash)),
    ledgerHash: encodings.LedgerHash.toBase58(Field(of.ledgerHash)),
    chainStatus: 'canonical',
    timestamp: String(of.time),
    globalSlotSinceHardfork: of.slot,
    globalSlotSinceGenesis: of.slot,
    distanceFromMaxBlockHeight: chain.lastBlock.height - of.height,
  });
  const data = ({ emissions }: EmittedBlock) =>
    emissions.map((emission) => ({
      accountUpdateId: String(emission.accountUpdateId),
      data: emission.data,
      transactionInfo: {
        status: 'applied',
        hash: emission.transaction.hash,
        memo: emission.transaction.memo,
        authorizationKind: emission.authorization,
        sequenceNumber: emission.sequence,
        zkappAccountUpdateIds: emission.accountUpdateIds,
      },
    }));
  const range = ({ from, to }: ArchiveInput) =>
    searched(
      { from: from ?? undefined, to: to ?? undefined },
      { size: blockRange, cuts: cutsRanges, height: chain.lastBlock.height },
    );
  const accountOf = ({ address, tokenId }: ArchiveInput) => ({
    publicKey: checked('address', address, PublicKey.fromBase58),
    tokenId: tokenId ? checked('tokenId', tokenId, TokenId.fromBase58) : DEFAULT_TOKEN,
  });

  return {
    syncStatus: 'SYNCED',
    version: 'attensor-node',
    networkID: 'mina:testnet',
    daemonStatus: () => ({
      chainId: encodings.StateHash.toBase58(Field(chain.blocks[0].stateHash)),
      commitId: 'attensor-node',
      blockchainLength: chain.lastBlock.height,
      highestBlockLengthReceived: chain.lastBlock.height,
      syncStatus: 'SYNCED',
      stateHash: encodings.StateHash.toBase58(Field(chain.lastBlock.stateHash)),
      consensusMechanism: 'none',
      snarkWorkFee: 0,
      numAccounts: chain.accountIds().length,
      uptimeSecs: Math.floor((Date.now() - startedAt) / 1000),
      consensusConfiguration: {
        delta: 0,
        ...CONSENSUS,
        slotDuration: genesis.slotMilliseconds,
        epochDuration: genesis.slotMilliseconds * CONSENSUS.slotsPerEpoch,
        genesisStateTimestamp: new Date(genesis.timestamp).toISOString(),
        acceptableNetworkDelay: 0,
      },
    }),
    genesisConstants: () => ({
      accountCreationFee: genesis.accountCreationFee,
      coinbase: '0',
      genesisTimestamp: new Date(genesis.timestamp).toISOString(),
    }),
    bestChain: ({ maxLength }: { maxLength?: number | null }) => {
      const length = Math.min(maxLength ?? MAX_BLOCKS, MAX_BLOCKS);
      return length <= 0 ? [] : chain.blocks.slice(-length).map(block);
    },
    block: ({ height, stateHash }: { height?: number | null; stateHash?: string | null }) => {
      const found = chain.blocks.find((each) =>
        stateHash
          ? encodings.StateHash.toBase58(Field(each.stateHash)) === stateHash
          : each.height === height,
      );
      if (found !== undefined) return block(found);
      throw new AttensorError({
        code: 'BAD_ARGUMENT',
        what: 'there is no such block',
        expected: `a height from 1 to ${chain.lastBlock.height}, or a stateHash`,
        got: stateHash ?? String(height ?? 'neither'),
      });
    },
    genesisBlock: () => block(chain.blocks[0]),
    account: ({ publicKey, token }: { publicKey: string; token?: string | null }) => {
      const id = { publicKey, tokenId: token ?? DEFAULT_TOKEN };
      const account = chain.account(id);
      return account === undefined ? null : accountView(account, chain, encodings);
    },
    accounts: ({ publicKey }: { publicKey: string }) =>
      chain
        .accountIds()
        .filter((id) => id.publicKey === publicKey)
        .map((id) => accountView(present(chain.account(id), 'an account'), chain, encodings)),
    tokenOwner: ({ tokenId }: { tokenId: string }) => {
      const owner = chain.tokenOwner(tokenId);
      const account = owner === undefined ? undefined : chain.account(owner);
      return account === undefined ? null : accountView(account, chain, encodings);
    },
    encodedSnarkedLedgerAccountMembership: ({ accountInfos, stateHash }: MembershipArgs) => {
      const last = encodings.StateHash.toBase58(Field(chain.lastBlock.stateHash));
      if (stateHash !== last) {
        throw new AttensorError({
          code: 'BAD_ARGUMENT',
          what: 'membership is known for the last block only',
          expected: `stateHash ${last}`,
          got: stateHash,
          hint: 'Ask for bestChain(maxLength: 1), then again',
        });
      }
      return accountInfos.map(({ publicKey, token }) => {
        const membership = chain.membership({ publicKey, tokenId: token ?? DEFAULT_TOKEN });
        if (membership !== undefined) return { merklePath: pathView(membership.path) };
        throw new AttensorError({
          code: 'BAD_ARGUMENT',
          what: 'there is no such account in the ledger',
          got: publicKey,
        });
      });
    },
    transactionStatus: (ids: { payment?: string | null; zkappTransaction?: string | null }) => {
      const transaction = chain.transaction(ids.zkappTransaction ?? ids.payment ?? '');
      if (transaction === undefined) return 'UNKNOWN';
      return transaction.block === undefined ? 'PENDING' : 'INCLUDED';
    },
    pooledUserCommands: pooled(false),
    pooledZkappCommands: pooled(true),
    events: ({ input }: { input: ArchiveInput }) =>
      chain.history
        .eventsOf(accountOf(input), range(input))
        .map((each) => ({ blockInfo: info(each), eventData: data(each) }))
        .reverse(),
    actions: ({ input }: { input: ArchiveInput }) =>
      chain.history
        .actionsOf(accountOf(input), {
          ...range(input),
          fromState: input.fromActionState ?? undefined,
          endState: input.endActionState ?? undefined,
        })
        .map((each: ActionBlock) => ({
          blockInfo: info(each),
          actionData: data(each),
          actionState: { actionStateOne: each.after, actionStateTwo: each.before },
        })),
    networkState: () => ({
      maxBlockHeight: {
        canonicalMaxBlockHeight: chain.lastBlock.height,
        pendingMaxBlockHeight: chain.lastBlock.height,
      },
    }),
    sendZkapp: async ({ input }: { input: { zkappCommand: unknown } }) => ({
      zkapp: commandView(await chain.submitZkapp(input.zkappCommand)),
    }),
    sendPayment: async (args: Parameters<typeof send>[1]) => ({
      payment: await send('payment', args),
    }),
    sendDelegation: async (args: Parameters<typeof send>[1]) => ({
      delegation: await send('delegation', args),
    }),
    makeBlock: async () => block(await chain.makeBlock()),
  };
}
