/** Seeded random tensors of the ranges that occur in models; the same on every machine. */
import type { IntTensor } from './tensors.js';

const ONE = 65536;

export class Sample {
  private state: bigint;
  constructor(seed: number) {
    this.state = (BigInt(seed) * 0x9e3779b97f4a7c15n + 0x1234567n) & MASK;
  }

  /** 53 random bits, by splitmix64 */
  private uniform(): number {
    this.state = (this.state + 0x9e3779b97f4a7c15n) & MASK;
    let z = this.state;
    z = ((z ^ (z >> 30n)) * 0xbf58476d1ce4e5b9n) & MASK;
    z = ((z ^ (z >> 27n)) * 0x94d049bb133111ebn) & MASK;
    return Number((z ^ (z >> 31n)) >> 11n) / 2 ** 53;
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

  /** At 2^16, of unit variance. */
  activations = (dims: number[]): IntTensor => this.fill(dims, () => this.normal() * ONE);
  /** At 2^16, of deviation 0.02. */
  weights = (dims: number[]): IntTensor => this.fill(dims, () => this.normal() * 0.02 * ONE);
  gains = (dims: number[]): IntTensor => this.fill(dims, () => (1 + 0.2 * this.normal()) * ONE);
  biases = (dims: number[]): IntTensor => this.fill(dims, () => this.normal() * 0.1 * ONE);
  /** Sigmoid outputs, never 1. */
  probabilities = (dims: number[]): IntTensor =>
    this.fill(dims, () => Math.min(ONE - 1, 1 + this.uniform() * (ONE - 2)));
  /** Inner products of `width` activations, at 2^32. */
  scores = (dims: number[], width: number): IntTensor =>
    this.fill(dims, () => this.normal() * Math.sqrt(width) * ONE * ONE);
  tokens = (dims: number[], vocabulary: number): IntTensor =>
    this.fill(dims, () => this.uniform() * vocabulary);
}

const MASK = (1n << 64n) - 1n;
