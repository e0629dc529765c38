/**
 * The part of the daemon's and the archive's GraphQL that clients use, under the daemon's names. Both
 * are served at one address; `makeBlock` is this node's own.
 */
import { ZKAPP_TYPES } from './schema-zkapp.js';

export const SCHEMA = /* GraphQL */ `
  ${ZKAPP_TYPES}

  "base58"
  scalar PublicKey
  "base58"
  scalar TokenId
  "a number, or a string of digits"
  scalar UInt64
  "a number, or a string of digits"
  scalar UInt32
  "what \`transaction.toJSON()\` gives, as an object"
  scalar ZkappCommandInput

  type Query {
    syncStatus: SyncStatus!
    version: String
    networkID: String!
    daemonStatus: DaemonStatus!
    genesisConstants: GenesisConstants!
    "oldest first, the last block at the end"
    bestChain(maxLength: Int): [Block!]
    block(height: Int, stateHash: String): Block!
    genesisBlock: Block!
    "as of the last block"
    account(publicKey: PublicKey!, token: TokenId): Account
    "all accounts of a key, one for each token; as of the last block"
    accounts(publicKey: PublicKey!): [Account]!
    "null if no account has the token"
    tokenOwner(tokenId: TokenId!): Account
    "paths of accounts to the block's \`snarkedLedgerHash\`; here of the last block only"
    encodedSnarkedLedgerAccountMembership(
      accountInfos: [AccountInput!]!
      stateHash: String!
    ): [EncodedAccountMembership!]!
    transactionStatus(payment: ID, zkappTransaction: ID): TransactionStatus!
    pooledUserCommands(publicKey: PublicKey, hashes: [String!], ids: [ID!]): [UserCommand!]!
    pooledZkappCommands(publicKey: PublicKey, hashes: [String!], ids: [ID!]): [ZkappCommandResult!]!
    "archive: newest block first"
    events(input: EventFilterOptionsInput!): [EventOutput]!
    "archive: oldest block first"
    actions(input: ActionFilterOptionsInput!): [ActionOutput]!
    "archive"
    networkState: NetworkStateOutput!
  }

  type Mutation {
    sendZkapp(input: SendZkappInput!): SendZkappPayload!
    sendPayment(signature: SignatureInput, input: SendPaymentInput!): SendPaymentPayload!
    sendDelegation(signature: SignatureInput, input: SendDelegationInput!): SendDelegationPayload!
    "seals what is pending into a block, now"
    makeBlock: Block!
  }

  enum SyncStatus {
    CONNECTING
    LISTENING
    OFFLINE
    BOOTSTRAP
    SYNCED
    CATCHUP
  }
  enum TransactionStatus {
    PENDING
    INCLUDED
    UNKNOWN
  }

  type DaemonStatus {
    chainId: String!
    commitId: String!
    blockchainLength: Int
    highestBlockLengthReceived: Int!
    syncStatus: SyncStatus!
    "of the last block"
    stateHash: String
    consensusMechanism: String!
    snarkWorkFee: Int!
    numAccounts: Int
    uptimeSecs: Int!
    consensusConfiguration: ConsensusConfiguration!
  }
  type ConsensusConfiguration {
    delta: Int!
    k: Int!
    slotsPerEpoch: Int!
    "milliseconds"
    slotDuration: Int!
    epochDuration: Float!
    genesisStateTimestamp: String!
    acceptableNetworkDelay: Int!
  }
  type GenesisConstants {
    accountCreationFee: UInt64!
    coinbase: UInt64!
    genesisTimestamp: String!
  }

  type Block {
    creator: PublicKey!
    stateHash: String!
    stateHashField: String!
    commandTransactionCount: Int!
    protocolState: ProtocolState!
    transactions: Transactions!
  }
  type ProtocolState {
    previousStateHash: String!
    blockchainState: BlockchainState!
    consensusState: ConsensusState!
  }
  type BlockchainState {
    "milliseconds since 1970"
    date: String!
    utcDate: String!
    snarkedLedgerHash: String!
    stagedLedgerHash: String!
    stagedLedgerProofEmitted: Boolean
  }
  type ConsensusState {
    blockchainLength: UInt32!
    blockHeight: UInt32!
    epochCount: UInt32!
    minWindowDensity: UInt32!
    totalCurrency: UInt64!
    stakingEpochData: EpochData!
    nextEpochData: EpochData!
    slotSinceGenesis: UInt32!
    slot: UInt32!
    epoch: UInt32!
  }
  type EpochData {
    ledger: EpochLedger!
    seed: String!
    startCheckpoint: String!
    lockCheckpoint: String!
    epochLength: UInt32!
  }
  type EpochLedger {
    hash: String!
    totalCurrency: UInt64!
  }
  type Transactions {
    userCommands: [UserCommand!]!
    zkappCommands: [ZkappCommandResult!]!
    coinbase: UInt64!
  }

  type UserCommand {
    id: ID!
    hash: String!
    kind: String!
    nonce: Int!
    source: AccountName!
    receiver: AccountName!
    feePayer: AccountName!
    from: PublicKey!
    to: PublicKey!
    amount: UInt64!
    token: TokenId!
    feeToken: TokenId!
    fee: UInt64!
    memo: String!
    validUntil: UInt32!
    isDelegation: Boolean!
    failureReason: String
  }
  type AccountName {
    publicKey: PublicKey!
  }
  type Account {
    publicKey: PublicKey!
    token: TokenId!
    tokenId: TokenId!
    tokenSymbol: String
    "as of the last block"
    nonce: UInt32
    "with pending transactions counted"
    inferredNonce: UInt32
    balance: Balance!
    receiptChainHash: String
    delegate: PublicKey
    delegateAccount: AccountName
    votingFor: String
    timing: Timing!
    permissions: Permissions
    zkappState: [String!]
    zkappUri: String
    provedState: Boolean
    actionState: [String!]
    verificationKey: VerificationKeyWithHash
    "place among all accounts"
    index: Int
    "hash of the account: a leaf of the ledger's tree"
    leafHash: String
    "from the leaf up to \`stagedLedgerHash\` of the last block"
    merklePath: [MerklePathElement!]
  }
  type Balance {
    total: UInt64!
    liquid: UInt64
    locked: UInt64
    blockHeight: UInt32!
    stateHash: String
  }
  type Timing {
    initialMinimumBalance: UInt64
    cliffTime: UInt32
    cliffAmount: UInt64
    vestingPeriod: UInt32
    vestingIncrement: UInt64
  }
  type Permissions {
    editState: String!
    access: String!
    send: String!
    receive: String!
    setDelegate: String!
    setPermissions: String!
    setVerificationKey: VerificationKeyPermission!
    setZkappUri: String!
    editActionState: String!
    setTokenSymbol: String!
    incrementNonce: String!
    setVotingFor: String!
    setTiming: String!
  }
  type VerificationKeyPermission {
    auth: String!
    txnVersion: String!
  }
  type VerificationKeyWithHash {
    verificationKey: String!
    hash: String!
  }
  "one of the two is set: left, if the way to the leaf goes left; it is the hash of the other side"
  type MerklePathElement {
    left: String
    right: String
  }

  "a daemon gives the account too, in its binary form; here it is what \`account\` says"
  type EncodedAccountMembership {
    merklePath: [MerklePathElement!]!
  }
  input AccountInput {
    publicKey: PublicKey!
    token: TokenId
  }

  input SignatureInput {
    field: String
    scalar: String
    rawSignature: String
  }
  input SendZkappInput {
    zkappCommand: ZkappCommandInput!
  }
  input SendPaymentInput {
    from: PublicKey!
    to: PublicKey!
    amount: UInt64!
    fee: UInt64!
    "default: the next one of the sender"
    nonce: UInt32
    memo: String
    validUntil: UInt32
  }
  input SendDelegationInput {
    from: PublicKey!
    to: PublicKey!
    fee: UInt64!
    nonce: UInt32
    memo: String
    validUntil: UInt32
  }
  type SendZkappPayload {
    zkapp: ZkappCommandResult!
  }
  type SendPaymentPayload {
    payment: UserCommand!
  }
  type SendDelegationPayload {
    delegation: UserCommand!
  }

  enum BlockStatusFilter {
    ALL
    PENDING
    CANONICAL
  }
  input EventFilterOptionsInput {
    address: String!
    tokenId: String
    status: BlockStatusFilter
    "first block"
    from: Int
    "block after the last one"
    to: Int
  }
  input ActionFilterOptionsInput {
    address: String!
    tokenId: String
    status: BlockStatusFilter
    from: Int
    to: Int
    fromActionState: String
    endActionState: String
  }
  type EventOutput {
    blockInfo: BlockInfo!
    eventData: [EventData!]!
  }
  type EventData {
    accountUpdateId: String!
    transactionInfo: TransactionInfo!
    data: [String!]!
  }
  type ActionOutput {
    blockInfo: BlockInfo!
    transactionInfo: TransactionInfo
    actionData: [ActionData!]!
    actionState: ActionStates!
  }
  type ActionData {
    accountUpdateId: String!
    transactionInfo: TransactionInfo!
    data: [String!]!
  }
  type ActionStates {
    "after the block"
    actionStateOne: String!
    "before the block"
    actionStateTwo: String!
  }
  type TransactionInfo {
    status: String!
    hash: String!
    memo: String!
    authorizationKind: String!
    sequenceNumber: Int!
    zkappAccountUpdateIds: [Int!]!
  }
  type BlockInfo {
    height: Int!
    stateHash: String!
    parentHash: String!
    ledgerHash: String!
    chainStatus: String!
    "milliseconds since 1970"
    timestamp: String!
    globalSlotSinceHardfork: Int!
    globalSlotSinceGenesis: Int!
    distanceFromMaxBlockHeight: Int!
  }
  type NetworkStateOutput {
    maxBlockHeight: MaxBlockHeightInfo!
  }
  type MaxBlockHeightInfo {
    canonicalMaxBlockHeight: Int!
    pendingMaxBlockHeight: Int!
  }
`;
