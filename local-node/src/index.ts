export { startNode, type NodeOptions, type RunningNode } from './node.js';
export { hashZkappCommand } from './internals.js';
export { NodeError, type NodeErrorCode } from './errors.js';
export type { Block, Chain, ChainTransaction } from './chain.js';
