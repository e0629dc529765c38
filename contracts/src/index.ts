export { Statement } from './statement.js';
export { Commitment } from './commitment.js';
export { batchHashes, batchOf, holdsPairs, type StatedPair } from './batch.js';
export {
  domain,
  INPUT_DOMAIN,
  OUTPUT_DOMAIN,
  BATCH_INPUT_DOMAIN,
  BATCH_OUTPUT_DOMAIN,
  MODEL_DOMAIN,
  inputHash,
  outputHash,
  inputHashOfText,
  outputHashOfText,
  batchInputHash,
  batchOutputHash,
  modelRoot,
  type Tokenize,
} from './hashes.js';
export { InferenceProof, COMPLETE } from './inference-proof.js';
export {
  genuineKey,
  proofProblem,
  statementProblem,
  verifyProblem,
  type ProofProblem,
  type StatedProof,
} from './stated-proof.js';
export { Attestation, AttestationWitness, TREE_DEPTH } from './attestation.js';
export { EMPTY_ACTION_STATE, MARKER, OPENED, RECORD_VERSION } from './actions.js';
export { attestationsOf } from './queue.js';
export { EMPTY_ROOT, RecordTree } from './record.js';
export { RecordState, Settlement } from './settlement/statement.js';
export { partProgram, settlementProgram, SettlementProof } from './settlement/program.js';
export {
  Settler,
  type ProofStore,
  type ProvedSettlement,
  type SettlerOptions,
} from './settlement/settler.js';
export { ownerHash, OWNER_DOMAIN, OwnerEvent, ModelEvent } from './owner.js';
export { AttestationContract, attestationPermissions, isLocked } from './attestation-contract.js';
export { CONTRACT_KEY_HASH, SETTLEMENT_KEY_HASH } from './contract-key.js';
export { AttestationHistory, type HistoryState, type RecordedAttestation } from './history.js';
export { readContract, type ReadContractOptions, type ContractState } from './account.js';
export {
  readAll,
  readCommitment,
  readHistory,
  readAttestations,
  isSettled,
  attestationWitness,
  type ReadOptions,
  type Reading,
  type FoundAttestation,
} from './read.js';
export {
  checkAttestation,
  isProofValid,
  statedFields,
  type AttestedFile,
  type AttestationCheck,
  type CheckOptions,
} from './check.js';
export { isDeep } from './depth.js';
export { readSettledIn, type SettledIn } from './settlement-blocks.js';
export {
  genuineness,
  notGenuine,
  requireGenuine,
  type CommitmentLike,
  type Expected,
  type Genuineness,
} from './genuine.js';
export { connect, type Connected, type Connection, type Endpoints } from './endpoints.js';
export type { Endpoint } from './graphql.js';
export {
  fetchQueueBlocks,
  type BlockWindow,
  type QueueAnswer,
  type QueueBlock,
  type QueueUpdate,
} from './archive.js';
export {
  BLOCK_RANGE,
  linkUpdates,
  walkQueue,
  type LinkedUpdate,
  type Queue,
  type QueueSource,
  type WalkOptions,
} from './queue-walk.js';
export {
  CHECKPOINT_VERSION,
  makeCheckpoint,
  openCheckpoint,
  type Checkpoint,
  type CheckpointStore,
} from './checkpoint.js';
export { subscribeAttestations, type SubscribeOptions } from './subscribe.js';
export { AttensorError, type ErrorCode } from '@attensor/core';
