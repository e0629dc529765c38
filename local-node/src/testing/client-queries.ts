/**
 * What clients of Mina ask and send: the requests of o1js 2.15, zkapp-cli 0.21.8 and the Auro wallet
 * (browser extension and mobile app), as they write them. The wallet's lists of past transactions are
 * asked of an indexer, not of a daemon or an archive, and are not here.
 */
export interface ClientQuery {
  client: 'o1js' | 'zkapp-cli' | 'Auro' | 'Auro mobile';
  name: string;
  text: string;
}

/** What the texts name; the test puts its own in their place. */
export const ADDRESS = '<address>';
export const TOKEN = '<token>';
export const HASH = '<hash>';
export const COMMAND = '<command>';

const USER_COMMAND = 'id nonce memo isDelegation kind hash from feeToken fee amount to';
const SENT = 'amount fee feeToken from hash id isDelegation memo nonce kind to';
const TIMING =
  'timing { initialMinimumBalance cliffTime cliffAmount vestingPeriod vestingIncrement }';
const permissions = (setVerificationKey: string) => `permissions { editState access send receive
  setDelegate setPermissions ${setVerificationKey} setZkappUri editActionState setTokenSymbol
  incrementNonce setVotingFor setTiming }`;
const PERMISSIONS = permissions('setVerificationKey { auth txnVersion }');
const EPOCH = `{ ledger { hash totalCurrency } seed startCheckpoint lockCheckpoint epochLength }`;
const INTERVAL = '{ lower upper }';
const EPOCH_PRECONDITION = `{ ledger { hash totalCurrency ${INTERVAL} } seed startCheckpoint
  lockCheckpoint epochLength ${INTERVAL} }`;

const O1JS: Record<string, string> = {
  transactionStatus: `query { transactionStatus(zkappTransaction:"${HASH}") }`,
  events: `{ events(input: { address: "${ADDRESS}", tokenId: "${TOKEN}", to: 100, from: 0 }) {
    blockInfo { distanceFromMaxBlockHeight height globalSlotSinceGenesis stateHash parentHash chainStatus }
    eventData { transactionInfo { hash memo status } data } } }`,
  actions: `{ actions(input: { address: "${ADDRESS}", tokenId: "${TOKEN}" }) {
    blockInfo { distanceFromMaxBlockHeight }
    actionState { actionStateOne actionStateTwo }
    actionData { accountUpdateId data transactionInfo { sequenceNumber zkappAccountUpdateIds } } } }`,
  genesisConstants: `{ genesisConstants { genesisTimestamp coinbase accountCreationFee }
    daemonStatus { consensusConfiguration { epochDuration k slotDuration slotsPerEpoch } } }`,
  lastBlock: `{ bestChain(maxLength: 1) { protocolState {
    blockchainState { snarkedLedgerHash stagedLedgerHash date utcDate stagedLedgerProofEmitted }
    previousStateHash
    consensusState { blockHeight slotSinceGenesis slot nextEpochData ${EPOCH} stakingEpochData ${EPOCH}
      epochCount minWindowDensity totalCurrency epoch } } } }`,
  lastBlocks: `{ bestChain(maxLength: 20) {
    transactions { zkappCommands { hash failureReason { failures index } } }
    stateHash
    protocolState { consensusState { blockHeight epoch slotSinceGenesis } previousStateHash } } }`,
  currentSlot: `{ bestChain(maxLength: 1) { protocolState { consensusState { slot slotSinceGenesis } } } }`,
  account: `{ account(publicKey: "${ADDRESS}", token: "${TOKEN}") { publicKey token nonce balance { total }
    tokenSymbol receiptChainHash ${TIMING} ${PERMISSIONS} delegateAccount { publicKey } votingFor
    zkappState verificationKey { verificationKey hash } actionState provedState zkappUri } }`,
  sendZkapp: `mutation { sendZkapp(input: { zkappCommand: ${COMMAND} }) { zkapp {
    hash id failureReason { failures index } zkappCommand { memo feePayer { body { publicKey } }
    accountUpdates { body { publicKey useFullCommitment incrementNonce } } } } } }`,
};

const ZKAPP_CLI: Record<string, string> = {
  syncStatus: 'query { syncStatus }',
  account: `query { account(publicKey: "${ADDRESS}") { nonce } }`,
  sendZkapp: `mutation { sendZkapp(input: { zkappCommand: ${COMMAND} }) {
    zkapp { id hash failureReason { index failures } } } }`,
  network: `{ syncStatus daemonStatus { chainId consensusConfiguration { k slotDuration slotsPerEpoch }
    commitId uptimeSecs consensusMechanism snarkWorkFee numAccounts } }`,
};

const sending = (
  [name, kind]: ['sendPayment', 'payment'] | ['sendDelegation', 'delegation'],
  types: Record<string, string>,
  signature: string,
) => {
  const input = { fee: 'UInt64!', to: 'PublicKey!', from: 'PublicKey!', ...types };
  const amount = name === 'sendPayment' ? { amount: 'UInt64!' } : {};
  const fields = { ...input, ...amount, validUntil: 'UInt32' };
  const given = signature === 'raw' ? ['rawSignature'] : ['scalar', 'field'];
  const declared = [
    ...Object.entries(fields).map(([field, type]) => `$${field}: ${type}`),
    ...given.map((each) => `$${each}: String!`),
  ];
  return `mutation send(${declared.join(', ')}) { ${name}(
    input: { ${Object.keys(fields)
      .map((each) => `${each}: $${each}`)
      .join(', ')} },
    signature: { ${given.map((each) => `${each}: $${each}`).join(', ')} }
  ) { ${kind} { ${SENT} } } }`;
};
const BROWSER_TYPES = { nonce: 'UInt32', memo: 'String' };

