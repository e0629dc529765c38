/**
 * @module planning
 * What measurements and predictions use of the prover: layouts, plans and their costs, and models in units. None of it is part of the API
 * that releases keep.
 */
export { plan } from './circuits/planner.js';
export { requiredLogSize } from './commitment/model-commitment.js';
export {
  COMPRESSION_COST,
  LOG_LEAF,
  MAX_LOG_SIZE,
  treeCompressions,
} from './commitment/parameters.js';
export { circuitTime, nativeTime, productSeconds, provingBytes } from './estimate.js';
export { commitParts, partRequest, provePart, runParts } from './parts-prover.js';
export { planModel } from './plan-model.js';
export { Expr } from './protocol/expression.js';
export { Tape } from './protocol/tape.js';
export { cheapestScript, planned, scriptsAtAllRates, type PlannedScript } from './rates.js';
export { PART_LOG, Script } from './script.js';
export { cutModel, type CutModel } from './units/cut.js';
export { embedding } from './units/kinds.js';
export { head, layer } from './units/layer.js';
export { layersUnit } from './units/layers.js';
export { ModelUnit } from './units/model.js';
