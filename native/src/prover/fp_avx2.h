// Fp four at a time in AVX2 lanes (see backend.h).
//
// Elements are nine limbs of 29 bits, Montgomery factor R' = 2^261 = 128 p: a product of values below a p and
// b p reduces to less than (a b / 128 + 1) p, so no subtraction is needed inside a chain of products. As p =
// 1 mod 2^32, the factor of a reduction step is just the negated lowest limb, and only four limbs of p take a
// multiplication (limb 0 is one, limb 8 a power of two). Include it after the target pragma of a file that is
// chosen at run time.
#pragma once

#include "fp.h"

#if ATTENSOR_X86

#include <immintrin.h>

namespace attensor::avx2 {

constexpr int kLimbs = 9, kBits = 29, kLanes = 4;
constexpr u64 kMask = (u64{1} << kBits) - 1;

using Lane = __m256i;
struct Packed {
  Lane l[kLimbs];
};

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
static_assert(PLimb(0) == 1 && PLimb(5) == 0 && PLimb(6) == 0 && PLimb(7) == 0 && PLimb(8) == u64{1} << 22);

ATTENSOR_INLINE Lane Broadcast(u64 x) { return _mm256_set1_epi64x(static_cast<long long>(x)); }
ATTENSOR_INLINE Lane MulLanes(Lane a, Lane b) { return _mm256_mul_epu32(a, b); }
/// a times an operand left in memory: the nine columns then stay in registers.
ATTENSOR_INLINE Lane MulMemory(Lane a, const Lane& b) {
  Lane r;
  asm("vpmuludq %2, %1, %0" : "=x"(r) : "x"(a), "m"(b));
  return r;
}
ATTENSOR_INLINE Lane AddLanes(Lane a, Lane b) { return _mm256_add_epi64(a, b); }

/// Clears the lowest of the nine columns c[0..8] by a multiple of p and moves the window up: c[8] is fresh
/// after it.
ATTENSOR_INLINE void Step(Lane* c, const Lane* p) {
  Lane mask = Broadcast(kMask);
  Lane m = _mm256_and_si256(_mm256_sub_epi64(_mm256_setzero_si256(), c[0]), mask);
  Lane carry = _mm256_srli_epi64(AddLanes(c[0], mask), kBits);
  c[0] = AddLanes(AddLanes(c[1], carry), MulMemory(m, p[1]));
  c[1] = AddLanes(c[2], MulMemory(m, p[2]));
  c[2] = AddLanes(c[3], MulMemory(m, p[3]));
  c[3] = AddLanes(c[4], MulMemory(m, p[4]));
  c[4] = c[5];
  c[5] = c[6];
  c[6] = c[7];
  c[7] = AddLanes(c[8], _mm256_slli_epi64(m, 22));
  c[8] = _mm256_setzero_si256();
}

/// Columns to limbs of 29 bits (the last takes the rest).
ATTENSOR_INLINE void Normalize(const Lane* c, Packed& out) {
  Lane mask = Broadcast(kMask), carry = _mm256_setzero_si256();
#pragma GCC unroll 9
  for (int i = 0; i < kLimbs - 1; i++) {
    Lane x = AddLanes(c[i], carry);
    out.l[i] = _mm256_and_si256(x, mask);
    carry = _mm256_srli_epi64(x, kBits);
  }
  out.l[kLimbs - 1] = AddLanes(c[kLimbs - 1], carry);
}

#define ATTENSOR_FOUR_LANES(x) \
  {static_cast<long long>(x), static_cast<long long>(x), static_cast<long long>(x), static_cast<long long>(x)}
struct Modulus {
  Lane p[5];
};
constexpr Modulus kLanesOfP{{ATTENSOR_FOUR_LANES(PLimb(0)), ATTENSOR_FOUR_LANES(PLimb(1)),
                             ATTENSOR_FOUR_LANES(PLimb(2)), ATTENSOR_FOUR_LANES(PLimb(3)),
                             ATTENSOR_FOUR_LANES(PLimb(4))}};

ATTENSOR_INLINE void MulPacked(const Packed& a, const Packed& b, Packed& out, const Modulus& m) {
  Lane c[kLimbs];
  for (Lane& x : c) x = _mm256_setzero_si256();
#pragma GCC unroll 9
  for (int i = 0; i < kLimbs; i++) {
    Lane x = a.l[i];
#pragma GCC unroll 9
    for (int j = i > 0; j < kLimbs; j++) c[j] = AddLanes(c[j], MulMemory(x, b.l[j]));
    // The next row's share of the next lowest column, before the step that column waits for.
    if (i + 1 < kLimbs) c[1] = AddLanes(c[1], MulMemory(a.l[i + 1], b.l[0]));
    Step(c, m.p);
  }
  Normalize(c, out);
}

ATTENSOR_INLINE void SqrPacked(const Packed& a, Packed& out, const Modulus& m) {
  Lane c[kLimbs];
  for (Lane& x : c) x = _mm256_setzero_si256();
#pragma GCC unroll 9
  for (int i = 0; i < kLimbs; i++) {
    // The window starts at column i; row i adds a_i a_i to column 2i and 2 a_i a_j to column i + j, j > i.
    Lane x = a.l[i], twice = AddLanes(x, x);
    c[i] = AddLanes(c[i], MulLanes(x, x));
#pragma GCC unroll 9
    for (int j = i + 1; j < kLimbs; j++) c[j] = AddLanes(c[j], MulMemory(twice, a.l[j]));
    Step(c, m.p);
  }
  Normalize(c, out);
}

/// Four elements in memory, `stride` apart, to lanes; the factor R becomes R'.
ATTENSOR_INLINE void LoadFour(const Fp* from, size_t stride, Packed& out) {
  for (int i = 0; i < kLimbs; i++) {
    alignas(32) u64 lanes[kLanes];
    for (size_t k = 0; k < kLanes; k++) lanes[k] = Limb(from[k * stride], i, 5);
    out.l[i] = _mm256_load_si256(reinterpret_cast<const Lane*>(lanes));
  }
}

/// Values below 3 p as they are, canonical.
ATTENSOR_INLINE void StoreFour(const Packed& from, Fp* to, size_t stride) {
  alignas(32) u64 limbs[kLimbs][kLanes];
  for (int i = 0; i < kLimbs; i++) _mm256_store_si256(reinterpret_cast<Lane*>(limbs[i]), from.l[i]);
  for (size_t k = 0; k < kLanes; k++) {
    Fp x{};
    for (int i = 0; i < kLimbs; i++) {
      int word = i * kBits / 64, offset = i * kBits % 64;
      x.l[word] |= limbs[i][k] << offset;
      if (offset > 64 - kBits && word < 3) x.l[word + 1] |= limbs[i][k] >> (64 - offset);
    }
    to[k * stride] = SubtractOnce(SubtractOnce(x, kModulus), kModulus);
  }
}

}  // namespace attensor::avx2

#endif
