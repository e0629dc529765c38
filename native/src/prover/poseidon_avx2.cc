// Four Poseidon permutations at a time in AVX2 lanes (see backend.h, fp_avx2.h). Columns: at most 18 products
// of 58 bits from two rows of the matrix, four more and a shift from the reduction: below 2^64.
#include <type_traits>

#include "kernels.h"
#include "poseidon_constants.h"

#if ATTENSOR_X86

#pragma GCC push_options
#pragma GCC target("avx2")

#include "fp_avx2.h"

namespace attensor::avx2 {
namespace {

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
  for (size_t e = 0; e < 3; e++) LoadFour(&states[0].s[e], 3, s[e]);
  for (const auto& rows : tables.rows) {
    for (int e = 0; e < 3; e++) Sbox(s[e], t[e]);
    Matrix(t, rows, s);
  }
  for (int e = 0; e < 3; e++) Sbox(s[e], t[e]);
  LastMatrix(t, tables, s);
  // Below 2.1 p.
  for (size_t e = 0; e < 3; e++) StoreFour(s[e], &states[0].s[e], 3);
}

}  // namespace

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

}  // namespace attensor::avx2

#pragma GCC pop_options

#endif
