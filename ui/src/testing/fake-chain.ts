/** For tests: a contract's account in a block, and its archive, as `fetch` answers about them. */
import {
  CONTRACT_KEY_HASH,
  EMPTY_ACTION_STATE,
  EMPTY_ROOT,
  MARKER,
  OPENED,
  RECORD_VERSION,
} from '@attensor/contracts';
import { accountHash, rootOf, type AccountJson } from '@attensor/contracts/ledger';
import { AccountUpdate, Field } from 'o1js';
import type { Source } from '../link.js';

const ADDRESS = 'B62qiy32p8kAKnny8ZFwoMhYpBppM1DWVCqAPBYNcXnsAHhnfAAuXgg';
const TOKEN = 'wSHV2S4qX9jFsLjQo8r1BsMLH2ZRKsZx6EJd1sbozGPieEC4Jf';
const LEDGER_DEPTH = 35;

const permissions = {
  ...{ editState: 'Proof', access: 'None', send: 'Impossible', receive: 'Impossible' },
  ...{ setDelegate: 'Impossible', setPermissions: 'Impossible', setZkappUri: 'Impossible' },
  ...{ editActionState: 'Proof', setTokenSymbol: 'Impossible', incrementNonce: 'Signature' },
  ...{ setVotingFor: 'Impossible', setTiming: 'Impossible' },
  setVerificationKey: { auth: 'Impossible', txnVersion: '3' },
};

/** One action in a block: its fields and the block's slot. */
export interface FakeAction {
  fields: string[];
  slot: number;
}

/** An attestation of the fake contract's model. */
export const submission = (output: number, slot: number): FakeAction => ({
  fields: ['1', '2', '5', String(output), '3'],
  slot,
});

export class FakeChain {
  readonly source: Source = {
    ...{ network: 'fake', name: 'fake', networkId: 'testnet', foreign: false, address: ADDRESS },
    ...{ nodes: ['http://node.example/'], archive: 'http://archive.example/' },
  };
  /** those that the node's block has */
  taken: FakeAction[] = [];
  /** those that the archive tells of; undefined: it is down */
  archived: FakeAction[] | undefined = [];
  contractKeyHash: string = CONTRACT_KEY_HASH;
  /** slot in which the contract was initialized */
  openedAt = 1;
  /** of the node's block */
  height = 7;
  /** blocks that the archive searches for one question */
  blockRange = 10_000;
  /** those of `archived` that are in blocks which were replaced */
  forked: FakeAction[] = [];
  afterSearch: () => unknown = () => undefined;
  /** what the archive was asked for */
  readonly windows: { from: number; to: number }[] = [];
  /** what the browser keeps */
  readonly kept = new Map<string, unknown>();
  readonly store = {
    get: (name: string) => Promise.resolve(this.kept.get(name)),
    set: (name: string, value: unknown) => {
      this.kept.set(name, structuredClone(value));
      return Promise.resolve();
    },
    delete: (name: string) => {
      this.kept.delete(name);
      return Promise.resolve();
    },
  };
  /** hosts, in the order in which they were asked */
  readonly asked: string[] = [];

  readonly fetch = (input: string | URL | Request, init?: RequestInit): Promise<Response> => {
    const { host } = new URL(input instanceof Request ? input.url : input);
    this.asked.push(host);
    const { query, variables } = JSON.parse(init?.body as string) as {
      query: string;
      variables: { input: { from?: number; to: number } };
    };
    if (host.startsWith('archive')) return this.search(variables.input);
    if (query.includes('encodedSnarkedLedgerAccountMembership')) return answer({});
    return answer(this.ledgerView());
  };

  /** With the action of `initialize`. */
  private opened(submitted: readonly FakeAction[]): FakeAction[] {
    return [{ fields: MARKER.map(String), slot: this.openedAt }, ...submitted];
  }

  private search({
    to,
    from = to - this.blockRange,
  }: {
    from?: number;
    to: number;
  }): Promise<Response> {
    if (this.archived === undefined) return Promise.reject(new TypeError('fetch failed'));
    this.windows.push({ from, to });
    if (to - from > this.blockRange)
      return Promise.resolve(Response.json({ errors: [{ message: 'block range too large' }] }));
    const opened = this.opened(this.archived);
    const chain = opened.filter((action) => !this.forked.includes(action));
    const found = opened
      .map((action) => {
        // a block of another branch begins where its neighbour does
        const before = chain.filter(({ slot }) => slot < action.slot);
        return block(action, stateAfter(before), stateAfter([...before, action]));
      })
      .filter(({ blockInfo: { height } }) => from <= height && height < to);
    this.afterSearch();
    // archives promise no order
    return answer({ actions: found.reverse() });
  }

