// Eight compressions at a time in AVX-512 IFMA lanes (see backend.h, fp_ifma.h).
//
// Bounds, in units of p: a layer's result is below 3 where it is folded, below 10 in the partial rounds; so
// x^5 is below 1.2. The external layer multiplies by at most 48.
//
// A product with an element of the diagonal takes one reduction step instead of five: the constant is there
// five times, multiplied by 2^52, 2^104, …, each for one limb of the other factor; the sum is below 5 2^52 p.
#include "kernels.h"

#if ATTENSOR_X86

#pragma GCC push_options
#pragma GCC target("avx512f,avx512dq,avx512vl,avx512ifma,avx512vbmi2")
#pragma GCC diagnostic ignored "-Wuninitialized"  // GCC 12 warns about its own intrinsics' undefined lanes
#pragma GCC diagnostic ignored "-Wmaybe-uninitialized"

#include "fp_ifma.h"

namespace attensor::ifma {
namespace {

constexpr int kHalf = kPoseidon2FullRounds / 2;

/// Limbs of a constant, the same in every lane.
struct Constant {
  u64 l[kLimbs];
};

struct Multiplier {
  Constant rows[kLimbs];
};

struct Tables {
  Multiplier diagonal[kArity];
  /// The constants of the rounds; those that are added by Fold come with p.
  Constant modulus, full[kPoseidon2FullRounds][kArity], afterPartial[kArity];
  Constant firstPartial, partial[kPoseidon2PartialRounds];
};

Constant LimbsOf(const Fp& x) {
  Constant out;
  for (int i = 0; i < kLimbs; i++) out.l[i] = Limb(x, i, 0);
  return out;
}

/// x R to the limbs of x R'.
Constant Scaled(const Fp& x) { return LimbsOf(Mul(x, FromU64(16))); }

Constant WithModulus(Constant x) {
  for (int i = 0; i < kLimbs; i++) x.l[i] += PLimb(i);
  return x;
}

const Tables& LaneTables() {
  static const Tables tables = [] {
    Tables t;
    for (size_t e = 0; e < kArity; e++) {
      Fp x = ToCanonical(kPoseidon2Diagonal[e]);
      for (Constant& row : t.diagonal[e].rows) {
        for (int i = 0; i < kBits; i++) x = Add(x, x);
        row = LimbsOf(x);
      }
    }
    t.modulus = LimbsOf(kModulus);
    for (int r = 0; r < kPoseidon2FullRounds; r++)
      for (size_t e = 0; e < kArity; e++) t.full[r][e] = WithModulus(Scaled(kPoseidon2Full[r][e]));
    for (size_t e = 0; e < kArity; e++) t.afterPartial[e] = Scaled(kPoseidon2Full[kHalf][e]);
    for (int r = 0; r < kPoseidon2PartialRounds; r++) t.partial[r] = Scaled(kPoseidon2Partial[r]);
    t.firstPartial = WithModulus(t.partial[0]);
    return t;
  }();
  return tables;
}

/// Columns below 2^60 of a value below 2^11 p to limbs of one below 3 p: subtracts about the value's quotient
/// by p, and adds `added`, p among it.
ATTENSOR_INLINE Fp8 Fold(Lane* c, const Constant& added) {
  // The quotient by 2^254, or one less.
  Lane q = _mm512_srli_epi64(AddLanes(c[4], _mm512_srli_epi64(c[3], kBits)), 254 - 4 * kBits);
  Lane multiple[kLimbs];
  multiple[0] = Low(Zero(), q, Broadcast(PLimb(0)));
  multiple[1] = Low(High(Zero(), q, Broadcast(PLimb(0))), q, Broadcast(PLimb(1)));
  multiple[2] = Low(High(Zero(), q, Broadcast(PLimb(1))), q, Broadcast(PLimb(2)));
  multiple[3] = High(Zero(), q, Broadcast(PLimb(2)));
  multiple[4] = _mm512_slli_epi64(q, 254 - 4 * kBits);
#pragma GCC unroll 5
  for (int i = 0; i < kLimbs; i++)
    c[i] = _mm512_sub_epi64(AddLanes(c[i], Broadcast(added.l[i])), multiple[i]);
  return Normalize(c);
}

/// x d + sum, and `added`, if there is one.
template <bool adds>
ATTENSOR_INLINE Fp8 MulAdd(const Fp8& x, const Multiplier& d, const Fp8& sum, const Constant* added) {
  Lane c[kLimbs + 1];
  c[0] = Broadcast(~u64{0});  // see StartColumns
#pragma GCC unroll 5
  for (int i = 0; i < kLimbs; i++) c[i + 1] = adds ? AddLanes(sum.l[i], Broadcast(added->l[i])) : sum.l[i];
#pragma GCC unroll 5
  for (int j = 0; j < kLimbs; j++) {
#pragma GCC unroll 5
    for (int i = 0; i < kLimbs; i++) {
      Lane row = Broadcast(d.rows[j].l[i]);
      c[i] = Low(c[i], x.l[j], row);
      c[i + 1] = High(c[i + 1], x.l[j], row);
    }
  }
  Step(c);
  c[1] = AddLanes(c[1], Broadcast(1));
  return Normalize(c + 1);
}

ATTENSOR_INLINE Fp8 FifthPower(const Fp8& x) { return Mul(Sqr<kFactor>(Sqr<kFactor>(x)), x); }

ATTENSOR_INLINE void MixFour(Lane* x) {
  Lane t0 = AddLanes(x[0], x[1]), t1 = AddLanes(x[2], x[3]);
  Lane t2 = AddLanes(AddLanes(x[1], x[1]), t1), t3 = AddLanes(AddLanes(x[3], x[3]), t0);
  Lane t4 = AddLanes(_mm512_slli_epi64(t1, 2), t3), t5 = AddLanes(_mm512_slli_epi64(t0, 2), t2);
  x[0] = AddLanes(t3, t5);
  x[1] = t5;
  x[2] = AddLanes(t2, t4);
  x[3] = t4;
}

/// The external layer, with added(e) for element e.
template <class Constants>
ATTENSOR_INLINE void ExternalLayer(Fp8* s, size_t elements, const Constants& added) {
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
  for (size_t e = 0; e < elements; e++) s[e] = Fold(s[e].l, added(e));
}

ATTENSOR_INLINE Fp8 SumOf(const Fp8* s, const Constant& modulus) {
  Fp8 sum = s[0];
  for (size_t e = 1; e < kArity; e++) sum = AddLimbs(sum, s[e]);
  return Fold(sum.l, modulus);
}

__attribute__((noinline)) void PartialRound(Fp8* s, const Tables& t, const Constant& next) {
  Fp8 sum = SumOf(s, t.modulus);
  s[0] = MulAdd<true>(s[0], t.diagonal[0], sum, &next);
  for (size_t e = 1; e < kArity; e++) s[e] = MulAdd<false>(s[e], t.diagonal[e], sum, nullptr);
}

__attribute__((noinline)) void LastPartialRound(Fp8* s, const Tables& t) {
  Fp8 sum = SumOf(s, t.modulus);
  for (size_t e = 0; e < kArity; e++) s[e] = MulAdd<true>(s[e], t.diagonal[e], sum, &t.afterPartial[e]);
}

/// From lanes to memory, canonical; for values below 60 p.
ATTENSOR_INLINE void StoreEight(const Fp8& x, Fp* to) {
  Store(to, SubtractOnce(Mul(x, BroadcastFp(kOne)), kP), kLanes);  // x R' to x R
}

/// From elements in memory, 8 `children` of each of eight states; visit(input) sees the inputs of the S-boxes
/// in order. Returns the first element of the result.
template <class Visit>
ATTENSOR_INLINE Fp8 RunEight(const Fp* children, const Tables& t, const Visit& visit) {
  Fp8 s[kArity];
  for (size_t e = 0; e < kArity; e++) {
    Fp gathered[kLanes];
    for (size_t k = 0; k < kLanes; k++) gathered[k] = children[k * kArity + e];
    s[e] = Load<4>(gathered, kLanes);  // x R to x R'
  }
  ExternalLayer(s, kArity, [&](size_t e) -> const Constant& { return t.full[0][e]; });
  for (int r = 0; r < kPoseidon2FullRounds; r++) {
    for (Fp8& x : s) {
      visit(x);
      x = FifthPower(x);
    }
    if (r + 1 == kPoseidon2FullRounds)
      ExternalLayer(s, 1, [&](size_t) -> const Constant& { return t.modulus; });
    else if (r + 1 == kHalf)
      ExternalLayer(s, kArity,
                    [&](size_t e) -> const Constant& { return e == 0 ? t.firstPartial : t.modulus; });
    else
      ExternalLayer(s, kArity, [&](size_t e) -> const Constant& { return t.full[r + 1][e]; });
    if (r + 1 != kHalf) continue;
    for (int k = 0; k < kPoseidon2PartialRounds; k++) {
      visit(s[0]);
      s[0] = FifthPower(s[0]);
      if (k + 1 < kPoseidon2PartialRounds)
        PartialRound(s, t, t.partial[k + 1]);
      else
        LastPartialRound(s, t);
    }
  }
  return s[0];
}

void CompressEight(Fp* out, const Fp* children, const Tables& t) {
  StoreEight(RunEight(children, t, [](const Fp8&) {}), out);
  for (size_t k = 0; k < kLanes; k++) out[k] = Add(out[k], children[k * kArity]);
}

void TraceEight(Fp* out, size_t stride, const Fp* children, const Tables& t) {
  for (size_t e = 0; e < kArity; e++, out += stride)
    for (size_t k = 0; k < kLanes; k++) out[k] = children[k * kArity + e];
  size_t seen = 0;
  Fp8 result = RunEight(children, t, [&](const Fp8& input) {
    if (seen++ < kArity) return;
    StoreEight(input, out);
    out += stride;
  });
  StoreEight(result, out);
  for (size_t k = 0; k < kLanes; k++) out[k] = Add(out[k], children[k * kArity]);
}

}  // namespace

void Compress(Fp* out, const Fp* children, size_t count) {
  const Tables& tables = LaneTables();
  size_t i = 0;
  for (; i + kLanes <= count; i += kLanes) CompressEight(out + i, children + kArity * i, tables);
  // Two or more left fill the lanes with copies; one is faster alone.
  if (count - i >= 2) {
    Fp rest[kLanes * kArity], results[kLanes];
    for (size_t k = 0; k < kLanes; k++)
      for (size_t e = 0; e < kArity; e++)
        rest[kArity * k + e] = children[kArity * (i + (k < count - i ? k : 0)) + e];
    CompressEight(results, rest, tables);
    for (size_t k = 0; i + k < count; k++) out[i + k] = results[k];
  } else if (i < count) {
    out[i] = CompressOne(children + kArity * i);
  }
}

void TraceCompressions(Fp* out, size_t stride, const Fp* children, size_t count) {
  const Tables& tables = LaneTables();
  size_t i = 0;
  for (; i + kLanes <= count; i += kLanes) TraceEight(out + i, stride, children + kArity * i, tables);
  if (i < count) scalar::TraceCompressions(out + i, stride, children + kArity * i, count - i);
}

}  // namespace attensor::ifma

#pragma GCC pop_options

#endif
