import { afterEach, expect, test } from '@jest/globals';
import { parsePermissions } from '@attensor/contracts/ledger';
import { fetchLedgerView } from './ledger-view.js';

const { fetch } = globalThis;
afterEach(() => void (globalThis.fetch = fetch));

const address = 'B62qiy32p8kAKnny8ZFwoMhYpBppM1DWVCqAPBYNcXnsAHhnfAAuXgg';
const permissions = {
  ...{ editState: 'Proof', access: 'None', send: 'Impossible', receive: 'Impossible' },
  ...{ setDelegate: 'Impossible', setPermissions: 'Impossible', setZkappUri: 'Impossible' },
  ...{ editActionState: 'Proof', setTokenSymbol: 'Impossible', incrementNonce: 'Signature' },
  ...{ setVotingFor: 'Impossible', setTiming: 'Impossible' },
  setVerificationKey: { auth: 'Impossible', txnVersion: '3' },
};
const account = {
  publicKey: address,
  tokenId: 'wSHV2S4qX9jFsLjQo8r1BsMLH2ZRKsZx6EJd1sbozGPieEC4Jf',
  nonce: '0',
  balance: { total: '0' },
  receiptChainHash: '',
  votingFor: '',
  timing: {},
  zkappState: Array<string>(8).fill('0'),
  verificationKey: { verificationKey: '', hash: '1' },
};
const bestChain = [
  {
    stateHash: '',
    protocolState: {
      blockchainState: { date: '0', snarkedLedgerHash: '', stagedLedgerHash: '' },
      consensusState: { blockHeight: '7' },
    },
  },
];

/** What the page makes of an account with these permissions. */
async function view(permissions: unknown) {
  const data = { account: { ...account, permissions }, bestChain };
  globalThis.fetch = () => Promise.resolve(new Response(JSON.stringify({ data })));
  return await fetchLedgerView('http://node', address);
}

test('permissions are taken as the node tells them', async () => {
  const { account } = await view(permissions);
  expect(account.permissions).toEqual(parsePermissions(permissions));
});

test.each<[string, unknown, string]>([
  ['none at all', undefined, 'permissions: expected an object'],
  ['one less', { ...permissions, send: undefined }, 'send: expected one of'],
  ['an unknown one', { ...permissions, send: 'Perhaps' }, 'got "Perhaps"'],
  ['no version', { ...permissions, setVerificationKey: { auth: 'Proof' } }, 'txnVersion'],
])('an answer with %s is refused', async (_, permissions, what) => {
  await expect(view(permissions)).rejects.toMatchObject({
    code: 'BAD_ANSWER',
    what: expect.stringContaining(what) as unknown,
    where: 'http://node: account.permissions',
  });
});