  private ledgerView() {
    const taken = this.opened(this.taken);
    // the five last ones, as an account has them
    const actionState = Array.from({ length: 5 }, (_, i) =>
      stateAfter(taken.slice(0, Math.max(0, taken.length - i))),
    );
    const record = [EMPTY_ROOT.toString(), '0', OPENED.toString(), String(RECORD_VERSION)];
    const zkappState = ['1', '2', '3', '4', ...record];
    const leaf = accountHash({
      ...{ publicKey: ADDRESS, tokenId: TOKEN, tokenSymbol: '', balance: '0', nonce: '0' },
      ...{ receiptChainHash: '0', delegate: null, votingFor: '0', permissions },
      timing: {
        ...{ isTimed: false, initialMinimumBalance: '0', cliffTime: '0', cliffAmount: '0' },
        ...{ vestingPeriod: '1', vestingIncrement: '0' },
      },
      zkapp: {
        ...{ appState: zkappState, actionState, zkappVersion: '0', zkappUri: '' },
        verificationKey: { data: '', hash: this.contractKeyHash },
        lastActionSlot: String(this.taken.at(-1)?.slot ?? this.openedAt),
        provedState: true,
      },
    } as unknown as AccountJson);
    const merklePath = Array.from({ length: LEDGER_DEPTH }, (_, i) => ({ left: String(i) }));
    const root = rootOf(
      leaf,
      merklePath.map(({ left }) => ({ left: BigInt(left) })),
    );
    return {
      account: {
        ...{ publicKey: ADDRESS, tokenId: TOKEN, nonce: '0', balance: { total: '0' } },
        ...{ receiptChainHash: base58(0n), votingFor: base58(0n), timing: {}, permissions },
        ...{ zkappState, actionState, provedState: true, merklePath },
        verificationKey: { verificationKey: '', hash: this.contractKeyHash },
      },
      bestChain: [
        {
          stateHash: 'block',
          protocolState: {
            blockchainState: {
              ...{ date: '0', snarkedLedgerHash: base58(1n), stagedLedgerHash: base58(root) },
            },
            consensusState: { blockHeight: String(this.height) },
          },
        },
      ],
    };
  }
}

const answer = (data: unknown): Promise<Response> =>
  Promise.resolve(new Response(JSON.stringify({ data })));

const states = new Map<string, string>();

/** The account's action state; hashed once, since hashing takes long without native code. */
function stateAfter(actions: readonly FakeAction[]): string {
  const [last, earlier] = [actions.at(-1), actions.slice(0, -1)];
  if (last === undefined) return EMPTY_ACTION_STATE.toString();
  const name = actions.map(({ fields }) => fields.join()).join(' ');
  const known = states.get(name);
  if (known !== undefined) return known;
  const event = last.fields.map((text) => Field(text));
  const { hash } = AccountUpdate.Actions.pushEvent(AccountUpdate.Actions.empty(), event);
  const before = Field(stateAfter(earlier));
  const state = AccountUpdate.Actions.updateSequenceState(before, hash).toString();
  states.set(name, state);
  return state;
}

const block = ({ fields, slot }: FakeAction, before: string, after: string) => ({
  actionState: { actionStateOne: after, actionStateTwo: before },
  blockInfo: {
    ...{ height: slot, timestamp: '0', globalSlotSinceGenesis: slot, chainStatus: 'canonical' },
  },
  actionData: [
    {
      accountUpdateId: String(slot),
      data: fields,
      transactionInfo: {
        ...{ hash: `tx-${slot}`, sequenceNumber: 0, zkappAccountUpdateIds: [String(slot)] },
      },
    },
  ],
});

/** As Mina writes a hash, but with an empty checksum: a version, the field element, four bytes. */
function base58(element: bigint): string {
  const alphabet = '123456789ABCDEFGHJKLMNPQRSTUVWXYZabcdefghijkmnopqrstuvwxyz';
  let bytes = 0n;
  for (let i = 0; i < 32; i++) bytes = (bytes << 8n) | ((element >> BigInt(8 * i)) & 0xffn);
  let value = ((5n << 256n) | bytes) << 32n;
  let text = '';
  for (; value > 0n; value /= 58n) text = alphabet[Number(value % 58n)] + text;
  return text;
}
