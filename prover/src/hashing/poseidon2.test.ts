/** The parameters are what the published script makes of the field, and the permutation is the published one. */
import { describe, expect, it } from '@jest/globals';
import { createHash } from 'node:crypto';
import { mod, mul, P, power, sub } from '../protocol/field.js';
import { Grain } from './grain.js';
import {
  drawDiagonal,
  EXPONENT,
  EXTERNAL,
  externalLayer,
  FIELD_BITS,
  FULL_ROUNDS,
  internalLayer,
  PARTIAL_ROUNDS,
  permute,
  poseidon2,
  REJECTED_DIAGONALS,
  sboxCount,
  trace,
  type Width,
} from './poseidon2.js';

const WIDTHS: Width[] = [4, 8, 16];

const digest = (values: bigint[]): string =>
  createHash('sha256')
    .update(Buffer.from(values.map((v) => v.toString(16).padStart(64, '0')).join(''), 'hex'))
    .digest('hex');

describe('numbers of rounds', () => {
  const SECURITY = 128;
  const log2P = Math.log2(Number(P));
  const logOfBinomial = (n: number, k: number): number => {
    let log = 0;
    for (let i = 1; i <= k; i++) log += Math.log2((n - k + i) / i);
    return log;
  };
  /** The bounds of the published script: statistical, interpolation, four by Gröbner bases. */
  const secure = (t: number, full: number, partial: number): boolean => {
    const perRound = Math.log2(EXPONENT);
    const bits = Math.min(SECURITY, FIELD_BITS);
    const needed = Math.max(
      SECURITY <= Math.floor(log2P - (EXPONENT - 1) / 2) * (t + 1) ? 6 : 10,
      1 + Math.ceil(bits / perRound) + Math.ceil(Math.log2(t) / perRound) - partial,
      Math.ceil(Math.min(SECURITY, log2P) / perRound - partial),
      Math.ceil(t - 1 + Math.min(SECURITY / (t + 1), log2P / 2) / perRound - partial),
      Math.ceil((t - 2 + SECURITY / (2 * perRound) - partial) / (t - 1)),
    );
    const third = Math.floor(t / 3);
    const under = third * (full / 2) + partial + EXPONENT;
    const over = (full - 1) * t + partial + third + under;
    return full >= needed && Math.ceil(2 * logOfBinomial(over, under)) >= SECURITY;
  };
  it.each(WIDTHS)('for %i lanes are the cheapest secure ones, with the margin', (t) => {
    let best = { full: 0, partial: 0, cost: Infinity };
    for (let p = 1; p < 200; p++)
      for (let f = 4; f < 40; f += 2) {
        if (!secure(t, f, p)) continue;
        const [full, partial] = [f + 2, Math.ceil(p * 1.075)];
        const cost = t * full + partial;
        if (cost < best.cost || (cost === best.cost && full < best.full))
          best = { full, partial, cost };
      }
    expect([best.full, best.partial]).toEqual([FULL_ROUNDS, PARTIAL_ROUNDS[t]]);
  });
  it('x^5 is the least power that permutes the field', () => {
    expect([2n, 3n, 4n].map((e) => (P - 1n) % e)).toContain(0n);
    expect([3n, 4n].every((e) => (P - 1n) % e === 0n)).toBe(true);
    expect((P - 1n) % BigInt(EXPONENT)).not.toBe(0n);
  });
});

/** Polynomials modulo a monic f of degree f.length; coefficients lowest first, the leading 1 of f left out. */
class Quotient {
  constructor(readonly f: bigint[]) {}
  multiply(a: bigint[], b: bigint[]): bigint[] {
    const n = this.f.length;
    const out = new Array<bigint>(2 * n - 1).fill(0n);
    a.forEach((x, i) => b.forEach((y, j) => (out[i + j] += x * y)));
    for (let k = 2 * n - 2; k >= n; k--) {
      const top = mod(out[k]);
      if (top !== 0n) this.f.forEach((c, j) => (out[k - n + j] -= top * c));
    }
    return out.slice(0, n).map(mod);
  }
  power(a: bigint[], exponent: bigint): bigint[] {
    let result = this.constant(1n);
    for (const bit of exponent.toString(2)) {
      result = this.multiply(result, result);
      if (bit === '1') result = this.multiply(result, a);
    }
    return result;
  }
  constant(c: bigint): bigint[] {
    return [c, ...new Array<bigint>(this.f.length - 1).fill(0n)];
  }
  get x(): bigint[] {
    return this.f.map((_, k) => (k === 1 ? 1n : 0n));
  }
  /** g at a. */
  compose(g: bigint[], a: bigint[]): bigint[] {
    return g.reduceRight((sum, c) => {
      const next = this.multiply(sum, a);
      next[0] = mod(next[0] + c);
      return next;
    }, this.constant(0n));
  }
}

