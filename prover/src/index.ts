/** Proving and verifying inferences of committed models. */
export {
  InferenceProver,
  replay,
  type Progress,
  type ProveOptions,
  type ProverOptions,
  type ProveRequest,
  type ProveResult,
} from './prover.js';
export { buildCircuits, type Circuits } from './circuits/build.js';
export { segmentInput, segmentName } from './circuits/program.js';
export {
  COMMITMENT_FILE,
  DEFAULT_CAPACITY,
  SECRET_FILE,
  commitModel,
  readCommitment,
  readSecret,
  requiredLogSize,
  shapeOf,
  type CommitmentFile,
  type CommitOptions,
} from './model/commitment.js';
export { ModelProtocol, type Shape } from './model/protocol.js';
export {
  MAX_PROOF_BYTES,
  parseProofFile,
  type ProofFile,
  type RevealedText,
} from './proof-format.js';
export {
  defaultCacheDir,
  verifyProofFile,
  type Verdict,
  type VerifyExpectations,
} from './proof-file.js';
export { UNVERIFIED_PROGRAM, type Outcome } from './outcome.js';
export { VerificationError } from './protocol/tape.js';
export * from './component-proof/index.js';
export * from './scaling/index.js';
