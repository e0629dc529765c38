export { startNode, type NodeOptions, type RunningNode } from './node.js';
export { hashZkappCommand } from './internals.js';
export { NodeError, type NodeErrorCode } from './errors.js';
export { accountHash, merge, type AccountJson } from './account-hash.js';
export { rootOf, LEDGER_DEPTH, type PathElement } from './merkle.js';
export type { Block, Chain, ChainTransaction } from './chain.js';
