/**
 * @module planning
 * What measurements and predictions read of the prover: layouts, plans and their costs. Nothing here proves, and none of it is part
 * of the API that releases keep.
 */
export { LIMITS, plan, rowsOf } from './circuits/planner.js';
export { modelScript, requiredLogSize } from './commitment/model-commitment.js';
export { openAt, type Oracle } from './commitment/opening.js';
export {
  COMPRESSION_COST,
  leafWidth,
  LOG_CAP,
  LOG_LEAF,
  MAX_LOG_SIZE,
  openingParameters,
  openingPermutations,
  queryCount,
  SECURITY_BITS,
  treeCompressions,
  type OpeningParameters,
} from './commitment/parameters.js';
export { circuitTime, nativeTime } from './estimate.js';
export { hashingLayout, type GroupShape } from './hashing/layout.js';
export { hashingRelations, type Hashed } from './hashing/relations.js';
export { TreeHash } from './hashing/tree-hash.js';
export { planModel, type ModelPlan } from './plan-model.js';
export { Expr } from './protocol/expression.js';
export { ceilLog2 } from './protocol/field.js';
export { zeroFractionSum } from './protocol/fractions.js';
export { eqEval, eqInteger, eqTable, horner, nextEval, powEval } from './protocol/polynomials.js';
export { ProverOnly } from './protocol/prover-only.js';
export { Scope } from './protocol/scope.js';
export { Session } from './protocol/session.js';
export { Tape, type Wire } from './protocol/tape.js';
export {
  cheapestScript,
  CIRCUIT_COST,
  planned,
  scriptsAtAllRates,
  type PlannedScript,
  type Rates,
} from './rates.js';
export { ModelUnit } from './units/model.js';
export { PART_LOG, Script } from './script.js';
export { embedding } from './units/kinds.js';
export { head, layer } from './units/layer.js';
