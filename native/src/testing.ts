/**
 * @module testing
 * Plain bigint twins of the engine's kernels, written from the definitions, and a seeded source of field elements.
 */
import type { Axis, Expression } from './engine.js';

export const p = 0x40000000000000000000000000000000224698fc094cf91b992d30ed00000001n;

/** What the emulation calls itself: a device that takes milliseconds for a hash. */
export const EMULATED = 'emulated device';

export const mod = (x: bigint): bigint => ((x % p) + p) % p;

export function power(base: bigint, exponent: bigint): bigint {
  let result = 1n;
  for (let b = mod(base), e = exponent; e > 0n; e >>= 1n, b = (b * b) % p) {
    if (e & 1n) result = (result * b) % p;
  }
  return result;
}

export const inverse = (x: bigint): bigint => power(x, p - 2n);

/** Xorshift on 64 bits: tests are the same on every run. */
export class Random {
  private state: bigint;

  constructor(seed: number) {
    this.state = BigInt(seed) * 0x9e3779b97f4a7c15n + 1n;
  }

  bits64(): bigint {
    let x = BigInt.asUintN(64, this.state);
    x ^= BigInt.asUintN(64, x << 13n);
    x ^= x >> 7n;
    x ^= BigInt.asUintN(64, x << 17n);
    return (this.state = x);
  }

  int(bound: number): number {
    return Number(this.bits64() % BigInt(bound));
  }

  /** Uniform, with the values near 0 and p in every handful. */
  field(): bigint {
    const edge = this.int(12);
    if (edge === 0) return BigInt(this.int(3));
    if (edge === 1) return p - 1n - BigInt(this.int(3));
    return (
      ((this.bits64() << 192n) | (this.bits64() << 128n) | (this.bits64() << 64n) | this.bits64()) %
      p
    );
  }

  fields(count: number): bigint[] {
    return Array.from({ length: count }, () => this.field());
  }
}

/** eq(point, b) for all b, variable 1 most significant. */
export function eqTable(point: bigint[], scale = 1n): bigint[] {
  let table = [scale];
  for (const r of point) table = table.flatMap((x) => [mod(x * (1n - r)), mod(x * r)]);
  return table;
}

export const dot = (a: bigint[], b: bigint[]): bigint =>
  a.reduce((sum, x, i) => mod(sum + x * b[i]), 0n);

export const fold = (v: bigint[], r: bigint): bigint[] =>
  v.slice(0, v.length / 2).map((lo, i) => mod(lo + r * (v[v.length / 2 + i] - lo)));

export const evalPow = (v: bigint[], x: bigint): bigint =>
  v.reduceRight((sum, c) => mod(sum * x + c), 0n);

/** contract() by its definition; weights as bigints. */
export function contract(
  src: bigint[],
  offset: number,
  axes: (Omit<Axis, 'weights'> & { weights?: bigint[] })[],
): bigint[] {
  const [axis, ...rest] = axes;
  if (axis === undefined) return [src[offset]];
  const parts = Array.from({ length: axis.size }, (_, i) =>
    contract(src, offset + i * axis.stride, rest),
  );
  const weights = axis.weights;
  if (weights === undefined) return parts.flat();
  return parts[0].map((_, k) =>
    dot(
      weights,
      parts.map((part) => part[k]),
    ),
  );
}

/** The value of an expression at given column values. */
export function evaluate(expression: Expression, columns: bigint[]): bigint {
  const registers = [...columns, ...expression.constants];
  for (const [op, l, r] of expression.ops) {
    const [a, b] = [registers[l], registers[r]];
    registers.push(mod(op === 0 ? a + b : op === 1 ? a - b : a * b));
  }
  return registers[registers.length - 1];
}

/** g(x): the sum over the cube with the first variable at x. */
export function sumAt(expression: Expression, columns: bigint[][], x: bigint): bigint {
  const lines = columns.map((c) => fold(c, x));
  return lines[0].reduce(
    (sum, _, i) =>
      mod(
        sum +
          evaluate(
            expression,
            lines.map((l) => l[i]),
          ),
      ),
    0n,
  );
}

/** Evaluations of the polynomial with these coefficients at all powers of omega. */
export const transform = (coefs: bigint[], omega: bigint, size: number): bigint[] =>
  Array.from({ length: size }, (_, i) => evalPow(coefs, power(omega, BigInt(i))));
