// Sums of products of integers by elements (../src/prover/integer_sums.h): products of signed digits are
// added up in 64 bits, a multiply-add each, and folded into an element before they leave 2^62.
#pragma once

#include "field.h"

namespace attensor::device {

/// Terms of weights up to `bound` that may be added before a fold: a digit is at most 2^31.
inline u64 TermsPerFold(u64 bound) { return (u64{1} << 31) / (bound ? bound : 1); }

class IntegerSum {
 public:
  /// @param terms from TermsPerFold
  ATTENSOR_DEVICE_MEMBER explicit IntegerSum(u64 terms) : terms_(terms), left_(terms) {
    ATTENSOR_UNROLL
    for (int i = 0; i < 8; i++) sums_[i] = 0;
  }

  ATTENSOR_DEVICE_MEMBER void Add(int32_t value, const DeviceFp& factor) {
    if (left_ == 0) Fold();
    left_--;
    Carry c;
    u32 d[8];
    d[0] = AddCc(factor.l[0], kHalf, c);
    ATTENSOR_UNROLL
    for (int i = 1; i < 7; i++) d[i] = AddcCc(factor.l[i], kHalf, c);
    d[7] = Addc(factor.l[7], 0, c);
    ATTENSOR_UNROLL
    for (int i = 0; i < 8; i++)
      sums_[i] += int64_t{value} * static_cast<int32_t>(i < 7 ? d[i] ^ kHalf : d[i]);
  }

  ATTENSOR_DEVICE_MEMBER DeviceFp Total() {
    Fold();
    return total_;
  }

 private:
  static constexpr u32 kHalf = 0x80000000;

  ATTENSOR_DEVICE_MEMBER void Fold() {
    DeviceFp low;
    int64_t carry = 0;
    ATTENSOR_UNROLL
    for (int i = 0; i < 8; i++) {
      carry += sums_[i];
      low.l[i] = static_cast<u32>(carry);
      carry >>= 32;
      sums_[i] = 0;
    }
    // low is below 2^256, so its product by R is reduced to below 2p; the carry counts R.
    total_ = device::Add(total_, device::Add(Mul(OneFp(), low), FromSigned(carry)));
    left_ = terms_;
  }

  int64_t sums_[8];
  DeviceFp total_ = ZeroFp();
  u64 terms_, left_;
};

}  // namespace attensor::device
