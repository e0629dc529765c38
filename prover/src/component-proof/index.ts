/** Proofs of single components. */
export { CATALOG, componentByName, type Sizes } from './catalog.js';
export { estimate, type Estimate } from './estimate.js';
export {
  componentProofIn,
  verifyComponentProof,
  type ComponentProofFile,
  type ComponentVerdict,
} from './file.js';
export { type Component } from './component.js';
export {
  weightsOf,
  type IntTensor,
  type Tensors,
  type Weights,
  type WeightTensor,
} from './tensors.js';
export {
  ComponentProver,
  tablesRoot,
  type CommittedWeights,
  type ComponentProgress,
  type ComponentResult,
  type NativeProof,
  type NativeStages,
} from './prover.js';
export { Sample } from './sample.js';
export { readTensors, tensorFile } from './tensor-file.js';
