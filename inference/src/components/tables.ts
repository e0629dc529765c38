/**
 * The tables of the model, from exact fixed-point arithmetic: the same bits on every machine.
 *
 * Values are bigints at 2^160 with a bound on their error; an entry is accepted only if every value within the bound
 * rounds alike.
 */
import type { Rotation, Yarn } from '../config.js';
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

/**
 * COS and SIN of positions 0 .. positions - 1: round(2^16 a cos(t f_j)), row-major (positions, d / 2). Without YaRN
 * f_j = theta^(-2j/d) and a = 1.
 */
export function ropeTables(
  { ropeTheta: theta, yarn }: Rotation,
  d: number,
  positions: number,
): RopeAngles {
  const half = d / 2;
  const cos = new Int32Array(positions * half);
  const sin = new Int32Array(positions * half);
  const logTheta = ln(theta);
  const amplitude = yarn && yarnAmplitude(yarn);
  const at16 = (value: bigint, name: string): number =>
    settle((amplitude === undefined ? value : (value * amplitude) >> P) << 16n, 'nearest', name);
  const first = amplitude === undefined ? 65536 : at16(ONE, 'COS[0]');
  const shares = yarn && yarnShares(yarn, logTheta, d);
  for (let j = 0; j < half; j++) {
    const plain = exp((-logTheta * BigInt(2 * j)) / BigInt(d));
    const angle = yarn && shares ? scaledFrequency(plain, shares[j], yarn) : plain;
    const [c1, s1] = cosSin(angle);
    let c = ONE;
    let s = 0n;
    for (let t = 0; t < positions; t++) {
      const at = t * half + j;
      cos[at] = t === 0 ? first : at16(c, `COS[${t}][${j}]`);
      sin[at] = t === 0 ? 0 : at16(s, `SIN[${t}][${j}]`);
      [c, s] = [(c * c1 - s * s1) >> P, (s * c1 + c * s1) >> P];
    }
  }
  return { cos, sin };
}

/** m(k) = 1 + 0.1 k ln(factor) of YaRN, at 2^160. */
export function yarnMagnitude(factor: number, k: number): bigint {
  if (factor <= 1) return ONE;
  const { numerator, denominator } = exactFraction(k);
  return ONE + (ln(factor) * numerator) / (10n * denominator);
}

/** m(mscale) / m(mscaleAllDim), at 2^160; nothing where it is 1. */
function yarnAmplitude({ factor, mscale, mscaleAllDim }: Yarn): bigint | undefined {
  if (mscale === mscaleAllDim) return undefined;
  return (yarnMagnitude(factor, mscale) << P) / yarnMagnitude(factor, mscaleAllDim);
}

/**
 * By frequency, the share r_j = clamp((j - low) / (high - low), 0, 1) of it that is divided: low = max(floor D(betaFast), 0),
 * high = min(ceil D(betaSlow), d - 1), D(b) = d ln(original / (2 pi b)) / (2 ln theta); where they are equal the ramp is 0.001 long.
 */
function yarnShares(
  { original, betaFast, betaSlow }: Yarn,
  logTheta: bigint,
  d: number,
): { numerator: bigint; denominator: bigint }[] {
  const dimension = (turns: number, mode: 'floor' | 'ceil'): number => {
    const { numerator, denominator } = exactFraction(turns);
    const ratio = (BigInt(original) * denominator * ONE * ONE) / (2n * pi() * numerator);
    const value = (BigInt(d) * lnOf(ratio) * ONE) / (2n * logTheta);
    return mode === 'floor'
      ? settle(value, 'floor', 'the first scaled frequency')
      : -settle(-value, 'floor', 'the last scaled frequency');
  };
  const low = Math.max(dimension(betaFast, 'floor'), 0);
  const high = Math.min(dimension(betaSlow, 'ceil'), d - 1);
  // in thousandths
  const span = high === low ? 1 : 1000 * (high - low);
  return Array.from({ length: d / 2 }, (_, j) => {
    const above = 1000 * (j - low);
    const share =
      span > 0 ? Math.min(Math.max(above, 0), span) : Math.max(Math.min(above, 0), span);
    return { numerator: BigInt(share), denominator: BigInt(span) };
  });
}

/** e (1 - r) + (e / factor) r */
function scaledFrequency(
  e: bigint,
  { numerator: r, denominator: span }: { numerator: bigint; denominator: bigint },
  { factor }: Yarn,
): bigint {
  const { numerator, denominator } = exactFraction(factor);
  return (e * (numerator * (span - r) + denominator * r)) / (numerator * span);
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

/** ln(v) of a double v > 0. */
function ln(v: number): bigint {
  const { numerator, denominator } = exactFraction(v);
  return lnOf((numerator << P) / denominator);
}

/** ln(v): v = m 2^k with 1 <= m < 2, ln m = 2 artanh((m - 1) / (m + 1)). */
function lnOf(v: bigint): bigint {
  let m = v;
  let k = 0n;
  while (m >= 2n * ONE) {
    m >>= 1n;
    k++;
  }
  while (m < ONE) {
    m <<= 1n;
    k--;
  }
  return lnBelowTwo(m) + k * lnBelowTwo(2n * ONE);
}

/** Machin: pi = 16 arctan(1/5) - 4 arctan(1/239). */
const pi = once(() => {
  const arctan = (inverse: bigint): bigint => {
    let sum = 0n;
    let power = ONE / inverse;
    for (let k = 1n; power !== 0n; k += 2n, power = -power / inverse ** 2n) sum += power / k;
    return sum;
  };
  return 16n * arctan(5n) - 4n * arctan(239n);
});

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
