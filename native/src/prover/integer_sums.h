// Sums of products of small integers by field elements: the sums of a matrix of weights against tables and
// powers. Weights stay integers of 32 bits, an element is eight signed digits, and products are added up in
// 64-bit lanes without carries; a sum is reduced once. Results are canonical, as those of field products.
#pragma once

#include <span>
#include <vector>

#include "backend.h"
#include "common/control.h"
#include "contract.h"

namespace attensor {

/// What sums of products may come to, in units of 2^31. A digit is at most 2^31, so products of weights whose
/// absolute values add up to kSumLimit stay within 2^62, and a carry of another 2^31 does not leave int64.
constexpr u64 kSumLimit = u64{1} << 31;

/// x = sum_i d[i] 2^(32 i) for x below 2^255: |d[i]| <= 2^31.
inline Digits ToDigits(const Fp& x) {
  // Adding 2^31 to each of the lower seven digits makes them non-negative; the flipped bit takes it away.
  constexpr Fp half{{0x8000000080000000, 0x8000000080000000, 0x8000000080000000, 0x80000000}};
  Digits out;
  u64 carry = 0;
  for (int i = 0; i < 4; i++) {
    u64 limb = portable::AddCarry(x.l[i], half.l[i], carry) ^ half.l[i];
    out.d[2 * i] = static_cast<int32_t>(static_cast<uint32_t>(limb));
    out.d[2 * i + 1] = static_cast<int32_t>(static_cast<uint32_t>(limb >> 32));
  }
  return out;
}

/// The element sum_i sums[i] 2^(32 i); |sums[i]| <= 2^62.
inline Fp FromSums(const int64_t* sums) {
  // The value is below 2^62 (1 + 2^32 + ...) < 2^287 <= 2^33 p, which is added to make it positive.
  constexpr u64 multiple[5] = {kP0 << 33, kP1 << 33 | kP0 >> 31, kP1 >> 31, 0, u64{1} << 31};
  static_assert(kP3 == u64{1} << 62);
  u64 value[5], carry = 0;
  int64_t rest = 0;
  for (int i = 0; i < 4; i++) {
    int64_t low = sums[2 * i] + rest, high = sums[2 * i + 1] + (low >> 32);
    rest = high >> 32;
    u64 limb = static_cast<uint32_t>(low) | static_cast<u64>(high) << 32;
    value[i] = portable::AddCarry(limb, multiple[i], carry);
  }
  value[4] = static_cast<u64>(rest) + multiple[4] + carry;
  return ReduceSmall(value);
}

/// Integers in the order of a vector; what lies behind them is zero.
using Integers = std::span<const int32_t>;

/// As Contract, of integers.
Vec ContractInts(Integers ints, size_t offset, const std::vector<Axis>& axes, const Control& control);

/// A row holds the coefficients of `turns` polynomials, which take turns. Entry (i rows + r) turns + t =
/// sum_j ints[r rowLength + j turns + t] xs[i]^j.
Vec EvalRows(Integers ints, size_t rows, size_t rowLength, size_t turns, const std::vector<Fp>& xs,
             const Control& control);

}  // namespace attensor
