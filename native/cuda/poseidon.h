// Poseidon on the device: one thread, one permutation. The rounds are those of poseidon_constants.h, whose
// matrices have a one in the first column. Loops over the three elements are kept as loops, with the elements
// passed on in a ring: unrolled, a round would not fit into an instruction cache.
#pragma once

#include "field.h"
#include "prover/poseidon_constants.h"

namespace attensor::device {

static_assert(kPoseidonOnes[0] == 0 && kPoseidonOnes[1] == 0 && kPoseidonOnes[2] == 0);

/// Rows of a round: two factors and the constant, in Montgomery form.
struct RoundTable {
  DeviceFp rows[kPoseidonRounds - 1][3][3];
  DeviceFp lastMatrix[3][3], lastConstants[3];
};

/// The rounds without the scaling, for their states.
struct PlainRoundTable {
  DeviceFp constants[kPoseidonRounds][3], matrix[3][3];
};

namespace detail {
/// Without the factor R that the constants carry for the CPU's kernels.
constexpr Fp WithoutFactor(const Fp& x) {
  return portable::SubtractOnce(portable::MulLazy(x, Fp{{1, 0, 0, 0}}), kModulus);
}

constexpr RoundTable MakeRounds() {
  RoundTable t{};
  for (int k = 0; k < kPoseidonRounds - 1; k++) {
    for (int i = 0; i < 3; i++) {
      const PoseidonRow& row = kPoseidonRows[k][i];
      t.rows[k][i][0] = FromHost(row.entries[0]);
      t.rows[k][i][1] = FromHost(row.entries[1]);
      t.rows[k][i][2] = FromHost(WithoutFactor(row.constant));
    }
  }
  for (int i = 0; i < 3; i++) {
    for (int j = 0; j < 3; j++) t.lastMatrix[i][j] = FromHost(kPoseidonLastMatrix[i][j]);
    t.lastConstants[i] = FromHost(kPoseidonLastConstants[i]);
  }
  return t;
}

constexpr PlainRoundTable MakePlainRounds() {
  PlainRoundTable t{};
  for (int k = 0; k < kPoseidonRounds; k++)
    for (int i = 0; i < 3; i++) t.constants[k][i] = FromHost(kPoseidonConstants[k][i]);
  for (int i = 0; i < 3; i++)
    for (int j = 0; j < 3; j++) t.matrix[i][j] = FromHost(kPoseidonMatrix[i][j]);
  return t;
}
}  // namespace detail

ATTENSOR_CONSTANT RoundTable kRounds = detail::MakeRounds();
ATTENSOR_CONSTANT PlainRoundTable kPlainRounds = detail::MakePlainRounds();

struct State {
  DeviceFp s[3];
};

/// x^7 of each, below 2p.
ATTENSOR_DEVICE void SboxEach(State& t) {
  ATTENSOR_ROLLED
  for (int e = 0; e < 3; e++) {
    DeviceFp x = t.s[0], square = MulLazy(x, x), cube = MulLazy(square, x);
    x = MulLazy(MulLazy(square, square), cube);
    t.s[0] = t.s[1];
    t.s[1] = t.s[2];
    t.s[2] = x;
  }
}

/// In and out canonical. Within, elements are below 2p (and a hair): products with the two factors of a row
/// reduce to less than 1.95 p with its constant, since their sum is below 1.9 p.
ATTENSOR_DEVICE void Permute(State& state) {
  State t = state;
  ATTENSOR_ROLLED
  for (int round = 0; round < kPoseidonRounds - 1; round++) {
    SboxEach(t);
    State out;
    ATTENSOR_ROLLED
    for (int i = 0; i < 3; i++) {
      const DeviceFp* row = kRounds.rows[round][i];
      DeviceFp sum = MulAddLazy(row[0], t.s[1], row[1], t.s[2]);
      sum = SubtractOnce<true>(AddRaw(SubtractOnce<false>(sum), t.s[0]));
      sum = SubtractOnce<true>(AddRaw(sum, row[2]));
      out.s[0] = out.s[1];
      out.s[1] = out.s[2];
      out.s[2] = sum;
    }
    t = out;
  }
  SboxEach(t);
  ATTENSOR_ROLLED
  for (int i = 0; i < 3; i++) {
    DeviceFp sum = kRounds.lastConstants[i];
    ATTENSOR_UNROLL
    for (int j = 0; j < 3; j++) sum = Add(sum, Mul(kRounds.lastMatrix[i][j], t.s[j]));
    state.s[0] = state.s[1];
    state.s[1] = state.s[2];
    state.s[2] = sum;
  }
}

}  // namespace attensor::device
