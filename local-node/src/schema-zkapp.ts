/** The types of zkApp commands, under the daemon's names: what is sent is what is given back. */
const interval = (name: string, type: string) => `type ${name} { lower: ${type}! upper: ${type}! }`;

export const ZKAPP_TYPES = /* GraphQL */ `
  type ZkappCommandResult {
    id: ID!
    hash: String!
    "newest first; index 0 is the fee payer"
    failureReason: [ZkappCommandFailureReason]
    zkappCommand: ZkappCommand!
  }
  type ZkappCommandFailureReason {
    index: String
    failures: [String!]!
  }
  type ZkappCommand {
    memo: String!
    feePayer: ZkappFeePayer!
    accountUpdates: [ZkappAccountUpdate!]!
  }
  type ZkappFeePayer {
    body: FeePayerBody!
    authorization: String!
  }
  type FeePayerBody {
    publicKey: PublicKey!
    fee: UInt64!
    validUntil: UInt32
    nonce: UInt32!
  }
  type ZkappAccountUpdate {
    body: AccountUpdateBody!
    authorization: Control!
  }
  type Control {
    "null here: proofs are checked when a command comes in, and not kept"
    proof: String
    signature: String
  }
  type AccountUpdateBody {
    publicKey: PublicKey!
    tokenId: TokenId!
    update: AccountUpdateModification!
    balanceChange: BalanceChange!
    incrementNonce: Boolean!
    useFullCommitment: Boolean!
    implicitAccountCreationFee: Boolean!
    mayUseToken: MayUseToken!
    authorizationKind: AuthorizationKindStructured!
    callDepth: Int!
    callData: String!
    events: [[String!]!]!
    actions: [[String!]!]!
    preconditions: Preconditions!
  }
  type BalanceChange {
    magnitude: UInt64!
    sgn: String!
  }
  type MayUseToken {
    parentsOwnToken: Boolean!
    inheritFromParent: Boolean!
  }
  type AuthorizationKindStructured {
    isSigned: Boolean!
    isProved: Boolean!
    verificationKeyHash: String!
  }

  "what is null stays as it is"
  type AccountUpdateModification {
    appState: [String]!
    delegate: PublicKey
    verificationKey: NewVerificationKey
    permissions: Permissions
    zkappUri: String
    tokenSymbol: String
    timing: NewTiming
    votingFor: String
  }
  type NewVerificationKey {
    data: String!
    hash: String!
  }
  type NewTiming {
    initialMinimumBalance: UInt64!
    cliffTime: UInt32!
    cliffAmount: UInt64!
    vestingPeriod: UInt32!
    vestingIncrement: UInt64!
  }

  "what is null is not asked"
  type Preconditions {
    network: NetworkPrecondition!
    account: AccountPrecondition!
    validWhile: UInt32Interval
  }
  type NetworkPrecondition {
    snarkedLedgerHash: String
    blockchainLength: UInt32Interval
    minWindowDensity: UInt32Interval
    totalCurrency: UInt64Interval
    globalSlotSinceGenesis: UInt32Interval
    stakingEpochData: EpochDataPrecondition!
    nextEpochData: EpochDataPrecondition!
  }
  type EpochDataPrecondition {
    ledger: EpochLedgerPrecondition!
    seed: String
    startCheckpoint: String
    lockCheckpoint: String
    epochLength: UInt32Interval
  }
  type EpochLedgerPrecondition {
    hash: String
    totalCurrency: UInt64Interval
  }
  type AccountPrecondition {
    balance: UInt64Interval
    nonce: UInt32Interval
    receiptChainHash: String
    delegate: PublicKey
    state: [String]!
    actionState: String
    provedState: Boolean
    isNew: Boolean
  }
  ${interval('UInt32Interval', 'UInt32')}
  ${interval('UInt64Interval', 'UInt64')}
`;
