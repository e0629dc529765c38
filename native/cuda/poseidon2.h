// Poseidon2 on the device: one thread, one compression. Loops over the eight elements are kept as loops, with
// the elements passed on in a ring, as in poseidon.h.
#pragma once

#include "field.h"
#include "prover/poseidon2_constants.h"

namespace attensor::device {

struct Poseidon2Table {
  DeviceFp full[kPoseidon2FullRounds][kPoseidon2Width], partial[kPoseidon2PartialRounds],
      diagonal[kPoseidon2Width];
};

namespace detail {
constexpr Poseidon2Table MakePoseidon2() {
  Poseidon2Table t{};
  for (int e = 0; e < kPoseidon2Width; e++) {
    for (int r = 0; r < kPoseidon2FullRounds; r++) t.full[r][e] = FromHost(kPoseidon2Full[r][e]);
    t.diagonal[e] = FromHost(kPoseidon2Diagonal[e]);
  }
  for (int r = 0; r < kPoseidon2PartialRounds; r++) t.partial[r] = FromHost(kPoseidon2Partial[r]);
  return t;
}
}  // namespace detail

ATTENSOR_CONSTANT Poseidon2Table kPoseidon2 = detail::MakePoseidon2();

struct WideState {
  DeviceFp s[kPoseidon2Width];
};

/// The first element leaves, `x` comes last.
ATTENSOR_DEVICE void PassOn(WideState& t, const DeviceFp& x) {
  ATTENSOR_UNROLL
  for (int e = 0; e + 1 < kPoseidon2Width; e++) t.s[e] = t.s[e + 1];
  t.s[kPoseidon2Width - 1] = x;
}

ATTENSOR_DEVICE DeviceFp FifthPower(const DeviceFp& x) {
  DeviceFp square = MulLazy(x, x);
  return Mul(MulLazy(square, square), x);
}

ATTENSOR_DEVICE DeviceFp Twice(const DeviceFp& x) { return Add(x, x); }

ATTENSOR_DEVICE void ExternalLayer(WideState& t) {
  // A block of the matrix on each half.
  ATTENSOR_ROLLED
  for (int half = 0; half < 2; half++) {
    DeviceFp t0 = Add(t.s[0], t.s[1]), t1 = Add(t.s[2], t.s[3]);
    DeviceFp t2 = Add(Twice(t.s[1]), t1), t3 = Add(Twice(t.s[3]), t0);
    DeviceFp t4 = Add(Twice(Twice(t1)), t3), t5 = Add(Twice(Twice(t0)), t2);
    ATTENSOR_UNROLL
    for (int k = 0; k < 4; k++) t.s[k] = t.s[4 + k];
    t.s[4] = Add(t3, t5);
    t.s[5] = t5;
    t.s[6] = Add(t2, t4);
    t.s[7] = t4;
  }
  ATTENSOR_UNROLL
  for (int k = 0; k < 4; k++) {
    DeviceFp sum = Add(t.s[k], t.s[4 + k]);
    t.s[k] = Add(t.s[k], sum);
    t.s[4 + k] = Add(t.s[4 + k], sum);
  }
}

/// All in canonical elements. visit(input) sees the inputs of the S-boxes in order.
template <class Visit>
ATTENSOR_DEVICE void FullRounds(WideState& t, int first, const Visit& visit) {
  ATTENSOR_ROLLED
  for (int r = first; r < first + kPoseidon2FullRounds / 2; r++) {
    ATTENSOR_ROLLED
    for (int e = 0; e < kPoseidon2Width; e++) {
      DeviceFp input = Add(t.s[0], kPoseidon2.full[r][e]);
      visit(input);
      PassOn(t, FifthPower(input));
    }
    ExternalLayer(t);
  }
}

template <class Visit>
ATTENSOR_DEVICE void PermuteWide(WideState& t, const Visit& visit) {
  ExternalLayer(t);
  FullRounds(t, 0, visit);
  ATTENSOR_ROLLED
  for (int r = 0; r < kPoseidon2PartialRounds; r++) {
    DeviceFp input = Add(t.s[0], kPoseidon2.partial[r]);
    visit(input);
    t.s[0] = FifthPower(input);
    DeviceFp sum = t.s[0];
    ATTENSOR_UNROLL
    for (int e = 1; e < kPoseidon2Width; e++) sum = Add(sum, t.s[e]);
    ATTENSOR_ROLLED
    for (int e = 0; e < kPoseidon2Width; e++) PassOn(t, Add(Mul(kPoseidon2.diagonal[e], t.s[0]), sum));
  }
  FullRounds(t, kPoseidon2FullRounds / 2, visit);
}

}  // namespace attensor::device
