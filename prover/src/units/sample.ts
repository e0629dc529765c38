/** Seeded random tensors of the ranges that occur in models; the same on every machine. */
import type { IntTensor, WeightTensor } from './tensors.js';

const ONE = 65536;

export class Sample {
  private readonly state: Uint32Array;
  constructor(seed: number) {
    this.state = Uint32Array.from([seed, seed / 2 ** 32, 0x9e3779b9, 1]);
    for (let i = 0; i < 16; i++) this.uniform();
  }

  /** 32 random bits as a fraction: the small fast counting generator, sfc32. */
  private uniform(): number {
    const s = this.state;
    const out = (s[0] + s[1] + s[3]) >>> 0;
    s[3] += 1;
    s[0] = s[1] ^ (s[1] >>> 9);
    s[1] = s[2] + (s[2] << 3);
    s[2] = ((s[2] << 21) | (s[2] >>> 11)) + out;
    return out / 2 ** 32;
  }

  /** Sum of uniform variables: near enough to normal, and exact arithmetic everywhere. */
  private normal(): number {
    let sum = -2;
    for (let k = 0; k < 4; k++) sum += this.uniform();
    return sum * Math.sqrt(3);
  }

  private fill(dims: number[], value: () => number): IntTensor {
    const data = new BigInt64Array(dims.reduce((a, b) => a * b, 1));
    for (let i = 0; i < data.length; i++) data[i] = BigInt(Math.floor(value()));
    return { dims, data };
  }

  private fillWeights(dims: number[], value: () => number): WeightTensor {
    const data = new Int32Array(dims.reduce((a, b) => a * b, 1));
    for (let i = 0; i < data.length; i++) data[i] = Math.floor(value());
    return { dims, data };
  }

  /** At 2^16, of unit variance. */
  activations = (dims: number[]): IntTensor => this.fill(dims, () => this.normal() * ONE);
  /** At 2^16, of deviation 0.02. */
  weights = (dims: number[]): WeightTensor =>
    this.fillWeights(dims, () => this.normal() * 0.02 * ONE);
  gains = (dims: number[]): WeightTensor =>
    this.fillWeights(dims, () => (1 + 0.2 * this.normal()) * ONE);
  biases = (dims: number[]): WeightTensor =>
    this.fillWeights(dims, () => this.normal() * 0.1 * ONE);
  /** Sigmoid outputs, never 1. */
  probabilities = (dims: number[]): IntTensor =>
    this.fill(dims, () => Math.min(ONE - 1, 1 + this.uniform() * (ONE - 2)));
  /** Inner products of `width` activations, at 2^32. */
  scores = (dims: number[], width: number): IntTensor =>
    this.fill(dims, () => this.normal() * Math.sqrt(width) * ONE * ONE);
  tokens = (dims: number[], vocabulary: number): IntTensor =>
    this.fill(dims, () => this.uniform() * vocabulary);
}
