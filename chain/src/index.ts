/**
 * From a deploy alias to a transaction in a block. Loads the proof system only when something is to be proved; what each
 * transaction calls is in `@attensor/chain/plans`, which loads it.
 */
export {
  readAlias,
  isPublicKey,
  readKeyFile,
  nanomina,
  inMina,
  NETWORKS,
  type Alias,
  type KeyPair,
  type KeyUse,
  type NetworkId,
  type NetworkName,
} from './alias.js';
export {
  checkpointFiles,
  MAX_CHECKPOINT_BYTES,
  readCheckpoint,
  writeCheckpoint,
} from './checkpoint-files.js';
export { deliver, MAX_CONFIRMATIONS, type Delivered, type Reporter } from './deliver.js';
export { ENDPOINTS_VARIABLE, readEndpoints, type NetworkEndpoints } from './endpoints.js';
export { effects } from './effects.js';
export { explainFailure, type FailureReason } from './failures.js';
export { Network, type Payer, type Standing } from './network.js';
export type { CommitmentJson, Plan } from './plans.js';
export {
  ChainSession,
  endpointsOf,
  MAX_MEMO_BYTES,
  report,
  withHash,
  type Executed,
  type SessionOptions,
} from './session.js';
export { settlementStore } from './settlement-store.js';
export { missingSignatures, requireSigned, sign, unsigned } from './signing.js';
export {
  Journal,
  parseTransactionFile,
  readTransactionFile,
  writeTransactionFile,
  type TransactionFile,
  type ZkappCommandJson,
} from './transaction-file.js';
