/** Pasta Fp on bigints: enough for scripts and for the plain verifier; long vectors live in the native engine. */

export const P = 0x40000000000000000000000000000000224698fc094cf91b992d30ed00000001n;

export const mod = (x: bigint): bigint => {
  const r = x % P;
  return r < 0n ? r + P : r;
};
export const add = (a: bigint, b: bigint): bigint => {
  const s = a + b;
  return s >= P ? s - P : s;
};
export const sub = (a: bigint, b: bigint): bigint => (a >= b ? a - b : a - b + P);
export const mul = (a: bigint, b: bigint): bigint => (a * b) % P;

export function power(base: bigint, exponent: bigint): bigint {
  let result = 1n;
  let b = mod(base);
  for (let e = exponent; e > 0n; e >>= 1n) {
    if (e & 1n) result = mul(result, b);
    b = mul(b, b);
  }
  return result;
}

/** @throws RangeError for zero */
export function inverse(a: bigint): bigint {
  if (mod(a) === 0n) throw new RangeError('inverse: zero has none');
  return power(a, P - 2n);
}

export const HALF = inverse(2n);

/** Coefficients, lowest first, of the polynomial with the given values at 0, 1, …, d. */
export function interpolate(values: bigint[]): bigint[] {
  const bases = lagrangeBases(values.length);
  return values.map((_, k) => mod(values.reduce((sum, v, i) => sum + v * bases[i][k], 0n)));
}

const knownBases = new Map<number, bigint[][]>();

/** The polynomials that are 1 at one of 0, 1, …, n - 1 and 0 at the others: each round of a sumcheck wants the same few. */
function lagrangeBases(n: number): bigint[][] {
  let bases = knownBases.get(n);
  if (!bases) knownBases.set(n, (bases = Array.from({ length: n }, (_, i) => lagrangeBasis(n, i))));
  return bases;
}

function lagrangeBasis(n: number, i: number): bigint[] {
  let basis = [1n];
  let denominator = 1n;
  for (let j = 0; j < n; j++) {
    if (j === i) continue;
    const next = new Array<bigint>(basis.length + 1).fill(0n);
    basis.forEach((c, k) => {
      next[k + 1] = mod(next[k + 1] + c);
      next[k] = mod(next[k] - c * BigInt(j));
    });
    basis = next;
    denominator = mod(denominator * BigInt(i - j));
  }
  const scale = inverse(denominator);
  return basis.map((c) => mul(c, scale));
}

export const log2 = (n: number): number => 31 - Math.clz32(n);

/** Exponent of the power of two at or above n. */
export const ceilLog2 = (n: number): number => (n <= 1 ? 0 : 32 - Math.clz32(n - 1));

/** Generator of the subgroup of order 2^log (log <= 32). */
export function rootOfUnity(log: number): bigint {
  if (log < 0 || log > 32)
    throw new RangeError(`rootOfUnity: order 2^${log}, the field has 2^0 .. 2^32`);
  return power(power(5n, (P - 1n) >> 32n), 1n << BigInt(32 - log));
}
