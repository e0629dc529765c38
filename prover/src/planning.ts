/**
 * @module planning
 * What measurements and predictions read of the prover: layouts, plans and their costs. Nothing here proves, and none of it is part
 * of the API that releases keep.
 */
export { plan } from './circuits/planner.js';
export { LOG_INV_RATE } from './commitment/model-commitment.js';
export { commitPermutations, LOG_LEAF, MAX_LOG_SIZE } from './commitment/parameters.js';
export { circuitTime, nativeTime } from './estimate.js';
export { planModel, type ModelPlan } from './plan-model.js';
export { Expr } from './protocol/expression.js';
export { Tape } from './protocol/tape.js';
export { embedding } from './units/kinds.js';
export { head, layer } from './units/layer.js';