const degree = (a: bigint[]): number => a.length - 1 - [...a].reverse().findIndex((c) => c !== 0n);

/** Degree of the greatest common divisor of two polynomials, coefficients lowest first; the second is not zero. */
function commonDegree(a: bigint[], b: bigint[]): number {
  let [u, v] = [a.slice(), b.slice()];
  while (v.some((c) => c !== 0n)) {
    const scale = power(v[degree(v)], P - 2n);
    while (u.some((c) => c !== 0n) && degree(u) >= degree(v)) {
      const shift = degree(u) - degree(v);
      const factor = mul(u[degree(u)], scale);
      v.slice(0, degree(v) + 1).forEach(
        (c, k) => (u[k + shift] = sub(u[k + shift], mul(factor, c))),
      );
    }
    [u, v] = [v, u];
  }
  return degree(u);
}

/** det(X - diag(d) - all ones) = prod (X - d_i) - sum_i prod_(j != i) (X - d_j), without the leading 1. */
function characteristic(diagonal: bigint[]): bigint[] {
  const product = (roots: bigint[]): bigint[] =>
    roots.reduce(
      (poly, r) =>
        [...poly, 0n].map((_, k) => mod((k > 0 ? poly[k - 1] : 0n) - r * (poly[k] ?? 0n))),
      [1n],
    );
  const whole = product(diagonal);
  diagonal.forEach((_, i) => {
    product(diagonal.filter((__, j) => j !== i)).forEach((c, k) => (whole[k] = sub(whole[k], c)));
  });
  return whole.slice(0, -1);
}

/**
 * The published condition: the minimal polynomials of the matrix and of its first 2 t powers are irreducible of degree t. For t a power
 * of two that says: the characteristic polynomial is irreducible, and no such power lies in the field of half the degree.
 */
function admissible(diagonal: bigint[]): boolean {
  const t = diagonal.length;
  const ring = new Quotient(characteristic(diagonal));
  const frobenius = ring.power(ring.x, P);
  let half = frobenius;
  for (let k = 2; k <= t / 2; k *= 2) half = ring.compose(half, half);
  const all = ring.compose(half, half);
  if (all.some((c, k) => c !== ring.x[k])) return false;
  const difference = half.map((c, k) => sub(c, ring.x[k]));
  if (difference.every((c) => c === 0n)) return false;
  if (commonDegree([...ring.f, 1n], difference) > 0) return false;
  for (let i = 1; i <= 2 * t; i++) {
    const moved = ring.power(half, BigInt(i));
    const stays = ring.power(ring.x, BigInt(i));
    if (moved.every((c, k) => c === stays[k])) return false;
  }
  return true;
}

describe('the internal matrix', () => {
  it.each(WIDTHS)('of %i lanes is the first admissible one that is drawn', (width) => {
    const partialRounds = PARTIAL_ROUNDS[width];
    const grain = new Grain({
      fieldBits: FIELD_BITS,
      width,
      fullRounds: FULL_ROUNDS,
      partialRounds,
    });
    for (let k = sboxCount(poseidon2(width)); k > 0;) if (grain.number(FIELD_BITS) < P) k--;
    let drawn = drawDiagonal(grain, width);
    let rejected = 0;
    for (; !admissible(drawn); rejected++) drawn = drawDiagonal(grain, width);
    expect(rejected).toBe(REJECTED_DIAGONALS[width]);
    expect(poseidon2(width).diagonal).toEqual(drawn);
  });
});

/**
 * Of poseidon2_instance_pallas.rs in HorizenLabs/poseidon2 at 055bde3: SHA-256 of all constants and of the diagonal, 32 bytes each, and
 * what its round constants and whole internal matrix give in an implementation by matrices.
 */
