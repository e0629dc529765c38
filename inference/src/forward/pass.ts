/** One pass of the model over consecutive positions, and the tools its blocks share. */
import type { GemmResult } from '../components/gemm.js';
import type { Site } from '../components/site.js';
import { INNER_NORM_EPS, normEpsilon, type AttentionConfig } from '../config.js';
import type { RopeAngles } from '../components/rope.js';
import type { Engine } from '../engine.js';
import type { Model } from '../model.js';
import type { KvCache } from './kv-cache.js';

/** Receives every intermediate value, by the names of docs/integer-semantics.md. */
export type TraceSink = (name: string, dims: number[], data: BigInt64Array) => void;

/** What attention reads of a model. */
export interface AttentionParameters {
  readonly config: AttentionConfig;
  tensor(name: string): Promise<Int32Array>;
  ropeAngles(start: number, count: number): RopeAngles;
}

/** What a whole layer reads. */
export type LayerParameters = Pick<Model, 'config' | 'tensor' | 'ropeAngles' | 'expert'>;

export class Pass<M extends AttentionParameters = Model> {
  constructor(
    readonly model: M,
    readonly engine: Engine,
    readonly cache: KvCache,
    /** First position, and number of positions. */
    readonly start: number,
    readonly count: number,
    readonly trace?: TraceSink,
    /** What names of a layer's tensors begin with; nothing where a layer is run by itself. */
    readonly prefix = (layer: number): string => `layers.${layer}.`,
  ) {}

  emit(name: string, dims: number[], data: BigInt64Array): void {
    this.trace?.(name, dims, data);
  }

  /** @param rowsPerPosition rows of the component's input that belong to one position. */
  site(component: string, rowsPerPosition = 1): Site {
    return { component, position: (row) => this.start + Math.floor(row / rowsPerPosition) };
  }

  /** A GeMM with rescale over all positions; emits `name.acc` and `name.y`, returns y. */
  async gemm(name: string, x: BigInt64Array, outDims: number[]): Promise<BigInt64Array> {
    const w = await this.model.tensor(name);
    const outer = outDims.reduce((a, b) => a * b, 1);
    const shape = { rows: this.count, inner: x.length / this.count, outer };
    const result = await this.engine.gemm(x, w, shape, this.site(name));
    this.emitGemm(name, [this.count, ...outDims], result);
    return result.y;
  }

  emitGemm(name: string, dims: number[], { acc, y }: GemmResult): void {
    this.emit(`${name}.acc`, dims, acc);
    this.emit(`${name}.y`, dims, y);
  }

  /** An RMSNorm over all positions; emits `name.{S,inv,y}`, returns y. */
  async norm(name: string, x: BigInt64Array, inner = false): Promise<BigInt64Array> {
    const g = await this.model.tensor(`${name}.g`);
    const epsilon = normEpsilon(inner ? INNER_NORM_EPS : this.model.config.eps, g.length);
    const at = this.site(name);
    const { S, inv, y } = await this.engine.rmsNorm(x, g, this.count, g.length, epsilon, at);
    this.emit(`${name}.S`, [this.count], S);
    this.emit(`${name}.inv`, [this.count], inv);
    this.emit(`${name}.y`, [this.count, g.length], y);
    return y;
  }
}
