// Fp eight at a time in AVX-512 lanes (see backend.h): five limbs of 52 bits, multiplied by IFMA's
// instructions, which add the low or high half of a 104-bit product to a 64-bit column.
//
// The Montgomery factor is R' = 2^260 = 64 p. A product of values below 4 p reduces to less than 1.3 p (16/64
// p + p), so no subtraction is needed inside a chain of products. Include it after the target pragma of a
// file that is chosen at run time.
#pragma once

#include <type_traits>

#include "fp.h"

#if ATTENSOR_X86

#include <immintrin.h>

namespace attensor::ifma {

constexpr int kLimbs = 5, kBits = 52, kLanes = 8;
constexpr u64 kMask = (u64{1} << kBits) - 1;

using Lane = __m512i;
/// Eight elements; limbs below 2^52. Functions with <kFactor> leave bits above in the limbs, which the
/// multiplication does not see: such a value may be multiplied and nothing else.
struct alignas(64) Fp8 {
  Lane l[kLimbs];
};

enum Use { kAny, kFactor };

/// Limb i of a 256-bit number shifted left by `shift` bits.
constexpr u64 Limb(const Fp& x, int i, int shift) {
  int bit = i * kBits - shift;
  if (bit < 0) return x.l[0] << -bit & kMask;
  int word = bit / 64, offset = bit % 64;
  if (word > 3) return 0;
  u64 low = x.l[word] >> offset;
  if (offset > 64 - kBits && word < 3) low |= x.l[word + 1] << (64 - offset);
  return low & kMask;
}

constexpr u64 PLimb(int i) { return Limb(kModulus, i, 0); }
static_assert(PLimb(3) == 0 && PLimb(4) == u64{1} << 46);
/// -1/p mod 2^52
constexpr u64 kNegInverse52 = kNegInverse & kMask;

ATTENSOR_INLINE Lane Zero() { return _mm512_setzero_si512(); }
ATTENSOR_INLINE Lane Broadcast(u64 x) { return _mm512_set1_epi64(static_cast<long long>(x)); }
ATTENSOR_INLINE Lane AddLanes(Lane a, Lane b) { return _mm512_add_epi64(a, b); }
/// c + low half of a b; c + high half of a b
ATTENSOR_INLINE Lane Low(Lane c, Lane a, Lane b) { return _mm512_madd52lo_epu64(c, a, b); }
ATTENSOR_INLINE Lane High(Lane c, Lane a, Lane b) { return _mm512_madd52hi_epu64(c, a, b); }

/// Adds a multiple of p that clears column c[0], whose carry moves on to c[1]. Column c[0] comes one too
/// small, and c[1] leaves so: the carry is the value rounded up, less one, which is the value less one
/// rounded down. (-1/p) (c[0] + 1) is the multiple.
ATTENSOR_INLINE void Step(Lane* c) {
  Lane factor = Broadcast(kNegInverse52), m = Low(factor, c[0], factor);
  c[1] = AddLanes(c[1], _mm512_srai_epi64(c[0], kBits));
  c[1] = High(Low(c[1], m, Broadcast(PLimb(1))), m, Broadcast(PLimb(0)));
  c[2] = High(Low(c[2], m, Broadcast(PLimb(2))), m, Broadcast(PLimb(1)));
  c[3] = High(c[3], m, Broadcast(PLimb(2)));
  c[4] = Low(c[4], m, Broadcast(PLimb(4)));
  c[5] = High(c[5], m, Broadcast(PLimb(4)));
}

/// Columns of 64 bits to limbs of 52 (the last takes the rest). Columns may be negative, the value is not.
template <Use use = kAny>
ATTENSOR_INLINE Fp8 Normalize(const Lane* c) {
  Fp8 out;
  Lane mask = Broadcast(kMask), x = c[0];
#pragma GCC unroll 5
  for (int i = 0; i < kLimbs - 1; i++) {
    out.l[i] = use == kFactor ? x : _mm512_and_si512(x, mask);
    x = AddLanes(c[i + 1], _mm512_srai_epi64(x, kBits));
  }
  out.l[kLimbs - 1] = x;
  return out;
}

/// The ten columns of a product, or of a sum of products, over R'; they were begun by StartColumns.
template <Use use = kAny>
ATTENSOR_INLINE Fp8 ReduceColumns(Lane* c) {
#pragma GCC unroll 5
  for (int i = 0; i < kLimbs; i++) Step(c + i);
  c[kLimbs] = AddLanes(c[kLimbs], Broadcast(1));
  return Normalize<use>(c + kLimbs);
}

/// The same over R = 2^256: the last step clears 48 bits. For columns below 2^59.
template <Use use = kAny>
ATTENSOR_INLINE Fp8 ReduceColumnsByR(Lane* c) {
  constexpr int kRest = 256 - 4 * kBits;
#pragma GCC unroll 4
  for (int i = 0; i < kLimbs - 1; i++) Step(c + i);
  Lane* d = c + kLimbs - 1;
  d[0] = AddLanes(d[0], Broadcast(1));
  Lane m = _mm512_and_si512(Low(Zero(), d[0], Broadcast(kNegInverse52)), Broadcast((u64{1} << kRest) - 1));
  d[0] = Low(d[0], m, Broadcast(PLimb(0)));
  d[1] = High(Low(d[1], m, Broadcast(PLimb(1))), m, Broadcast(PLimb(0)));
  d[2] = High(Low(d[2], m, Broadcast(PLimb(2))), m, Broadcast(PLimb(1)));
  d[3] = High(d[3], m, Broadcast(PLimb(2)));
  d[4] = Low(d[4], m, Broadcast(PLimb(4)));
  d[5] = High(d[5], m, Broadcast(PLimb(4)));
  d[1] = AddLanes(_mm512_slli_epi64(d[1], kBits - kRest), _mm512_srli_epi64(d[0], kRest));
#pragma GCC unroll 4
  for (int i = 2; i <= kLimbs; i++) d[i] = _mm512_slli_epi64(d[i], kBits - kRest);
  return Normalize<use>(d + 1);
}

/// c += a b; c has ten columns.
ATTENSOR_INLINE void AddProduct(Lane* c, const Fp8& a, const Fp8& b) {
#pragma GCC unroll 5
  for (int i = 0; i < kLimbs; i++) {
#pragma GCC unroll 5
    for (int j = 0; j < kLimbs; j++) {
      c[i + j] = Low(c[i + j], a.l[i], b.l[j]);
      c[i + j + 1] = High(c[i + j + 1], a.l[i], b.l[j]);
    }
  }
}

/// For sums that are not reduced here.
ATTENSOR_INLINE void ClearColumns(Lane* c) {
#pragma GCC unroll 10
  for (int i = 0; i < 2 * kLimbs; i++) c[i] = Zero();
}

/// For what is reduced: base R', one less (see Step).
ATTENSOR_INLINE void StartColumns(Lane* c) {
  c[0] = Broadcast(~u64{0});
#pragma GCC unroll 9
  for (int i = 1; i < 2 * kLimbs; i++) c[i] = Zero();
}

ATTENSOR_INLINE void StartColumns(Lane* c, const Fp8& base) {
  StartColumns(c);
#pragma GCC unroll 5
  for (int i = 0; i < kLimbs; i++) c[kLimbs + i] = base.l[i];
}

template <Use use = kAny>
ATTENSOR_INLINE Fp8 Mul(const Fp8& a, const Fp8& b) {
  Lane c[2 * kLimbs];
  StartColumns(c);
  AddProduct(c, a, b);
  return ReduceColumns<use>(c);
}

/// a b / R: for elements in the form of memory. Below (a b / 4 + 1) p, for a p and b p below 2^260.
ATTENSOR_INLINE Fp8 MulByR(const Fp8& a, const Fp8& b) {
  Lane c[2 * kLimbs];
  StartColumns(c);
  AddProduct(c, a, b);
  return ReduceColumnsByR(c);
}

template <Use use = kAny>
ATTENSOR_INLINE Fp8 Sqr(const Fp8& a) {
  Lane c[2 * kLimbs];
  StartColumns(c);
#pragma GCC unroll 5
  for (int i = 0; i < kLimbs; i++) {
#pragma GCC unroll 5
    for (int j = i + 1; j < kLimbs; j++) {
      c[i + j] = Low(c[i + j], a.l[i], a.l[j]);
      c[i + j + 1] = High(c[i + j + 1], a.l[i], a.l[j]);
    }
  }
#pragma GCC unroll 10
  for (int i = 1; i < 2 * kLimbs - 1; i++) c[i] = AddLanes(c[i], c[i]);
#pragma GCC unroll 5
  for (int i = 0; i < kLimbs; i++) {
    c[2 * i] = Low(c[2 * i], a.l[i], a.l[i]);
    c[2 * i + 1] = High(c[2 * i + 1], a.l[i], a.l[i]);
  }
  return ReduceColumns<use>(c);
}

// --- between eight elements in memory, one after the other, and lanes ---

/// Words k of eight elements of four words, in lane order, from their 32 bytes each.
ATTENSOR_INLINE void Transpose(const Fp* from, Lane* words) {
  const auto* at = reinterpret_cast<const Lane*>(from);
  Lane x01 = _mm512_loadu_si512(at), x23 = _mm512_loadu_si512(at + 1), x45 = _mm512_loadu_si512(at + 2),
       x67 = _mm512_loadu_si512(at + 3);
  // Words 0 and 1, then 2 and 3, of four elements.
  const Lane low = _mm512_setr_epi64(0, 4, 8, 12, 1, 5, 9, 13),
             high = _mm512_setr_epi64(2, 6, 10, 14, 3, 7, 11, 15);
  Lane a = _mm512_permutex2var_epi64(x01, low, x23), b = _mm512_permutex2var_epi64(x45, low, x67);
  Lane c = _mm512_permutex2var_epi64(x01, high, x23), d = _mm512_permutex2var_epi64(x45, high, x67);
  words[0] = _mm512_shuffle_i64x2(a, b, 0x44);
  words[1] = _mm512_shuffle_i64x2(a, b, 0xee);
  words[2] = _mm512_shuffle_i64x2(c, d, 0x44);
  words[3] = _mm512_shuffle_i64x2(c, d, 0xee);
}

ATTENSOR_INLINE void TransposeBack(const Lane* words, Fp* to) {
  auto* at = reinterpret_cast<Lane*>(to);
  Lane a = _mm512_shuffle_i64x2(words[0], words[1], 0x44), b = _mm512_shuffle_i64x2(words[0], words[1], 0xee);
  Lane c = _mm512_shuffle_i64x2(words[2], words[3], 0x44), d = _mm512_shuffle_i64x2(words[2], words[3], 0xee);
  const Lane first = _mm512_setr_epi64(0, 4, 8, 12, 1, 5, 9, 13),
             second = _mm512_setr_epi64(2, 6, 10, 14, 3, 7, 11, 15);
  _mm512_storeu_si512(at, _mm512_permutex2var_epi64(a, first, c));
  _mm512_storeu_si512(at + 1, _mm512_permutex2var_epi64(a, second, c));
  _mm512_storeu_si512(at + 2, _mm512_permutex2var_epi64(b, first, d));
  _mm512_storeu_si512(at + 3, _mm512_permutex2var_epi64(b, second, d));
}

/// Words to limbs, times 2^shift (0 or 4: with 4, factor R becomes R').
template <int shift, Use use = kAny>
ATTENSOR_INLINE Fp8 Split(const Lane* w) {
  Fp8 out;
  out.l[0] = _mm512_slli_epi64(w[0], shift);
  // Limb i starts at bit 52 i - shift.
  out.l[1] = _mm512_shrdi_epi64(w[0], w[1], kBits - shift);
  out.l[2] = _mm512_shrdi_epi64(w[1], w[2], 2 * kBits - shift - 64);
  out.l[3] = _mm512_shrdi_epi64(w[2], w[3], 3 * kBits - shift - 128);
  out.l[4] = _mm512_srli_epi64(w[3], 4 * kBits - shift - 192);
  if (use == kAny) {
#pragma GCC unroll 4
    for (int i = 0; i < kLimbs - 1; i++) out.l[i] = _mm512_and_si512(out.l[i], Broadcast(kMask));
  }
  return out;
}

ATTENSOR_INLINE void Join(const Fp8& x, Lane* w) {
  w[0] = _mm512_or_si512(x.l[0], _mm512_slli_epi64(x.l[1], 52));
  w[1] = _mm512_or_si512(_mm512_srli_epi64(x.l[1], 12), _mm512_slli_epi64(x.l[2], 40));
  w[2] = _mm512_or_si512(_mm512_srli_epi64(x.l[2], 24), _mm512_slli_epi64(x.l[3], 28));
  w[3] = _mm512_or_si512(_mm512_srli_epi64(x.l[3], 36), _mm512_slli_epi64(x.l[4], 16));
}

constexpr u64 kP[kLimbs] = {PLimb(0), PLimb(1), PLimb(2), PLimb(3), PLimb(4)};
constexpr u64 kTwoP[kLimbs] = {Limb(kModulus, 0, 1), Limb(kModulus, 1, 1), Limb(kModulus, 2, 1),
                               Limb(kModulus, 3, 1), Limb(kModulus, 4, 1)};

/// x - m where x >= m, else x; m's limbs are the same in every lane.
ATTENSOR_INLINE Fp8 SubtractOnce(const Fp8& x, const u64* m) {
  Fp8 d;
  Lane mask = Broadcast(kMask), borrow = Zero();
#pragma GCC unroll 5
  for (int i = 0; i < kLimbs; i++) {
    Lane t = AddLanes(_mm512_sub_epi64(x.l[i], Broadcast(m[i])), borrow);
    borrow = _mm512_srai_epi64(t, kBits);  // 0 or -1
    d.l[i] = i < kLimbs - 1 ? _mm512_and_si512(t, mask) : t;
  }
  __mmask8 less = _mm512_movepi64_mask(borrow);
#pragma GCC unroll 5
  for (int i = 0; i < kLimbs; i++) d.l[i] = _mm512_mask_mov_epi64(d.l[i], less, x.l[i]);
  return d;
}

/// a + b, a - b + p: limbs are not carried.
ATTENSOR_INLINE Fp8 AddLimbs(const Fp8& a, const Fp8& b) {
  Fp8 out;
#pragma GCC unroll 5
  for (int i = 0; i < kLimbs; i++) out.l[i] = AddLanes(a.l[i], b.l[i]);
  return out;
}

ATTENSOR_INLINE Fp8 SubLimbs(const Fp8& a, const Fp8& b, const u64* multipleOfP) {
  Fp8 out;
#pragma GCC unroll 5
  for (int i = 0; i < kLimbs; i++)
    out.l[i] = AddLanes(_mm512_sub_epi64(a.l[i], b.l[i]), Broadcast(multipleOfP[i]));
  return out;
}

// --- vectors in memory, eight elements at a time ---

/// Calls body(i, n) on [i, i + n) of [0, count), n = 8 but for the last; n is a constant where it is 8.
template <class Body>
ATTENSOR_INLINE void InEights(size_t count, const Body& body) {
  size_t i = 0;
  for (; i + kLanes <= count; i += kLanes) body(i, std::integral_constant<size_t, kLanes>{});
  if (i < count) body(i, count - i);
}

/// n <= 8 elements times 2^shift, zeros after them.
template <int shift, Use use = kAny>
ATTENSOR_INLINE Fp8 Load(const Fp* from, size_t n) {
  Lane words[4];
  if (n == kLanes) {
    Transpose(from, words);
  } else {
    Fp padded[kLanes] = {};
    for (size_t i = 0; i < n; i++) padded[i] = from[i];
    Transpose(padded, words);
  }
  return Split<shift, use>(words);
}

/// Canonical elements.
ATTENSOR_INLINE void Store(Fp* to, const Fp8& x, size_t n) {
  Lane words[4];
  Join(x, words);
  if (n == kLanes) {
    TransposeBack(words, to);
  } else {
    Fp padded[kLanes];
    TransposeBack(words, padded);
    for (size_t i = 0; i < n; i++) to[i] = padded[i];
  }
}

/// The same element in every lane.
ATTENSOR_INLINE Fp8 BroadcastFp(const Fp& x) {
  Fp8 out;
#pragma GCC unroll 5
  for (int i = 0; i < kLimbs; i++) out.l[i] = Broadcast(Limb(x, i, 0));
  return out;
}

/// sum += the integers of all lanes, given as ten columns (below 2^63, the last one below 2^60).
ATTENSOR_INLINE void AddColumns(Wide& sum, const Lane* columns) {
  Lane mask = Broadcast(kMask), carry = Zero();
  u64 limbs[2 * kLimbs];
  for (int i = 0; i < 2 * kLimbs; i++) {
    Lane x = AddLanes(columns[i], carry);
    carry = _mm512_srli_epi64(x, kBits);
    if (i + 1 < 2 * kLimbs) x = _mm512_and_si512(x, mask);
    limbs[i] = static_cast<u64>(_mm512_reduce_add_epi64(x));
  }
  for (int i = 0; i < 2 * kLimbs; i++) {
    int bit = i * kBits, word = bit / 64, offset = bit % 64;
    u128 x = static_cast<u128>(limbs[i]) << offset;
    u64 c = 0;
    sum.l[word] = portable::AddCarry(sum.l[word], static_cast<u64>(x), c);
    if (word + 1 < 9) sum.l[word + 1] = portable::AddCarry(sum.l[word + 1], static_cast<u64>(x >> 64), c);
    for (int k = word + 2; k < 9; k++) sum.l[k] = portable::AddCarry(sum.l[k], 0, c);
  }
}

}  // namespace attensor::ifma

#endif
