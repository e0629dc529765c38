export { Statement } from './statement.js';
export { Commitment } from './commitment.js';
export {
  domain,
  INPUT_DOMAIN,
  OUTPUT_DOMAIN,
  MODEL_DOMAIN,
  inputHash,
  outputHash,
  inputHashOfText,
  outputHashOfText,
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
export {
  Attestation,
  AttestationMap,
  AttestationWitness,
  ATTESTATION_DOMAIN,
  EMPTY_ROOT,
  TREE_DEPTH,
} from './attestation.js';
export { EMPTY_ACTION_STATE, PinPath, SettlePath, PIN_PATH, SETTLE_PATH } from './actions.js';
export { Settlement, SettledEvent, BATCH } from './settlement.js';
export { ownerHash, OWNER_DOMAIN, OwnerEvent, ModelEvent } from './owner.js';
export { AttestationContract, attestationPermissions, isLocked } from './attestation-contract.js';
export { CONTRACT_KEY_HASH } from './contract-key.js';
export {
  AttestationHistory,
  type HistoryState,
  type RecordedAttestation,
  type Pin,
} from './history.js';
export {
  readContract,
  readCommitment,
  readHistory,
  readAttestations,
  isSettled,
  attestationWitness,
  checkAttestation,
  isProofValid,
  statedFields,
  type ReadContractOptions,
  type ContractState,
  type FoundAttestation,
  type AttestedFile,
  type AttestationCheck,
} from './read.js';
export { subscribeAttestations, type SubscribeOptions } from './subscribe.js';
export { AttensorError, type ErrorCode } from '@attensor/core';
