/**
 * @module scheme
 * How a vector's rows are committed to, and which nodes stand for the commitment. Circuits recompute the hashes of one scheme; those of
 * the other are proved at a second level.
 */
import type { Commitment, CommitOptions, FpVec, ProverEngine } from '@attensor/native';
import type { OpenedLeaf } from '../hashing/tree-hash.js';
import { LOG_CAP, LOG_LEAF } from './parameters.js';

/** What opens leaves of a committed vector. */
export interface LeafSource {
  /** Nodes that stand for the commitment. */
  readonly cap: bigint[];
  open(index: number): OpenedLeaf;
  /** Where leaves must be computed: called once, with all that will be opened. */
  prepare?(indexes: number[], signal?: AbortSignal): Promise<void>;
  /** The tree's nodes (not the codeword) for storage. */
  serializeTree(): Promise<Uint8Array>;
  dispose(): void;
}

export type CommitRowsOptions = Pick<
  CommitOptions,
  'logInvRate' | 'signal' | 'onProgress' | 'tree'
>;

/** What is committed of a vector: codewords of rows, of 2^logDomain entries each. */
export interface CommittedRows extends LeafSource {
  readonly logDomain: number;
}

export interface Scheme {
  /** of a commitment's cap */
  nodes: number;
  /** Commits to the first `width` of the 2^LOG_LEAF rows of a vector of 2^logSize entries; the other rows are zero. */
  commit(
    engine: ProverEngine,
    vector: FpVec,
    logSize: number,
    width: number,
    options: CommitRowsOptions,
  ): Promise<CommittedRows>;
}

/** Binary trees of Kimchi's Poseidon, cut below their upper levels: what circuits compute. */
export const CAPS: Scheme = {
  nodes: 1 << LOG_CAP,
  async commit(engine, vector, logSize, width, options) {
    const logRow = logSize - LOG_LEAF;
    const rows = vector.slice(0, width * 2 ** logRow);
    return binary(await engine.commit(rows, { ...options, logRow, logCap: LOG_CAP }));
  },
};

const binary = (commitment: Commitment): CommittedRows => ({
  logDomain: commitment.logDomain,
  cap: commitment.cap,
  open(index) {
    const { leaf, path } = commitment.open(index);
    return { leaf, path: path.map((sibling) => [sibling]) };
  },
  serializeTree: () => commitment.serializeTree(),
  dispose() {
    commitment.dispose();
  },
});
