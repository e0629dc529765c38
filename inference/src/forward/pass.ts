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
    /** So many sequences of one length, one after the other: attention looks at each by itself. Without a past if they are several. */
    readonly sequences = 1,
  ) {}

  /** Positions of one sequence in this pass. */
  private get length(): number {
    return this.count / this.sequences;
  }

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
    const { count, start, sequences, length } = this;
    for (const [key, { name, dims }] of Object.entries(node.results)) {
      const rows = dims[0] === 'T';
      const T = rows ? count : length;
      const sizes = dims.map((d) => (d === 'T' ? T : d === 'S' ? start + T : d));
      // what is not by rows is by sequences
      this.trace?.(name, rows || sequences === 1 ? sizes : [sequences, ...sizes], results[key]);
      values.set(name, results[key]);
    }
  }

  /** @param rowsPerPosition rows of the component's input that belong to one position. */
  site(component: string, rowsPerPosition = 1): Site {
    const { start, length } = this;
    return {
      component,
      position: (row) => start + (Math.floor(row / rowsPerPosition) % length),
      ...(this.sequences > 1 && { sequence: (row) => Math.floor(row / rowsPerPosition / length) }),
    };
  }

  /** What attention of all positions of a sequence so far looks like. */
  shape(heads: number): AttentionShape {
    const { start, length } = this;
    return { start, queries: length, keys: start + length, heads };
  }

  /** Angles of every row's position. */
  angles(): RopeAngles {
    const one = this.model.ropeAngles(this.start, this.length);
    if (this.sequences === 1) return one;
    const repeated = (values: Int32Array): Int32Array => {
      const all = new Int32Array(this.sequences * values.length);
      for (let r = 0; r < this.sequences; r++) all.set(values, r * values.length);
      return all;
    };
    return { cos: repeated(one.cos), sin: repeated(one.sin) };
  }

  /**
   * Runs an operation that mixes positions: on each sequence's part of the inputs, its results one after the other.
   *
   * @param component for errors
   */
  async bySequence<K extends string>(
    component: string,
    inputs: BigInt64Array[],
    run: (
      site: Site,
      ...parts: BigInt64Array[]
    ) => Record<K, BigInt64Array> | Promise<Record<K, BigInt64Array>>,
  ): Promise<Record<K, BigInt64Array>> {
    const { sequences } = this;
    const site = this.site(component);
    if (sequences === 1) return run(site, ...inputs);
    const results: Partial<Record<K, BigInt64Array>> = {};
    for (let r = 0; r < sequences; r++) {
      const parts = inputs.map((x) => {
        const size = x.length / sequences;
        return x.subarray(r * size, (r + 1) * size);
      });
      const one = await run({ ...site, sequence: () => r }, ...parts);
      for (const key of Object.keys(one) as K[]) {
        const all = (results[key] ??= new BigInt64Array(sequences * one[key].length));
        all.set(one[key], r * one[key].length);
      }
    }
    return results as Record<K, BigInt64Array>;
  }

  /** A result of this pass after those of the past. */
  withPast(name: string, rows: BigInt64Array): BigInt64Array {
    return this.cache.append(name, rows, this.count);
  }
}
