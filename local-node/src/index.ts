export { startNode, type NodeOptions, type RunningNode } from './node.js';
export { AttensorError, type ErrorCode } from '@attensor/core';
export type { Block, Chain, ChainTransaction } from './chain.js';
