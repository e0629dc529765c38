/** The contract's account as a node holds it: its state, and what guards it. */
import { AttensorError, shownUrl } from '@attensor/core';
import { fetchAccount, fetchLastBlock, Field, Mina, type Permissions, type PublicKey } from 'o1js';
import { z } from 'zod';
import { EMPTY_ACTION_STATE } from './actions.js';
import { AttestationContract, isLocked } from './attestation-contract.js';
import { Commitment } from './commitment.js';
import { activeConnection, endpointList, type Endpoints } from './endpoints.js';
import { agreedAnswers, askNode, badAnswer, type Endpoint, firstAnswer } from './graphql.js';
import type { HistoryState } from './history.js';
import {
  parsePermissions,
  PERMISSIONS_SELECTION,
  permissionsFromJson,
} from './ledger/permissions.js';

/** Options of `readContract`. */
export interface ReadContractOptions {
  /**
   * GraphQL of a node, where `connect` has not been told any: o1js does not give back that of `Mina.Network`. Over a network `locked`
   * needs it, since o1js 2.15 loses a permission of accounts that it fetches.
   */
  graphql?: Endpoints;
}

/** The contract's whole state. */
export interface ContractState extends HistoryState {
  commitment: Commitment;
  /** `ownerHash` of the owner's key. */
  owner: Field;
  /** True when every state change since creation was made by a proof: false before `initialize`. */
  provedState: boolean;
  /** Version of the queue and the record; `RECORD_VERSION` for this code. */
  recordVersion: number;
  /**
   * True when the account has the permissions that `deploy` sets, for the present network version. Over a network false without
   * `connect` or `graphql`.
   */
  locked: boolean;
  /** Hash of the contract's own verification key: which code guards this account. */
  contractKeyHash: Field;
  /** Of the node's last block; undefined on a chain in this process. */
  blockHeight?: number;
  /** The account's last five action states, the present one first. */
  actionStates: Field[];
}

/** Does the active chain live in this process? It has no blocks that it could take back. */
export const isEmbedded = (): boolean => 'addAccount' in Mina.activeInstance;

/**
 * The contract's whole state.
 *
 * **Warning**: any account can hold any eight fields. Use `requireGenuine` before trusting an address that you did not deploy.
 *
 * @throws NO_CONTRACT if there is no zkApp at `address`, NODE_UNAVAILABLE, BAD_ANSWER; NODES_DISAGREE where `connect` was told how many
 * nodes must agree
 */
export async function readContract(
  address: PublicKey,
  { graphql }: ReadContractOptions = {},
): Promise<ContractState> {
  const connection = activeConnection();
  if (connection !== undefined) {
    const ask = (node: Endpoint) => fetchContract(node, address);
    if (graphql !== undefined) return await firstAnswer(endpointList(graphql), ask);
    const { nodes, agree } = connection;
    return agree === 1 ? await firstAnswer(nodes, ask) : await agreed(nodes, agree, ask);
  }
  const contract = new AttestationContract(address);
  // first the permissions: if they are final, the code that is read after them is the code they guard
  const told =
    graphql === undefined
      ? undefined
      : await firstAnswer(endpointList(graphql), (node) => fetchPermissions(node, address));
  const account = await loadAccount(contract);
  const zkapp = account?.zkapp;
  if (account === undefined || zkapp?.verificationKey === undefined) {
    throw noContract(address, 'on the active Mina instance');
  }
  return {
    ...stateOf(contract, zkapp.appState),
    actionState: zkapp.actionState[0] ?? EMPTY_ACTION_STATE,
    actionStates: zkapp.actionState,
    provedState: zkapp.provedState.toBoolean(),
    locked: isLocked(told ?? account.permissions),
    contractKeyHash: zkapp.verificationKey.hash,
    blockHeight: isEmbedded() ? undefined : await lastHeight(),
  };
}

/** Of the block that all who agree have seen, so that nothing is deeper than one of them says. */
async function agreed(
  nodes: readonly Endpoint[],
  needed: number,
  ask: (node: Endpoint) => Promise<ContractState>,
): Promise<ContractState> {
  const alike = (state: ContractState) => JSON.stringify({ ...state, blockHeight: undefined });
  const heightOf = ({ blockHeight = 0 }: ContractState) => blockHeight;
  const inWords = (state: ContractState) => `an account as of block ${heightOf(state)}`;
  const states = await agreedAnswers(nodes, ask, { needed, alike, inWords });
  return states.reduce((a, b) => (heightOf(b) < heightOf(a) ? b : a));
}

function stateOf(contract: AttestationContract, state: Field[]) {
  return {
    commitment: new Commitment({
      modelRoot: contract.modelRoot.fromAppState(state),
      vocabularyRoot: contract.vocabularyRoot.fromAppState(state),
      verifierKeyHash: contract.verifierKeyHash.fromAppState(state),
    }),
    owner: contract.owner.fromAppState(state),
    root: contract.root.fromAppState(state),
    count: Number(contract.count.fromAppState(state).toBigInt()),
    settledActions: contract.settledActions.fromAppState(state),
    recordVersion: Number(contract.recordVersion.fromAppState(state).toBigInt()),
  };
}

