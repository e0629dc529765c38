export { Statement } from './statement.js';
export { Commitment } from './commitment.js';
export {
  domain,
  INPUT_DOMAIN,
  OUTPUT_DOMAIN,
  MODEL_DOMAIN,
  inputHash,
  outputHash,
  modelRoot,
} from './hashes.js';
export { InferenceProof, COMPLETE } from './inference-proof.js';
export {
  Attestation,
  ATTESTATION_DOMAIN,
  EMPTY_ATTESTATIONS,
  attestationsHash,
} from './attestation.js';
export { AttestationContract, attestationPermissions } from './attestation-contract.js';
export {
  readContract,
  readCommitment,
  readAttestations,
  type ContractState,
  type RecordedAttestation,
} from './read.js';
