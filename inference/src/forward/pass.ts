/** One pass over consecutive positions: runs nodes of the architecture in their order. */
import { present } from '@attensor/core';
import type { Node } from '../architecture/nodes.js';
import type { RopeAngles } from '../components/rope.js';
import type { Site } from '../components/site.js';
import type { AttentionShape } from '../components/softmax.js';
import type { Engine } from '../engine.js';
import type { Range } from '../model.js';
import type { KvCache } from './kv-cache.js';
import { OPERATIONS, type ComputedOp, type Operation } from './operations.js';

/** Receives every intermediate value, by the names of docs/integer-semantics.md. */
export type TraceSink = (name: string, dims: number[], data: BigInt64Array) => void;

/** What a pass reads of a model. */
export interface Parameters {
  /** Most weights of a matrix that are read at a time, if a row has no more. */
  readonly pieceSize: number;
  /** A weight by its name, or some of its entries. */
  tensor(name: string, range?: Range): Promise<Int32Array>;
  /** One expert's matrix of a weight. */
  expert(name: string, expert: number): Promise<Int32Array>;
  ropeAngles(start: number, count: number): RopeAngles;
}

/** Values by the names of results, row-major. */
export type PassValues = Map<string, BigInt64Array>;

export class Pass {
  constructor(
    readonly model: Parameters,
    readonly engine: Engine,
    readonly cache: KvCache,
    /** First position, and number of positions. */
    readonly start: number,
    readonly count: number,
    readonly trace?: TraceSink,
  ) {}

  /**
   * @param values what the nodes read that none of them gives
   * @returns the values, and all results
   */
  async run(nodes: readonly Node[], values: PassValues): Promise<PassValues> {
    for (const node of nodes) {
      const operation = OPERATIONS[node.op as ComputedOp] as Operation<Node>;
      const inputs = node.inputs.map((name) => present(values.get(name), name));
      this.take(node, await operation(this, node, ...inputs), values);
    }
    return values;
  }

  /** A node's results into the trace, and to the values. */
  take(node: Node, results: Record<string, BigInt64Array>, values: PassValues): void {
    const { count: T, start } = this;
    for (const [key, { name, dims }] of Object.entries(node.results)) {
      const sizes = dims.map((d) => (d === 'T' ? T : d === 'S' ? start + T : d));
      this.trace?.(name, sizes, results[key]);
      values.set(name, results[key]);
    }
  }

  /** @param rowsPerPosition rows of the component's input that belong to one position. */
  site(component: string, rowsPerPosition = 1): Site {
    return { component, position: (row) => this.start + Math.floor(row / rowsPerPosition) };
  }

  /** What attention of all positions so far looks like. */
  shape(heads: number): AttentionShape {
    const { start, count } = this;
    return { start, queries: count, keys: start + count, heads };
  }

  /** A result of this pass after those of the past. */
  withPast(name: string, rows: BigInt64Array): BigInt64Array {
    return this.cache.append(name, rows, this.count);
  }
}
