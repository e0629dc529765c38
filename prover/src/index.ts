/** Proving and verifying inferences of committed models, and single components. */
export {
  InferenceProver,
  type CompiledKeys,
  type LoadOptions,
  type ModelProver,
  type ProveRequest,
  type ProveResult,
} from './model-prover.js';
export { CutProver } from './cut-prover.js';
export { loadModelProver } from './load-prover.js';
export {
  commitWithin,
  defaultMemory,
  type CommitWithinOptions,
} from './commitment/cut-commitment.js';
export {
  UnitProver,
  type NativeProof,
  type NativeStages,
  type PlanOptions,
  type Progress,
  type ProofResult,
  type ProveOptions,
  type Stage,
} from './prover.js';
export {
  circuitSteps,
  nativeSteps,
  replay,
  type Engines,
  type ProofSteps,
  type Transcript,
  type Weights as WeightsReference,
} from './proof-steps.js';
export { FileStore, NO_STORE, type Store } from './store.js';
export { fileName, Scheduler, type Codec, type Step, type StepContext } from './steps.js';
export { Script } from './script.js';
export { segmentInput, segmentName } from './circuits/program.js';
export {
  COMMITMENT_FILE,
  committedFiles,
  DEFAULT_CAPACITY,
  SECRET_FILE,
  commitModel,
  modelScript,
  readCommitment,
  readSecret,
  requiredLogSize,
  type CommitmentFile,
  type CommitOptions,
  type CutCommitment,
  type WholeCommitment,
} from './commitment/model-commitment.js';
export { type CommittedWeights } from './commitment/weights.js';
export { ModelUnit } from './units/model.js';
export { type RunnableUnit, type Unit } from './units/unit.js';
export {
  MAX_PROOF_BYTES,
  parseProofFile,
  type ProofFile,
  type RevealedText,
} from './proof-format.js';
export { defaultCacheDir } from '@attensor/core/files';
export { proofFile, verifyProofFile, type Verdict, type VerifyExpectations } from './proof-file.js';
export { UNVERIFIED_PROGRAM, type Outcome } from './outcome.js';
export { VerificationError } from './protocol/tape.js';
export {
  componentProofIn,
  verifyComponentProof,
  type ComponentProofFile,
  type ComponentVerdict,
} from './component-file.js';
export {
  commitForProof,
  planComponent,
  proveComponent,
  tablesRoot,
  type ComponentProver,
  type ComponentResult,
} from './component-prover.js';
export { CATALOG, componentByName, type Sizes } from './units/catalog.js';
export { circuitsBytes, estimate, provingBytes, type Estimate } from './estimate.js';
export { type Component } from './units/component.js';
export {
  weightsOf,
  type IntTensor,
  type Tensors,
  type Weights,
  type WeightTensor,
} from './units/tensors.js';
export { Sample } from './units/sample.js';
export { readTensors, tensorFile } from './units/tensor-file.js';
