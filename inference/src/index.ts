export { AttensorError, type ErrorCode, type ErrorDetails } from '@attensor/core';
export {
  checkConfig,
  groupRank,
  INNER_NORM_EPS,
  isMoeLayer,
  modelConfigSchema,
  normEpsilon,
  routedScale,
  attentionDigits,
  LONG_ATTENTION,
  SHORT_ATTENTION,
  softmaxScale,
  type AttentionDigits,
  type AttentionConfig,
  type ModelConfig,
  type Rotation,
  type Yarn,
} from './config.js';
export {
  attentionNodes,
  embeddingNode,
  headNodes,
  layerGraph,
  modelGraph,
  placed,
  resultOf,
  type LayerGraph,
  type LayerKind,
  type LayerTraceName,
  type ModelGraph,
  type TraceName,
} from './architecture/graph.js';
export * as nodes from './architecture/nodes.js';
export type { LayerNode, Node, NodeOf, Op, Weight } from './architecture/nodes.js';
export { parseHfConfig, type Architecture } from './checkpoint/hf-config.js';
export { planTensors, type PlannedPart, type PlannedTensor } from './checkpoint/plan.js';
export { importCheckpoint, type ImportResult } from './checkpoint/import.js';
export type { WriteOptions, WrittenModel } from './checkpoint/model-writer.js';
export {
  RandomWeights,
  writeRandomModel,
  type RandomModelOptions,
} from './checkpoint/random-model.js';
export { Model, type ModelOptions, type Range } from './model.js';
export { Tokenizer, type TokenizerConfig } from './tokenizer.js';
export { openTokenizer } from './tokenizer-files.js';
export {
  embed,
  forward,
  traceForward,
  type ForwardLog,
  type ForwardOptions,
  type ForwardResult,
  type Trace,
  type TraceTensor,
} from './forward/forward.js';
export { traceNodes, type WeightReader } from './forward/alone.js';
export { KvCache } from './forward/kv-cache.js';
export type { TraceSink } from './forward/pass.js';
export { generate, type GenerateOptions } from './generate.js';
export {
  evaluate,
  perplexity,
  readReference,
  readValidationTokens,
  type EvaluateOptions,
  type Evaluation,
  type PerplexityResult,
  type PromptResult,
  type Reference,
} from './eval.js';
export { expTable, ropeTables, sigmoidTable } from './components/tables.js';
export type { RopeAngles } from './components/rope.js';
export type { Site } from './components/site.js';
export { referenceEngine, type Engine, type EngineName } from './engine.js';
export { selectEngine } from './engines.js';
export { MODEL_FILE, WEIGHTS_DIR } from './checkpoint/model-file.js';