const AURO: Record<string, string> = {
  txStatus: 'query txStatus($paymentId: ID!) { transactionStatus(payment: $paymentId) }',
  zkappStatus:
    'query txStatus($zkappTransaction: ID) { transactionStatus(zkappTransaction: $zkappTransaction) }',
  sendTx: sending(['sendPayment', 'payment'], BROWSER_TYPES, 'fields'),
  sendTxRaw: sending(['sendPayment', 'payment'], BROWSER_TYPES, 'raw'),
  stakeTx: sending(['sendDelegation', 'delegation'], BROWSER_TYPES, 'fields'),
  stakeTxRaw: sending(['sendDelegation', 'delegation'], BROWSER_TYPES, 'raw'),
  sendZkapp: `mutation sendZkapp($zkappCommandInput: ZkappCommandInput!) {
    sendZkapp(input: { zkappCommand: $zkappCommandInput }) { zkapp { hash id zkappCommand { memo } } } }`,
  pendingTx: `query pendingTx($publicKey: PublicKey) {
    pooledUserCommands(publicKey: $publicKey) { ${USER_COMMAND} } }`,
  pendingZkTx: `query pendingZkTx($publicKey: PublicKey) { pooledZkappCommands(publicKey: $publicKey) {
    hash failureReason { index failures }
    zkappCommand {
      feePayer { body { publicKey fee validUntil nonce } authorization }
      accountUpdates {
        body {
          publicKey tokenId
          update { appState delegate verificationKey { data hash } ${PERMISSIONS} zkappUri tokenSymbol
            ${TIMING} votingFor }
          balanceChange { magnitude sgn } incrementNonce events actions callData callDepth
          preconditions {
            network { snarkedLedgerHash blockchainLength ${INTERVAL} minWindowDensity ${INTERVAL}
              totalCurrency ${INTERVAL} globalSlotSinceGenesis ${INTERVAL}
              stakingEpochData ${EPOCH_PRECONDITION} nextEpochData ${EPOCH_PRECONDITION} }
            account { balance ${INTERVAL} nonce ${INTERVAL} receiptChainHash delegate state actionState
              provedState isNew }
            validWhile ${INTERVAL} }
          useFullCommitment implicitAccountCreationFee
          mayUseToken { parentsOwnToken inheritFromParent }
          authorizationKind { isSigned isProved verificationKeyHash }
        }
        authorization { proof signature }
      }
      memo } } }`,
  batchBalance: `query batchBalance($account0: PublicKey!, $account1: PublicKey!) {
    account0: account(publicKey: $account0) { balance { total } publicKey },
    account1: account(publicKey: $account1) { balance { total } publicKey } }`,
  daemonStatus: `query daemonStatus { daemonStatus { stateHash blockchainLength
    consensusConfiguration { epochDuration slotDuration slotsPerEpoch } } }`,
  blockInfo: `query blockInfo($stateHash: String) { block(stateHash: $stateHash) {
    protocolState { consensusState { epoch slot } } } }`,
  delegationInfo:
    'query delegationInfo($publicKey: PublicKey!) { account(publicKey: $publicKey) { delegate } }',
  networkID: 'query myQuery { networkID }',
  tokens: `query tokenQueryBody($publicKey: PublicKey!) { accounts(publicKey: $publicKey) {
    balance { total liquid } inferredNonce delegateAccount { publicKey } tokenId publicKey zkappUri } }`,
  tokenInfo: `query { ${TOKEN}: tokenOwner(tokenId: "${TOKEN}") { publicKey tokenSymbol zkappState } }`,
  tokenState: `query tokenState($publicKey: PublicKey!, $tokenId: TokenId!) {
    account(publicKey: $publicKey, token: $tokenId) { balance { total } } }`,
};

const AURO_MOBILE: Record<string, string> = {
  sendTx: sending(['sendPayment', 'payment'], { nonce: 'UInt32', memo: 'String!' }, 'raw'),
  stakeTx: sending(['sendDelegation', 'delegation'], { nonce: 'UInt32!', memo: 'String!' }, 'raw'),
  pending: `query fetchPendingListQuery($pubKey: PublicKey!) {
    pooledUserCommands(publicKey: $pubKey) { ${USER_COMMAND} } }`,
  balances: `query fetchBalanceQuery($account0: PublicKey!) {
    account0: account(publicKey: $account0) { delegate balance { total } inferredNonce publicKey } }`,
  blockInfo: `query blockInfo($stateHash: String!) { block(stateHash: $stateHash) {
    protocolState { consensusState { epoch slot } } } }`,
};

const of = (client: ClientQuery['client'], texts: Record<string, string>): ClientQuery[] =>
  Object.entries(texts).map(([name, text]) => ({ client, name, text }));

export const CLIENT_QUERIES: ClientQuery[] = [
  ...of('o1js', O1JS),
  ...of('zkapp-cli', ZKAPP_CLI),
  ...of('Auro', AURO),
  ...of('Auro mobile', AURO_MOBILE),
];

/**
 * The wallet's question when a token is added by hand. No daemon of this network version answers it:
 * `setVerificationKey` is an object there. The wallet then says that the account was not found.
 */
export const REFUSED_BY_DAEMONS = `query account($publicKey: PublicKey!, $tokenId: TokenId) {
  account(publicKey: $publicKey, token: $tokenId) { publicKey ${permissions('setVerificationKey')} } }`;
