// Four Poseidon permutations at a time in AVX2 lanes (see backend.h).
//
// Elements are nine limbs of 29 bits, Montgomery factor R' = 2^261 = 128 p: products of values below 8 p
// reduce to less than 1.5 p, so no subtraction is ever needed inside a permutation. As p = 1 mod 2^32, the
// factor of a reduction step is just the negated lowest limb, and only four limbs of p take a multiplication
// (limb 0 is one, limb 8 a power of two). Columns: at most 18 products of 58 bits from two rows of the
// matrix, four more and a shift from the reduction: below 2^64.
#include "kernels.h"
#include "poseidon_constants.h"

#if ATTENSOR_X86

#include <immintrin.h>

#include <type_traits>

#pragma GCC push_options
#pragma GCC target("avx2")

namespace attensor {
namespace {

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

/// Limbs of a constant, the same in every lane; in 32 bits to stay in the first cache level.
struct Constant {
  uint32_t l[kLimbs];
  ATTENSOR_INLINE Lane Get(int i) const { return _mm256_set1_epi32(static_cast<int>(l[i])); }
};

struct AddedConstant {
  u64 l[kLimbs];
};

struct ScaledRow {
  Constant entries[2];
  AddedConstant constant;
};

struct Tables {
  ScaledRow rows[kPoseidonRounds - 1][3];
  Constant lastMatrix[3][3];
  AddedConstant lastConstants[3];
};

template <class Limbs>
void Split(const Fp& x, Limbs& out) {
  using Word = std::remove_extent_t<decltype(out.l)>;
  for (int i = 0; i < kLimbs; i++) out.l[i] = static_cast<Word>(Limb(x, i, 0));
}

const Tables& PackedTables() {
  static const Tables tables = [] {
    Tables t;
    const Fp thirtyTwo = FromU64(32), raw{{1, 0, 0, 0}};  // R to R'; R^2 to R
    for (int r = 0; r < kPoseidonRounds - 1; r++) {
      for (int i = 0; i < 3; i++) {
        const PoseidonRow& row = kPoseidonRows[r][i];
        for (int k = 0; k < 2; k++) Split(Mul(row.entries[k], thirtyTwo), t.rows[r][i].entries[k]);
        Split(Mul(Mul(row.constant, raw), thirtyTwo), t.rows[r][i].constant);
      }
    }
    // The last round leaves R' for R: x R' times m R over R' is x m R.
    for (int i = 0; i < 3; i++) {
      for (int j = 0; j < 3; j++) Split(kPoseidonLastMatrix[i][j], t.lastMatrix[i][j]);
      Split(kPoseidonLastConstants[i], t.lastConstants[i]);
    }
    return t;
  }();
  return tables;
}

ATTENSOR_INLINE void Row(const Packed& one, const Packed& a, const Packed& b, const ScaledRow& row,
                         Packed& out, const Modulus& m) {
  Lane c[kLimbs];
  for (Lane& x : c) x = _mm256_setzero_si256();
#pragma GCC unroll 9
  for (int i = 0; i < kLimbs; i++) {
    Lane x = row.entries[0].Get(i), y = row.entries[1].Get(i);
#pragma GCC unroll 9
    for (int j = i > 0; j < kLimbs; j++)
      c[j] = AddLanes(c[j], AddLanes(MulMemory(x, a.l[j]), MulMemory(y, b.l[j])));
    if (i + 1 < kLimbs) {
      Lane nextX = row.entries[0].Get(i + 1), nextY = row.entries[1].Get(i + 1);
      c[1] = AddLanes(c[1], AddLanes(MulMemory(nextX, a.l[0]), MulMemory(nextY, b.l[0])));
    }
    Step(c, m.p);
  }
#pragma GCC unroll 9
  for (int i = 0; i < kLimbs; i++) c[i] = AddLanes(c[i], AddLanes(one.l[i], Broadcast(row.constant.l[i])));
  Normalize(c, out);
}

__attribute__((noinline)) void Sbox(const Packed& s, Packed& out) {
  const Modulus& m = kLanesOfP;
  Packed square, cube;
  SqrPacked(s, square, m);
  MulPacked(square, s, cube, m);
  SqrPacked(square, square, m);
  MulPacked(square, cube, out, m);
}

__attribute__((noinline)) void Matrix(const Packed* t, const ScaledRow* rows, Packed* s) {
  const Modulus& m = kLanesOfP;
  for (int i = 0; i < 3; i++)
    Row(t[kPoseidonOnes[i]], t[kPoseidonOthers[i][0]], t[kPoseidonOthers[i][1]], rows[i], s[i], m);
}

void LastMatrix(const Packed* t, const Tables& tables, Packed* s) {
  const Modulus& m = kLanesOfP;
  for (int i = 0; i < 3; i++) {
    Lane c[kLimbs];
    for (Lane& x : c) x = _mm256_setzero_si256();
    for (int k = 0; k < kLimbs; k++) {
      for (int e = 0; e < 3; e++) {
        Lane x = tables.lastMatrix[i][e].Get(k);
        for (int j = 0; j < kLimbs; j++) c[j] = AddLanes(c[j], MulMemory(x, t[e].l[j]));
      }
      Step(c, m.p);
    }
    for (int k = 0; k < kLimbs; k++) c[k] = AddLanes(c[k], Broadcast(tables.lastConstants[i].l[k]));
    Normalize(c, s[i]);
  }
}

void PermuteFour(PoseidonState* states, const Tables& tables) {
  Packed s[3], t[3];
  for (int e = 0; e < 3; e++) {
    for (int i = 0; i < kLimbs; i++) {
      alignas(32) u64 lanes[kLanes];
      for (int k = 0; k < kLanes; k++) lanes[k] = Limb(states[k].s[e], i, 5);  // x R to x R'
      s[e].l[i] = _mm256_load_si256(reinterpret_cast<const Lane*>(lanes));
    }
  }
  for (const auto& rows : tables.rows) {
    for (int e = 0; e < 3; e++) Sbox(s[e], t[e]);
    Matrix(t, rows, s);
  }
  for (int e = 0; e < 3; e++) Sbox(s[e], t[e]);
  LastMatrix(t, tables, s);
  for (int e = 0; e < 3; e++) {
    alignas(32) u64 limbs[kLimbs][kLanes];
    for (int i = 0; i < kLimbs; i++) _mm256_store_si256(reinterpret_cast<Lane*>(limbs[i]), s[e].l[i]);
    for (int k = 0; k < kLanes; k++) {
      Fp x{};
      for (int i = 0; i < kLimbs; i++) {
        int word = i * kBits / 64, offset = i * kBits % 64;
        x.l[word] |= limbs[i][k] << offset;
        if (offset > 64 - kBits && word < 3) x.l[word + 1] |= limbs[i][k] >> (64 - offset);
      }
      // Below 2.1 p.
      states[k].s[e] = SubtractOnce(SubtractOnce(x, kModulus), kModulus);
    }
  }
}

}  // namespace

namespace avx2 {

void Permute(PoseidonState* states, size_t count) {
  const Tables& tables = PackedTables();
  size_t i = 0;
  for (; i + kLanes <= count; i += kLanes) PermuteFour(states + i, tables);
  // Two or three left fill the lanes with copies; one is faster alone.
  if (count - i >= 2) {
    PoseidonState rest[kLanes];
    for (size_t k = 0; k < kLanes; k++) rest[k] = states[i + (k < count - i ? k : 0)];
    PermuteFour(rest, tables);
    for (size_t k = 0; i + k < count; k++) states[i + k] = rest[k];
  } else if (i < count) {
    Permute(states[i]);
  }
}

}  // namespace avx2
}  // namespace attensor

#pragma GCC pop_options

#endif