const PUBLISHED = [
  {
    width: 4 as const,
    constants: 'c18b0bb95b815be82e0c7702bc35a41e076ac7bc3b5eefef43efe657a8f66856',
    diagonal: '6d41443cfa1d6d20802eef62424b84ebd549e42fe2510acceb304d852b244be9',
    counting: [
      0x2b16671a6cd8f344ce34650934b22ba1ee537b8e1cb62072666346018ab5c5d6n,
      0xdfc1c472ff3af007b3c47d3316d98b02165792074bb2de263b4332adcb8177n,
      0x3e5b7d7fa69fa05ced10527f4fb7aea15074dd0e1db940e682b4523f46032decn,
      0x18f3f5217fa902d6274b96d23f6cfcf4b292eeb1afae3539252c3ff14ca6d9ffn,
    ],
    down: [
      0x1455d4210517722b2f2870c7e1560aa5101a3f894730ed924703649229837667n,
      0x3c635d9a2aceb92d3bf1bbaab0f1ea7bd34ee4f1e1f239ea489562732d795d1en,
      0x37f95093acf15cfb37df6a7ef2f23bfb1d53b9f30df1309604d39a639e18d09dn,
      0xad01e47de8c4ae3f099923257de850877e63ddc326f9e801b0e3861b69279a7n,
    ],
  },
  {
    width: 8 as const,
    constants: '5d7feb78707065c34480d891fda51d8ea49a8c64a781aa3c7f78afc80606ad94',
    diagonal: '60a3c1721bb7ed6794b33da34a6cd703b6a5c689dbac4b0aadfa8d8fefcd4091',
    counting: [
      0x2a3c93e67833ba445e99ae6876f27bf39e698b9479d16af3e5fc05f53ddc305fn,
      0x1f76f9562f7470e8ad94ada5dc73d2163022dabedd9839a773464858cf32bb6an,
      0x793ddbdfb5fb49e88c9777bc8263f408cda856198f5755e733cc46d80448e9bn,
      0x23752aa47298e3bfd4a419d5f5e459e7ad6eb519fb5be7a24b2833acf717f962n,
      0x2279516fb6c491fc4d0fb7bd6acd9fb6c6bcb83a6515b6aa2d24462d7cb450d2n,
      0x1be210bb5560c245aa62526a25a2ca2d6aa0fc64d689d4c70ecbbddb129adaf7n,
      0x186e0e92f6a2057d22c24695ee1fd4366acedcbf4adcb4e5be3aaef9f5047e0fn,
      0x301d09437a4af51791eea4436785e7ac0ea81ae05e6af028874bb22a797d4dc7n,
    ],
    down: [
      0x3e50f1649e21f43e4411ae226631f1285bf280d768d16cdd7e5875a83f6f774dn,
      0x20742fee4e599ef26ab8a8748dcaccc5db3d1db66a3aa5e4e8cd1794f541db82n,
      0x2e6b99a025e256dd4fb79ba574e641f68fc135d769642f6e33fcbafeab88fda8n,
      0x105a820164e959361586d4db13809341d8f12432ccec3f583f87a3e89bef72dcn,
      0x297e21c527bb6b99b3aebf0e16ae461cacd5f5eda0bcbec1fd4b766d1af78bcn,
      0x14490dddbab5a92833beebcd82bd65e6747949f880f0528bb9bfb2dc0f11111n,
      0x36f25f0ed0952c877c3f5facad15e2ef127bad95f1606d799b55ae5174fc775en,
      0xefaf1b0b6fdb253bf3b3f1f0f11a578bb56e188159f3f2c9e12fac9530cf292n,
    ],
  },
];

describe('the permutation', () => {
  it.each(PUBLISHED)('of $width lanes is the published one', (published) => {
    const instance = poseidon2(published.width);
    const { width, constants, diagonal } = instance;
    expect(digest(constants.flat())).toBe(published.constants);
    expect(digest(diagonal)).toBe(published.diagonal);
    const counting = Array.from({ length: width }, (_, k) => BigInt(k));
    expect(permute(instance, counting)).toEqual(published.counting);
    expect(
      permute(
        instance,
        counting.map((k) => P - 1n - k),
      ),
    ).toEqual(published.down);
  });

  it.each(WIDTHS)('of %i lanes has linear layers that are the matrices', (width) => {
    const instance = poseidon2(width);
    for (let column = 0; column < width; column++) {
      const unit = Array.from({ length: width }, (_, k) => (k === column ? 1n : 0n));
      const block = Math.floor(column / 4);
      expect(externalLayer(unit)).toEqual(
        unit.map((_, row) => {
          const twice = width > 4 && Math.floor(row / 4) === block;
          return EXTERNAL[row % 4][column % 4] * (twice ? 2n : 1n);
        }),
      );
      expect(internalLayer(instance, unit)).toEqual(
        unit.map((v) => mod(1n + v * instance.diagonal[column])),
      );
    }
  });

  it('has as many S-boxes as its rounds say, and takes a whole state', () => {
    for (const width of WIDTHS) {
      const instance = poseidon2(width);
      const { inputs, out } = trace(instance, new Array<bigint>(width).fill(0n));
      expect(inputs).toHaveLength(sboxCount(instance));
      expect(inputs.slice(0, width)).toEqual(instance.constants[0]);
      expect(out).toHaveLength(width);
      expect(() => trace(instance, [0n])).toThrow(RangeError);
    }
    expect(WIDTHS.map((w) => sboxCount(poseidon2(w)))).toEqual([88, 121, 185]);
  });
});
