/** The contract's account and the last block, in one question to a daemon: a snapshot of one moment. */
import { parsePermissions, PERMISSIONS_SELECTION } from '@attensor/contracts/ledger';
import { z } from 'zod';
import { AttensorError } from '@attensor/core';
import { ask } from './graphql.js';

const digits = z.string().regex(/^\d{1,78}$/, 'a number in decimal');
const pathSchema = z
  .array(z.object({ left: digits.nullish(), right: digits.nullish() }))
  .max(64)
  .transform((path, context) =>
    path.map(({ left, right }) => {
      if ((left == null) === (right == null)) {
        context.addIssue('a Merkle path has one sibling at each height');
      }
      return { left: left ?? undefined, right: right ?? undefined };
    }),
  );
/** A Merkle path: a right sibling where the way to the leaf goes left, and the other way round. */
export type Path = z.infer<typeof pathSchema>;

const permissionsSchema = z.unknown().transform((json, context) => {
  try {
    return parsePermissions(json);
  } catch (error) {
    context.addIssue(error instanceof Error ? error.message : String(error));
    return z.NEVER;
  }
});
const optional = (schema: z.ZodType<string>) => schema.nullish().transform((text) => text ?? '0');
const numeral = z.union([digits, z.number().int().nonnegative()]).transform(String);

const accountSchema = z.object({
  publicKey: z.string(),
  tokenId: z.string(),
  tokenSymbol: z.string().nullish(),
  nonce: numeral,
  balance: z.object({ total: digits }),
  receiptChainHash: z.string(),
  delegateAccount: z.object({ publicKey: z.string() }).nullish(),
  votingFor: z.string(),
  timing: z.object({
    initialMinimumBalance: digits.nullish(),
    cliffTime: optional(numeral),
    cliffAmount: optional(numeral),
    vestingPeriod: numeral.nullish().transform((value) => value ?? '1'),
    vestingIncrement: optional(numeral),
  }),
  permissions: permissionsSchema,
  // the contract has eight fields; a network may have room for more
  zkappState: z.array(digits).min(8).nullish(),
  zkappUri: z.string().nullish(),
  provedState: z.boolean().nullish(),
  actionState: z.array(digits).length(5).nullish(),
  verificationKey: z.object({ verificationKey: z.string(), hash: digits }).nullish(),
  merklePath: pathSchema.nullish(),
});
export type LedgerAccount = z.infer<typeof accountSchema>;

const blockSchema = z.object({
  stateHash: z.string(),
  protocolState: z.object({
    blockchainState: z.object({
      date: z.string(),
      snarkedLedgerHash: z.string(),
      stagedLedgerHash: z.string(),
    }),
    consensusState: z.object({ blockHeight: numeral }),
  }),
});

const viewSchema = z.object({
  account: accountSchema.nullable(),
  bestChain: z.array(blockSchema).min(1),
});

const QUERY = `query ($address: PublicKey!) {
  account(publicKey: $address) {
    publicKey tokenId tokenSymbol nonce
    balance { total } receiptChainHash delegateAccount { publicKey } votingFor
    timing { initialMinimumBalance cliffTime cliffAmount vestingPeriod vestingIncrement }
    ${PERMISSIONS_SELECTION}
    zkappState zkappUri provedState actionState
    verificationKey { verificationKey hash }
    merklePath { left right }
  }
  bestChain(maxLength: 1) {
    stateHash
    protocolState {
      blockchainState { date snarkedLedgerHash stagedLedgerHash }
      consensusState { blockHeight }
    }
  }
}`;

/** MINA itself. */
const DEFAULT_TOKEN = 'wSHV2S4qX9jFsLjQo8r1BsMLH2ZRKsZx6EJd1sbozGPieEC4Jf';

export interface LedgerView {
  node: string;
  account: LedgerAccount;
  block: {
    height: number;
    stateHash: string;
    /** milliseconds since 1970 */
    time: number;
    stagedLedgerHash: string;
    snarkedLedgerHash: string;
  };
}

/** @throws NODE_UNAVAILABLE, BAD_ANSWER, NO_CONTRACT */
export async function fetchLedgerView(node: string, address: string): Promise<LedgerView> {
  const { account, bestChain } = await ask(node, QUERY, { address }, viewSchema);
  if (!account?.zkappState || !account.verificationKey) {
    throw new AttensorError({
      code: 'NO_CONTRACT',
      what: account === null ? 'there is no such account' : 'this account has no contract',
      where: `${address}, according to ${node}`,
      hint: 'Check the address and the network',
    });
  }
  if (account.publicKey !== address || account.tokenId !== DEFAULT_TOKEN) {
    throw new AttensorError({
      code: 'BAD_ANSWER',
      what: 'the node answered about another account',
      where: node,
      expected: address,
      got: `${account.publicKey}, token ${account.tokenId}`,
      hint: 'Choose another node',
    });
  }
  const { stateHash, protocolState } = bestChain[bestChain.length - 1];
  const { date, stagedLedgerHash, snarkedLedgerHash } = protocolState.blockchainState;
  return {
    node,
    account,
    block: {
      height: Number(protocolState.consensusState.blockHeight),
      stateHash,
      time: Number(date),
      stagedLedgerHash,
      snarkedLedgerHash,
    },
  };
}

const membershipSchema = z.object({
  encodedSnarkedLedgerAccountMembership: z.array(z.object({ merklePath: pathSchema })).length(1),
});

const MEMBERSHIP = `query ($accountInfos: [AccountInput!]!, $stateHash: String!) {
  encodedSnarkedLedgerAccountMembership(accountInfos: $accountInfos, stateHash: $stateHash) {
    merklePath { left right }
  }
}`;

/** The account's path in the snarked ledger of the view's block. @throws NODE_UNAVAILABLE, BAD_ANSWER */
export async function fetchSnarkedPath({ node, account, block }: LedgerView): Promise<Path> {
  const { publicKey, tokenId: token } = account;
  const variables = { accountInfos: [{ publicKey, token }], stateHash: block.stateHash };
  const answer = await ask(node, MEMBERSHIP, variables, membershipSchema);
  return answer.encodedSnarkedLedgerAccountMembership[0].merklePath;
}
