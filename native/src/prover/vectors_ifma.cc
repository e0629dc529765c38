// The backend's vector kernels in AVX-512 IFMA lanes (see backend.h, fp_ifma.h). Bounds in comments are in
// units of p; memory holds elements below 1 with R = 2^256. A product by R' gives R back when one operand is
// loaded 2^4 times too large: 16 * 1 / 64 + 1, so below 1.25.
#include "kernels.h"

#if ATTENSOR_X86

#pragma GCC push_options
#pragma GCC target("avx512f,avx512dq,avx512vl,avx512ifma,avx512vbmi2")
#pragma GCC diagnostic ignored "-Wuninitialized"  // GCC 12 warns about its own intrinsics' undefined lanes
#pragma GCC diagnostic ignored "-Wmaybe-uninitialized"

#include "fp_ifma.h"

namespace attensor::ifma {
namespace {

// Products a column takes before it is carried: each adds at most ten halves below 2^52.
constexpr size_t kColumnProducts = 256;

/// Canonical from below 2.
ATTENSOR_INLINE Fp8 Canonical2(const Fp8& x) { return SubtractOnce(x, kP); }
/// Canonical from below 4.
ATTENSOR_INLINE Fp8 Canonical4(const Fp8& x) { return SubtractOnce(SubtractOnce(x, kTwoP), kP); }

template <Use use = kAny>
ATTENSOR_INLINE Fp8 Sum(const Fp8& a, const Fp8& b) {
  return Normalize<use>(AddLimbs(a, b).l);
}
/// a - b + the multiple of p.
template <Use use = kAny>
ATTENSOR_INLINE Fp8 Difference(const Fp8& a, const Fp8& b, const u64* multipleOfP) {
  return Normalize<use>(SubLimbs(a, b, multipleOfP).l);
}

/// Limbs of the columns below 2^52; the last takes the rest.
ATTENSOR_INLINE void CarryColumns(Lane* c) {
  Lane mask = Broadcast(kMask);
#pragma GCC unroll 10
  for (int i = 0; i + 1 < 2 * kLimbs; i++) {
    c[i + 1] = AddLanes(c[i + 1], _mm512_srai_epi64(c[i], kBits));
    c[i] = _mm512_and_si512(c[i], mask);
  }
}

}  // namespace

void Butterfly(Fp* low, Fp* high, const Fp* w, size_t count) {
  InEights(count, [&](size_t i, auto n) {
    Fp8 u = Load<0>(low + i, n), v = Mul(Load<4, kFactor>(high + i, n), Load<0, kFactor>(w + i, n));
    Store(low + i, Canonical4(Sum(u, v)), n);                 // below 2.25
    Store(high + i, Canonical4(Difference(u, v, kTwoP)), n);  // below 3
  });
}

void Butterfly4(Fp* a, size_t quarter, const Fp* inner, const Fp* outer) {
  InEights(quarter, [&](size_t i, auto n) {
    Fp* at[4] = {a + i, a + quarter + i, a + 2 * quarter + i, a + 3 * quarter + i};
    Fp8 w = Load<4, kFactor>(inner + i, n);
    Fp8 x0 = Load<0>(at[0], n), x1 = Mul(Load<0, kFactor>(at[1], n), w);
    Fp8 x2 = Load<0>(at[2], n), x3 = Mul(Load<0, kFactor>(at[3], n), w);
    // Sums below 2.25 and differences below 3 are multiplied again: 16 * 3 / 64 + 1 = 1.75.
    Fp8 y0 = Sum(x0, x1), y1 = Difference(x0, x1, kTwoP);
    Fp8 y2 = Mul(Sum<kFactor>(x2, x3), Load<4, kFactor>(outer + i, n));
    Fp8 y3 = Mul(Difference<kFactor>(x2, x3, kTwoP), Load<4, kFactor>(outer + quarter + i, n));
    Store(at[0], Canonical4(Sum(y0, y2)), n);                                     // below 4
    Store(at[2], Canonical4(SubtractOnce(Difference(y0, y2, kTwoP), kTwoP)), n);  // below 4.25
    Store(at[1], Canonical4(SubtractOnce(Sum(y1, y3), kTwoP)), n);                // below 4.75
    Store(at[3], Canonical4(SubtractOnce(Difference(y1, y3, kTwoP), kTwoP)), n);  // below 5
  });
}

void Fold(Fp* out, const Fp* low, const Fp* high, const Fp& r, size_t count) {
  Fp8 factor = BroadcastFp(attensor::Mul(r, FromU64(16)));
  InEights(count, [&](size_t i, auto n) {
    Fp8 from = Load<0>(low + i, n);
    Lane c[2 * kLimbs];
    StartColumns(c, from);
    AddProduct(c, Difference<kFactor>(Load<0>(high + i, n), from, kP), factor);
    Store(out + i, Canonical4(ReduceColumns(c)), n);  // below 2 / 64 + 1 + 1
  });
}

void Dot(Wide& sum, const Fp* a, const Fp* b, size_t count) {
  for (size_t first = 0; first < count; first += kColumnProducts * kLanes) {
    size_t length = count - first < kColumnProducts * kLanes ? count - first : kColumnProducts * kLanes;
    Lane c[2 * kLimbs];
    ClearColumns(c);
    InEights(length, [&](size_t i, auto n) {
      AddProduct(c, Load<0, kFactor>(a + first + i, n), Load<0, kFactor>(b + first + i, n));
    });
    AddColumns(sum, c);
  }
}

namespace {

struct Coefficient {
  u64 l[kLimbs];
};

ATTENSOR_INLINE void AddScaled(Lane* c, const Fp8& a, const Coefficient& b) {
#pragma GCC unroll 5
  for (int i = 0; i < kLimbs; i++) {
    Lane x = Broadcast(b.l[i]);
#pragma GCC unroll 5
    for (int j = 0; j < kLimbs; j++) {
      c[i + j] = Low(c[i + j], a.l[j], x);
      c[i + j + 1] = High(c[i + j + 1], a.l[j], x);
    }
  }
}

template <class Size>
ATTENSOR_INLINE Fp8 Combination(const Fp8& base, const Fp* const* vecs, const Coefficient* coefs,
                                size_t terms, size_t i, Size n) {
  Lane c[2 * kLimbs];
  StartColumns(c, base);
  for (size_t k = 0; k < terms; k++) {
    AddScaled(c, Load<0, kFactor>(vecs[k] + i, n), coefs[k]);
    if (k % kColumnProducts == kColumnProducts - 1) CarryColumns(c);
  }
  return ReduceColumns(c);
}

}  // namespace

void Linear(Fp* out, const Fp* base, const Fp* const* vecs, const Fp* coefs, size_t terms, size_t count) {
  // Coefficients are multiplied by 16 mod p, so that a part is below part / 64 + 1, and 1 for the base.
  constexpr size_t kTerms = 1024;
  Coefficient scaled[kTerms];
  const Fp sixteen = FromU64(16);
  const Fp8 zero{};
  for (size_t first = 0; first == 0 || first < terms; first += kTerms) {
    size_t part = terms - first < kTerms ? terms - first : kTerms;
    for (size_t k = 0; k < part; k++) {
      Fp x = attensor::Mul(coefs[first + k], sixteen);
      for (int l = 0; l < kLimbs; l++) scaled[k].l[l] = Limb(x, l, 0);
    }
    const Fp* from = first == 0 ? base : out;
    size_t bound = part / 64 + (from ? 3 : 2);
    InEights(count, [&](size_t i, auto n) {
      Fp8 x = Combination(from ? Load<0>(from + i, n) : zero, vecs + first, scaled, part, i, n);
      for (size_t below = bound; below > 4; below -= 2) x = SubtractOnce(x, kTwoP);
      Store(out + i, bound > 2 ? Canonical4(x) : Canonical2(x), n);
    });
  }
}

void AddFractions(Fp* outP, Fp* outQ, const Fp* p, const Fp* q, size_t half, size_t count) {
  InEights(count, [&](size_t i, auto n) {
    Fp8 q0 = Load<0, kFactor>(q + i, n);
    Fp8 q1 = Load<0, kFactor>(q + half + i, n);
    Lane c[2 * kLimbs];
    StartColumns(c);
    AddProduct(c, Load<4, kFactor>(p + i, n), q1);
    AddProduct(c, Load<4, kFactor>(p + half + i, n), q0);
    Store(outP + i, Canonical2(ReduceColumns(c)), n);  // below 32 / 64 + 1
    Store(outQ + i, Canonical2(Mul(Load<4, kFactor>(q + i, n), q1)), n);
  });
}

void FractionRound(const FractionColumns& columns, size_t half, size_t first, size_t count, Wide& slope,
                   Wide& top) {
  const auto& [a, p, q0, q1, e] = columns;
  Lane slopes[2 * kLimbs], tops[2 * kLimbs];
  ClearColumns(slopes);
  ClearColumns(tops);
  size_t products = 0;
  InEights(count, [&](size_t at, auto n) {
    size_t i = first + at, k = half + i;
    Fp8 weight = Load<0, kFactor>(e + i, n), none{};
    Lane s[2 * kLimbs], t[2 * kLimbs];
    StartColumns(s);
    StartColumns(t);
    auto pair = [&](const Fp* x, const Fp* y) __attribute__((always_inline)) {
      Fp8 x0 = Load<0>(x + i, n), x1 = Load<0>(x + k, n), y0 = Load<0>(y + i, n), y1 = Load<0>(y + k, n);
      AddProduct(s, x1, y1);
      AddProduct(s, Difference<kFactor>(none, x0, kP), y0);
      AddProduct(t, Difference<kFactor>(x1, x0, kP), Difference<kFactor>(y1, y0, kP));
    };
    pair(a, q1);
    pair(p, q0);
    // Over R: four products below 1, or two below 4, so below 4 / 4 + 1 and 8 / 4 + 1.
    AddProduct(slopes, ReduceColumnsByR<kFactor>(s), weight);
    AddProduct(tops, ReduceColumnsByR<kFactor>(t), weight);
    if (++products % kColumnProducts == 0) {
      AddColumns(slope, slopes);
      AddColumns(top, tops);
      ClearColumns(slopes);
      ClearColumns(tops);
    }
  });
  AddColumns(slope, slopes);
  AddColumns(top, tops);
}

}  // namespace attensor::ifma

#pragma GCC pop_options

#endif