async function lastHeight(): Promise<number | undefined> {
  const block = await fetchLastBlock().catch(() => undefined);
  return block === undefined ? undefined : Number(block.blockchainLength.toBigint());
}

function noContract(address: PublicKey, on: string): AttensorError {
  return new AttensorError({
    code: 'NO_CONTRACT',
    what: `there is no attestation contract at this address ${on}`,
    where: address.toBase58(),
    hint: 'Check the address and the network',
  });
}

const digits = z.string().regex(/^\d{1,78}$/, 'a number in decimal');
/** State fields of an account in the present network version. */
const STATE_FIELDS = 8;
const ACTION_STATES = 5;
const contractSchema = z.object({
  account: z
    .object({
      publicKey: z.string(),
      zkappState: z.array(digits).min(STATE_FIELDS).nullish(),
      provedState: z.boolean().nullish(),
      actionState: z.array(digits).length(ACTION_STATES).nullish(),
      verificationKey: z.object({ hash: digits }).nullish(),
      permissions: z.unknown(),
    })
    .nullable(),
  bestChain: z
    .array(
      z.object({
        protocolState: z.object({ consensusState: z.object({ blockHeight: z.coerce.number() }) }),
      }),
    )
    .length(1),
});
// account and height in one question: of one block
const CONTRACT_QUERY = `query ($address: PublicKey!) {
  account(publicKey: $address) {
    publicKey zkappState provedState actionState verificationKey { hash } ${PERMISSIONS_SELECTION}
  }
  bestChain(maxLength: 1) { protocolState { consensusState { blockHeight } } }
}`;

/** @throws NO_CONTRACT, NODE_UNAVAILABLE, BAD_ANSWER */
async function fetchContract(node: Endpoint, address: PublicKey): Promise<ContractState> {
  const asked = address.toBase58();
  const answer = contractSchema.safeParse(await askNode(node, CONTRACT_QUERY, { address: asked }));
  if (!answer.success) {
    const [{ path, message }] = answer.error.issues;
    throw badAnswer(node, "the node's answer is malformed", `${path.join('.')}: ${message}`);
  }
  const { account, bestChain } = answer.data;
  if (!account?.verificationKey || !account.zkappState || !account.actionState)
    throw noContract(address, `according to ${shownUrl(node.url)}`);
  if (account.publicKey !== asked)
    throw badAnswer(node, 'the node answers with another account', account.publicKey);
  const actionStates = account.actionState.map((text) => Field(text));
  return {
    ...stateOf(
      new AttestationContract(address),
      account.zkappState.map((text) => Field(text)),
    ),
    actionState: actionStates[0],
    actionStates,
    provedState: account.provedState ?? false,
    locked: isLocked(permissionsOf(node, account.permissions)),
    contractKeyHash: Field(account.verificationKey.hash),
    blockHeight: bestChain[0].protocolState.consensusState.blockHeight,
  };
}

const PERMISSIONS_QUERY = `query ($address: PublicKey!) {
  account(publicKey: $address) { publicKey ${PERMISSIONS_SELECTION} }
}`;

/** As the node itself tells them. @throws NO_CONTRACT, NODE_UNAVAILABLE, BAD_ANSWER */
async function fetchPermissions(node: Endpoint, address: PublicKey): Promise<Permissions> {
  const asked = address.toBase58();
  const data = await askNode(node, PERMISSIONS_QUERY, { address: asked });
  const { account } = (data ?? {}) as {
    account?: { publicKey?: unknown; permissions?: unknown } | null;
  };
  if (account === null) throw noContract(address, `according to ${shownUrl(node.url)}`);
  if (account?.publicKey !== asked)
    throw noPermissions(node, `the account ${asked}`, JSON.stringify(account?.publicKey) ?? 'none');
  return permissionsOf(node, account.permissions);
}

function permissionsOf(node: Endpoint, json: unknown): Permissions {
  try {
    return permissionsFromJson(parsePermissions(json));
  } catch (error) {
    if (!(error instanceof RangeError)) throw error;
    const expected = 'all permissions that this version of o1js knows';
    throw noPermissions(node, expected, error.message, error);
  }
}

function noPermissions(node: Endpoint, expected: string, got: string, cause?: unknown) {
  return new AttensorError({
    code: 'BAD_ANSWER',
    what: "the node did not return the account's permissions",
    where: shownUrl(node.url),
    expected,
    got,
    hint: 'Choose another node',
    cause,
  });
}

/** The account as it is now, from the node where the active instance has one. */
async function loadAccount(contract: AttestationContract) {
  const { address } = contract;
  // o1js's embedded chain throws where there is no account, a remote one gives nothing
  const state = await contract.modelRoot.fetch().catch(() => null);
  if (state === undefined) {
    const { error } = await fetchAccount({ publicKey: address });
    if (error !== undefined && error.statusCode !== 404) {
      throw new AttensorError({
        code: 'NODE_UNAVAILABLE',
        what: 'the node did not return the account',
        where: address.toBase58(),
        got: error.statusText,
        hint: 'Try again, or set another node in Mina.Network',
      });
    }
    if (error !== undefined) return undefined;
  }
  return state !== null && Mina.hasAccount(address) ? Mina.getAccount(address) : undefined;
}
