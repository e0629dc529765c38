/**
 * The tables of the model, from exact fixed-point arithmetic: the same bits on every machine.
 *
 * Values are bigints at 2^160 with a bound on their error; an entry is accepted only if every value within the bound
 * rounds alike.
 */
import { exactFraction } from '../ints.js';
import type { RopeAngles } from './rope.js';

const P = 160n;
const ONE = 1n << P;
/** All errors below stay far under 2^-100; see `settle`. */
const ERROR = 1n << 60n;

/** EXP[c] = floor(2^16 exp(-c / 2^12)). */
export const expTable = once(() => {
  const table = new Int32Array(65536);
  const step = expSmall(-(ONE >> 12n));
  for (let c = 0, value = ONE; c < 65536; c++, value = (value * step) >> P) {
    table[c] = c === 0 ? 65536 : settle(value << 16n, 'floor', `EXP[${c}]`);
  }
  return table;
});

/** SIG[c] = floor(2^16 / (1 + exp(-(c - 32768) / 2^11))). */
export const sigmoidTable = once(() => {
  const table = new Int32Array(65536);
  const step = expSmall(-(ONE >> 11n));
  table[32768] = 32768;
  for (let x = 1, value = step; x <= 32768; x++, value = (value * step) >> P) {
    // value = exp(-x / 2^11); the two halves are 1 / (1 + value) and value / (1 + value)
    if (x < 32768) {
      table[32768 + x] = settle((ONE << (P + 16n)) / (ONE + value), 'floor', `SIG[${32768 + x}]`);
    }
    table[32768 - x] = settle((value << (P + 16n)) / (ONE + value), 'floor', `SIG[${32768 - x}]`);
  }
  return table;
});

/** COS and SIN of positions 0 .. positions - 1: round(2^16 cos(t theta^(-2j/d))), row-major (positions, d / 2). */
export function ropeTables(theta: number, d: number, positions: number): RopeAngles {
  const half = d / 2;
  const cos = new Int32Array(positions * half);
  const sin = new Int32Array(positions * half);
  const logTheta = ln(theta);
  for (let j = 0; j < half; j++) {
    const angle = exp((-logTheta * BigInt(2 * j)) / BigInt(d));
    const [c1, s1] = cosSin(angle);
    let c = ONE;
    let s = 0n;
    for (let t = 0; t < positions; t++) {
      const at = t * half + j;
      cos[at] = t === 0 ? 65536 : settle(c << 16n, 'nearest', `COS[${t}][${j}]`);
      sin[at] = t === 0 ? 0 : settle(s << 16n, 'nearest', `SIN[${t}][${j}]`);
      [c, s] = [(c * c1 - s * s1) >> P, (s * c1 + c * s1) >> P];
    }
  }
  return { cos, sin };
}

/** The integer a value at 2^160 rounds to. @throws RangeError if the error bound leaves it open. */
function settle(value: bigint, mode: 'floor' | 'nearest', name: string): number {
  const shift = mode === 'floor' ? 0n : ONE >> 1n;
  const low = (value + shift - ERROR) >> P;
  const high = (value + shift + ERROR) >> P;
  if (low !== high) throw new RangeError(`${name} is ambiguous at the working precision`);
  return Number(low);
}

/** exp(x) for |x| <= 1 by its series. */
function expSmall(x: bigint): bigint {
  let sum = ONE;
  let term = ONE;
  for (let k = 1n; term !== 0n && term !== -1n; k++) {
    term = ((term * x) >> P) / k;
    sum += term;
  }
  return sum;
}

/** exp(x) for x <= 0: halve until small, square back. */
function exp(x: bigint): bigint {
  let halvings = 0;
  while (-x > ONE >> 1n) {
    x >>= 1n;
    halvings++;
  }
  let value = expSmall(x);
  for (let i = 0; i < halvings; i++) value = (value * value) >> P;
  return value;
}

/** ln(v) of a double v > 1: v = m 2^k with 1 <= m < 2, ln m = 2 artanh((m - 1) / (m + 1)). */
function ln(v: number): bigint {
  const { numerator, denominator } = exactFraction(v);
  let m = (numerator << P) / denominator;
  let k = 0n;
  while (m >= 2n * ONE) {
    m >>= 1n;
    k++;
  }
  return lnBelowTwo(m) + k * lnBelowTwo(2n * ONE);
}

function lnBelowTwo(m: bigint): bigint {
  const q = ((m - ONE) << P) / (m + ONE);
  const square = (q * q) >> P;
  let sum = 0n;
  for (let k = 1n, power = q; power !== 0n; k += 2n, power = (power * square) >> P)
    sum += power / k;
  return 2n * sum;
}

/** cos and sin of an angle in [0, 1]. */
function cosSin(angle: bigint): [bigint, bigint] {
  let c = 0n;
  let s = 0n;
  let term = ONE;
  for (let k = 0n; term !== 0n; k++) {
    if (k % 2n === 0n) c += k % 4n === 0n ? term : -term;
    else s += k % 4n === 1n ? term : -term;
    term = ((term * angle) >> P) / (k + 1n);
  }
  return [c, s];
}

function once<T>(make: () => T): () => T {
  let value: T | undefined;
  return () => (value ??= make());
}
