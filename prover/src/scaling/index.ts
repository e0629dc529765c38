/** What proofs cost by their sizes, and what larger ones would. */
export {
  DEEPSEEK_V3,
  deepseekCosts,
  manyCores,
  measuredRates,
  oneGpu,
  predict,
  type LayerCost,
  type Prediction,
  type Rates,
} from './deepseek-v3.js';
export { fitPower, type PowerLaw } from './fit.js';
export { planModel, type ModelPlan } from './plan.js';
