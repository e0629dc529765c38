// Four compressions at a time in AVX2 lanes (see backend.h, fp_avx2.h).
//
// Bounds, in units of p: a layer's result is below 3 where it is folded, below 13 in the partial rounds; so
// x^5 is below 1.2. The external layer multiplies by at most 48.
//
// A product with an element of the diagonal takes one reduction step instead of nine: the constant is there
// nine times, multiplied by 2^29, 2^58, …, each for one limb of the other factor; the sum is below 9 2^29 p.
#include "kernels.h"

#if ATTENSOR_X86

#pragma GCC push_options
#pragma GCC target("avx2")

#include "fp_avx2.h"

namespace attensor::avx2 {
namespace {

constexpr int kHalf = kPoseidon2FullRounds / 2;

/// Limbs that are added to a value; not reduced.
struct Added {
  u64 l[kLimbs];
};

struct alignas(32) Multiplier {
  Lane rows[kLimbs][kLimbs];
};

struct Tables {
  Multiplier diagonal[kArity];
  /// p, with larger limbs below smaller ones: what Fold subtracts leaves no limb negative.
  Added modulus;
  /// The constants of the rounds; those that are added by Fold come with the modulus.
  Added full[kPoseidon2FullRounds][kArity], afterPartial[kArity];
  Added firstPartial, partial[kPoseidon2PartialRounds];
  /// R mod p: takes R' back to R.
  Packed one;
};

Added LimbsOf(const Fp& x) {
  Added out;
  for (int i = 0; i < kLimbs; i++) out.l[i] = Limb(x, i, 0);
  return out;
}

Added Sum(const Added& a, const Added& b) {
  Added out;
  for (int i = 0; i < kLimbs; i++) out.l[i] = a.l[i] + b.l[i];
  return out;
}

/// x R to the limbs of x R'.
Added Scaled(const Fp& x) { return LimbsOf(Mul(x, FromU64(32))); }

constexpr int kLent = 41;

const Tables& PackedTables() {
  static const Tables tables = [] {
    Tables t;
    for (size_t e = 0; e < kArity; e++) {
      Fp x = ToCanonical(kPoseidon2Diagonal[e]);
      for (auto& row : t.diagonal[e].rows) {
        for (int i = 0; i < kBits; i++) x = Add(x, x);
        for (int i = 0; i < kLimbs; i++) row[i] = Broadcast(Limb(x, i, 0));
      }
    }
    t.modulus = LimbsOf(kModulus);
    for (int i = 0; i < kLimbs; i++) {
      if (i + 1 < kLimbs) t.modulus.l[i] += u64{1} << kLent;
      if (i > 0) t.modulus.l[i] -= u64{1} << (kLent - kBits);
    }
    for (int r = 0; r < kPoseidon2FullRounds; r++)
      for (size_t e = 0; e < kArity; e++) t.full[r][e] = Sum(t.modulus, Scaled(kPoseidon2Full[r][e]));
    for (size_t e = 0; e < kArity; e++) t.afterPartial[e] = Scaled(kPoseidon2Full[kHalf][e]);
    for (int r = 0; r < kPoseidon2PartialRounds; r++) t.partial[r] = Scaled(kPoseidon2Partial[r]);
    t.firstPartial = Sum(t.modulus, t.partial[0]);
    for (int i = 0; i < kLimbs; i++) t.one.l[i] = Broadcast(Limb(kOne, i, 0));
    return t;
  }();
  return tables;
}

/// Columns below 2^36 of a value below 2^11 p to limbs of one below 3 p: subtracts about the value's quotient
/// by p, and adds `added`, p among it.
ATTENSOR_INLINE void Fold(Lane* c, const Added& added, Packed& out) {
  const Lane* p = kLanesOfP.p;
  // The quotient by 2^254, or one less.
  Lane q = _mm256_srli_epi64(AddLanes(c[8], _mm256_srli_epi64(c[7], kBits)), 254 - 8 * kBits);
#pragma GCC unroll 9
  for (int i = 0; i < kLimbs; i++) c[i] = AddLanes(c[i], Broadcast(added.l[i]));
  c[0] = _mm256_sub_epi64(c[0], q);
#pragma GCC unroll 4
  for (int i = 1; i < 5; i++) c[i] = _mm256_sub_epi64(c[i], MulMemory(q, p[i]));
  c[8] = _mm256_sub_epi64(c[8], _mm256_slli_epi64(q, 254 - 8 * kBits));
  Normalize(c, out);
}

/// out = x d + sum, and `added`, if there is one; in place.
template <bool adds>
ATTENSOR_INLINE void MulAdd(Packed& x, const Multiplier& d, const Packed& sum, const Added* added) {
  Lane c[kLimbs];
#pragma GCC unroll 9
  for (int i = 0; i < kLimbs; i++) c[i] = MulMemory(x.l[0], d.rows[0][i]);
#pragma GCC unroll 9
  for (int j = 1; j < kLimbs; j++) {
#pragma GCC unroll 9
    for (int i = 0; i < kLimbs; i++) c[i] = AddLanes(c[i], MulMemory(x.l[j], d.rows[j][i]));
  }
  Step(c, kLanesOfP.p);
#pragma GCC unroll 9
  for (int i = 0; i < kLimbs; i++) {
    c[i] = AddLanes(c[i], sum.l[i]);
    if (adds) c[i] = AddLanes(c[i], Broadcast(added->l[i]));
  }
  Normalize(c, x);
}

__attribute__((noinline)) void FifthPower(Packed& x) {
  const Modulus& m = kLanesOfP;
  Packed power;
  SqrPacked(x, power, m);
  SqrPacked(power, power, m);
  MulPacked(power, x, x, m);
}

ATTENSOR_INLINE void MixFour(Lane* x) {
  Lane t0 = AddLanes(x[0], x[1]), t1 = AddLanes(x[2], x[3]);
  Lane t2 = AddLanes(AddLanes(x[1], x[1]), t1), t3 = AddLanes(AddLanes(x[3], x[3]), t0);
  Lane t4 = AddLanes(_mm256_slli_epi64(t1, 2), t3), t5 = AddLanes(_mm256_slli_epi64(t0, 2), t2);
  x[0] = AddLanes(t3, t5);
  x[1] = t5;
  x[2] = AddLanes(t2, t4);
  x[3] = t4;
}

/// The external layer, with added[e] for element e.
template <class Constants>
ATTENSOR_INLINE void ExternalLayer(Packed* s, size_t elements, const Constants& added) {
  for (int i = 0; i < kLimbs; i++) {
    Lane x[kArity];
    for (size_t e = 0; e < kArity; e++) x[e] = s[e].l[i];
    MixFour(x);
    MixFour(x + 4);
    for (int k = 0; k < 4; k++) {
      Lane sum = AddLanes(x[k], x[4 + k]);
      s[k].l[i] = AddLanes(x[k], sum);
      s[4 + k].l[i] = AddLanes(x[4 + k], sum);
    }
  }
  for (size_t e = 0; e < elements; e++) {
    Lane c[kLimbs];
    for (int i = 0; i < kLimbs; i++) c[i] = s[e].l[i];
    Fold(c, added(e), s[e]);
  }
}

ATTENSOR_INLINE void SumOf(const Packed* s, const Added& modulus, Packed& out) {
  Lane c[kLimbs];
#pragma GCC unroll 9
  for (int i = 0; i < kLimbs; i++) {
    c[i] = s[0].l[i];
#pragma GCC unroll 7
    for (size_t e = 1; e < kArity; e++) c[i] = AddLanes(c[i], s[e].l[i]);
  }
  Fold(c, modulus, out);
}

__attribute__((noinline)) void PartialRound(Packed* s, const Tables& t, const Added& next) {
  Packed sum;
  SumOf(s, t.modulus, sum);
  MulAdd<true>(s[0], t.diagonal[0], sum, &next);
  for (size_t e = 1; e < kArity; e++) MulAdd<false>(s[e], t.diagonal[e], sum, nullptr);
}

__attribute__((noinline)) void LastPartialRound(Packed* s, const Tables& t) {
  Packed sum;
  SumOf(s, t.modulus, sum);
  for (size_t e = 0; e < kArity; e++) MulAdd<true>(s[e], t.diagonal[e], sum, &t.afterPartial[e]);
}

/// From elements in memory, 8 `children` of each of four states; visit(input) sees the inputs of the S-boxes
/// in order. Leaves the first element of the result, in the form of memory but below 3 p.
template <class Visit>
ATTENSOR_INLINE void RunFour(const Fp* children, const Tables& t, const Visit& visit, Packed& out) {
  Packed s[kArity];
  for (size_t e = 0; e < kArity; e++) LoadFour(children + e, kArity, s[e]);
  ExternalLayer(s, kArity, [&](size_t e) -> const Added& { return t.full[0][e]; });
  for (int r = 0; r < kPoseidon2FullRounds; r++) {
    for (Packed& x : s) {
      visit(x);
      FifthPower(x);
    }
    if (r + 1 == kPoseidon2FullRounds)
      ExternalLayer(s, 1, [&](size_t) -> const Added& { return t.modulus; });
    else if (r + 1 == kHalf)
      ExternalLayer(s, kArity, [&](size_t e) -> const Added& { return e == 0 ? t.firstPartial : t.modulus; });
    else
      ExternalLayer(s, kArity, [&](size_t e) -> const Added& { return t.full[r + 1][e]; });
    if (r + 1 != kHalf) continue;
    for (int k = 0; k < kPoseidon2PartialRounds; k++) {
      visit(s[0]);
      FifthPower(s[0]);
      if (k + 1 < kPoseidon2PartialRounds)
        PartialRound(s, t, t.partial[k + 1]);
      else
        LastPartialRound(s, t);
    }
  }
  out = s[0];
}

/// From lanes to memory, canonical; for values below 100 p.
ATTENSOR_INLINE void StoreScaled(const Packed& x, const Tables& t, Fp* to) {
  Packed scaled;
  MulPacked(x, t.one, scaled, kLanesOfP);
  StoreFour(scaled, to, 1);
}

void CompressFour(Fp* out, const Fp* children, const Tables& t) {
  Packed first;
  RunFour(children, t, [](const Packed&) {}, first);
  StoreScaled(first, t, out);
  for (size_t k = 0; k < kLanes; k++) out[k] = Add(out[k], children[k * kArity]);
}

void TraceFour(Fp* out, size_t stride, const Fp* children, const Tables& t) {
  for (size_t e = 0; e < kArity; e++, out += stride)
    for (size_t k = 0; k < kLanes; k++) out[k] = children[k * kArity + e];
  size_t seen = 0;
  auto put = [&](const Packed& input) {
    if (seen++ < kArity) return;
    StoreScaled(input, t, out);
    out += stride;
  };
  Packed first;
  RunFour(children, t, put, first);
  StoreScaled(first, t, out);
  for (size_t k = 0; k < kLanes; k++) out[k] = Add(out[k], children[k * kArity]);
}

}  // namespace

void Compress(Fp* out, const Fp* children, size_t count) {
  const Tables& tables = PackedTables();
  size_t i = 0;
  for (; i + kLanes <= count; i += kLanes) CompressFour(out + i, children + kArity * i, tables);
  // Two or three left fill the lanes with copies; one is faster alone.
  if (count - i >= 2) {
    Fp rest[kLanes * kArity], results[kLanes];
    for (size_t k = 0; k < kLanes; k++)
      for (size_t e = 0; e < kArity; e++)
        rest[kArity * k + e] = children[kArity * (i + (k < count - i ? k : 0)) + e];
    CompressFour(results, rest, tables);
    for (size_t k = 0; i + k < count; k++) out[i + k] = results[k];
  } else if (i < count) {
    out[i] = CompressOne(children + kArity * i);
  }
}

void TraceCompressions(Fp* out, size_t stride, const Fp* children, size_t count) {
  const Tables& tables = PackedTables();
  size_t i = 0;
  for (; i + kLanes <= count; i += kLanes) TraceFour(out + i, stride, children + kArity * i, tables);
  if (i < count) scalar::TraceCompressions(out + i, stride, children + kArity * i, count - i);
}

}  // namespace attensor::avx2

#pragma GCC pop_options

#endif
