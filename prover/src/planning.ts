/**
 * @module planning
 * What measurements and predictions read of the prover: layouts, plans and their costs. Nothing here proves, and none of it is part
 * of the API that releases keep.
 */
export { plan } from './circuits/planner.js';
export { requiredLogSize } from './commitment/model-commitment.js';
export {
  COMPRESSION_COST,
  LOG_LEAF,
  MAX_LOG_SIZE,
  treeCompressions,
} from './commitment/parameters.js';
export { circuitTime, nativeTime, productSeconds } from './estimate.js';
export { planModel } from './plan-model.js';
export { Expr } from './protocol/expression.js';
export { Tape } from './protocol/tape.js';
export { cheapestScript, planned, scriptsAtAllRates, type PlannedScript } from './rates.js';
export { PART_LOG, Script } from './script.js';
export { embedding } from './units/kinds.js';
export { head, layer } from './units/layer.js';
export { ModelUnit } from './units/model.js';
