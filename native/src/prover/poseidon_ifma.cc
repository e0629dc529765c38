// Eight Poseidon permutations at a time in AVX-512 IFMA lanes (see backend.h, fp_ifma.h).
#include "kernels.h"
#include "poseidon_constants.h"

#if ATTENSOR_X86

#pragma GCC push_options
#pragma GCC target("avx512f,avx512dq,avx512vl,avx512ifma,avx512vbmi2")
#pragma GCC diagnostic ignored "-Wuninitialized"  // GCC 12 warns about its own intrinsics' undefined lanes
#pragma GCC diagnostic ignored "-Wmaybe-uninitialized"

#include "fp_ifma.h"

namespace attensor::ifma {
namespace {

/// Limbs of a constant, the same in every lane.
struct Constant {
  u64 l[kLimbs];
  ATTENSOR_INLINE Lane Get(int i) const { return Broadcast(l[i]); }
};

struct ScaledRow {
  Constant entries[2], constant;
};

struct Tables {
  ScaledRow rows[kPoseidonRounds - 1][3];
  Constant lastMatrix[3][3], lastConstants[3];
};

Constant LimbsOf(const Fp& x) {
  Constant c;
  for (int i = 0; i < kLimbs; i++) c.l[i] = Limb(x, i, 0);
  return c;
}

const Tables& LaneTables() {
  static const Tables tables = [] {
    Tables t;
    const Fp sixteen = FromU64(16), raw{{1, 0, 0, 0}};  // R to R'; R^2 to R
    for (int r = 0; r < kPoseidonRounds - 1; r++) {
      for (int i = 0; i < 3; i++) {
        const PoseidonRow& row = kPoseidonRows[r][i];
        ScaledRow& out = t.rows[r][i];
        for (int k = 0; k < 2; k++) out.entries[k] = LimbsOf(Mul(row.entries[k], sixteen));
        out.constant = LimbsOf(Mul(Mul(row.constant, raw), sixteen));
      }
    }
    // The last round leaves R' for R: x R' times m R over R' is x m R.
    for (int i = 0; i < 3; i++) {
      for (int j = 0; j < 3; j++) t.lastMatrix[i][j] = LimbsOf(kPoseidonLastMatrix[i][j]);
      t.lastConstants[i] = LimbsOf(kPoseidonLastConstants[i]);
    }
    return t;
  }();
  return tables;
}

ATTENSOR_INLINE void AddScaled(Lane* c, const Fp8& a, const Constant& b) {
#pragma GCC unroll 5
  for (int i = 0; i < kLimbs; i++) {
    Lane x = b.Get(i);
#pragma GCC unroll 5
    for (int j = 0; j < kLimbs; j++) {
      c[i + j] = Low(c[i + j], a.l[j], x);
      c[i + j + 1] = High(c[i + j + 1], a.l[j], x);
    }
  }
}

// Bounds, in units of p: a state element is below 3.2. Then x^2 < 1.17, x^3 < 1.06, x^4 < 1.03, x^7 < 1.02;
// a row is two products with constants below 1 over 64, plus 1, plus the one's element, plus the constant:
// less than 1.04 + 1.02 + 1 < 3.2.
ATTENSOR_INLINE Fp8 Sbox(const Fp8& s) {
  Fp8 square = Sqr<kFactor>(s), cube = Mul<kFactor>(square, s);
  return Mul(Sqr<kFactor>(square), cube);
}

ATTENSOR_INLINE Fp8 Row(const Fp8& one, const Fp8& a, const Fp8& b, const ScaledRow& row) {
  Lane c[2 * kLimbs];
  StartColumns(c);
#pragma GCC unroll 5
  for (int i = 0; i < kLimbs; i++) c[kLimbs + i] = AddLanes(one.l[i], row.constant.Get(i));
  AddScaled(c, a, row.entries[0]);
  AddScaled(c, b, row.entries[1]);
  return ReduceColumns<kFactor>(c);
}

void PermuteEight(PoseidonState* states, const Tables& tables) {
  Fp8 s[3], t[3];
  Fp gathered[kLanes];
  for (int e = 0; e < 3; e++) {
    for (int k = 0; k < kLanes; k++) gathered[k] = states[k].s[e];
    Lane words[4];
    Transpose(gathered, words);
    s[e] = Split<4, kFactor>(words);  // x R to x R'
  }
  for (const auto& rows : tables.rows) {
    for (int e = 0; e < 3; e++) t[e] = Sbox(s[e]);
    for (int i = 0; i < 3; i++)
      s[i] = Row(t[kPoseidonOnes[i]], t[kPoseidonOthers[i][0]], t[kPoseidonOthers[i][1]], rows[i]);
  }
  for (int e = 0; e < 3; e++) t[e] = Sbox(s[e]);
  for (int i = 0; i < 3; i++) {
    Lane c[2 * kLimbs];
    StartColumns(c);
    for (int k = 0; k < kLimbs; k++) c[kLimbs + k] = tables.lastConstants[i].Get(k);
    for (int e = 0; e < 3; e++) AddScaled(c, t[e], tables.lastMatrix[i][e]);
    // Below 3 * 1.02 / 64 + 1 + 1.
    Fp8 x = SubtractOnce(SubtractOnce(ReduceColumns(c), kP), kP);
    Lane words[4];
    Join(x, words);
    TransposeBack(words, gathered);
    for (int k = 0; k < kLanes; k++) states[k].s[i] = gathered[k];
  }
}

}  // namespace

void Permute(PoseidonState* states, size_t count) {
  const Tables& tables = LaneTables();
  size_t i = 0;
  for (; i + kLanes <= count; i += kLanes) PermuteEight(states + i, tables);
  // Two or more left fill the lanes with copies; one is faster alone.
  if (count - i >= 2) {
    PoseidonState rest[kLanes];
    for (size_t k = 0; k < kLanes; k++) rest[k] = states[i + (k < count - i ? k : 0)];
    PermuteEight(rest, tables);
    for (size_t k = 0; i + k < count; k++) states[i + k] = rest[k];
  } else if (i < count) {
    Permute(states[i]);
  }
}

}  // namespace attensor::ifma

#pragma GCC pop_options

#endif
