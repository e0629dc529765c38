// Pasta Fp on the device: Montgomery form with R = 2^256 like fp.h, on eight 32-bit limbs.
//
// Products are summed in two rows, of the even and of the odd limbs of one factor: a multiplication's two
// halves then lie side by side in their row, which is the multiplier's own 64-bit result, and each row needs
// one carry chain (the method of CGBN and sppark). p is 1, p1, p2, p3, 0, 0, 0, 2^30 in limbs: a reduction
// step costs three multiplications and two shifts, and its quotient is minus the lowest limb.
//
// Elements in memory are canonical. Results of functions ending in Lazy are below 2p (and a hair), see fp.h.
#pragma once

#include "carry.h"

namespace attensor::device {

constexpr u32 kLimb1 = 0x992d30ed, kLimb2 = 0x094cf91b, kLimb3 = 0x224698fc, kLimb7 = 0x40000000;

/// A host's element as kernels take it.
constexpr DeviceFp FromHost(const Fp& x) {
  DeviceFp r{};
  for (int i = 0; i < 4; i++) {
    r.l[2 * i] = static_cast<u32>(x.l[i]);
    r.l[2 * i + 1] = static_cast<u32>(x.l[i] >> 32);
  }
  return r;
}

ATTENSOR_DEVICE DeviceFp ZeroFp() { return {{0, 0, 0, 0, 0, 0, 0, 0}}; }

constexpr DeviceFp kOneValue = FromHost(kOne), kSquaredValue = FromHost(kRSquared);
/// Constants as immediate operands.
ATTENSOR_DEVICE DeviceFp OneFp() {
  constexpr DeviceFp value = kOneValue;
  return value;
}
ATTENSOR_DEVICE DeviceFp SquaredFp() {
  constexpr DeviceFp value = kSquaredValue;
  return value;
}

ATTENSOR_DEVICE bool IsZero(const DeviceFp& x) {
  return (x.l[0] | x.l[1] | x.l[2] | x.l[3] | x.l[4] | x.l[5] | x.l[6] | x.l[7]) == 0;
}

/// x - p or x - 2p, if that is not negative.
template <bool twice>
ATTENSOR_DEVICE DeviceFp SubtractOnce(const DeviceFp& x) {
  constexpr u32 m0 = twice ? 2 : 1, m1 = twice ? kLimb1 << 1 : kLimb1;
  constexpr u32 m2 = twice ? kLimb2 << 1 | kLimb1 >> 31 : kLimb2;
  constexpr u32 m3 = twice ? kLimb3 << 1 | kLimb2 >> 31 : kLimb3, m7 = twice ? kLimb7 << 1 : kLimb7;
  Carry c;
  DeviceFp r;
  r.l[0] = SubCc(x.l[0], m0, c);
  r.l[1] = SubcCc(x.l[1], m1, c);
  r.l[2] = SubcCc(x.l[2], m2, c);
  r.l[3] = SubcCc(x.l[3], m3, c);
  r.l[4] = SubcCc(x.l[4], 0, c);
  r.l[5] = SubcCc(x.l[5], 0, c);
  r.l[6] = SubcCc(x.l[6], 0, c);
  r.l[7] = SubcCc(x.l[7], m7, c);
  u32 negative = Subc(0, 0, c);
  ATTENSOR_UNROLL
  for (int i = 0; i < 8; i++) r.l[i] = negative ? x.l[i] : r.l[i];
  return r;
}

/// Without reduction; the sum must be below 2^256.
ATTENSOR_DEVICE DeviceFp AddRaw(const DeviceFp& a, const DeviceFp& b) {
  Carry c;
  DeviceFp r;
  r.l[0] = AddCc(a.l[0], b.l[0], c);
  ATTENSOR_UNROLL
  for (int i = 1; i < 7; i++) r.l[i] = AddcCc(a.l[i], b.l[i], c);
  r.l[7] = Addc(a.l[7], b.l[7], c);
  return r;
}

ATTENSOR_DEVICE DeviceFp Add(const DeviceFp& a, const DeviceFp& b) {
  return SubtractOnce<false>(AddRaw(a, b));
}

ATTENSOR_DEVICE DeviceFp Sub(const DeviceFp& a, const DeviceFp& b) {
  Carry c;
  DeviceFp r;
  r.l[0] = SubCc(a.l[0], b.l[0], c);
  ATTENSOR_UNROLL
  for (int i = 1; i < 8; i++) r.l[i] = SubcCc(a.l[i], b.l[i], c);
  u32 mask = Subc(0, 0, c);
  r.l[0] = AddCc(r.l[0], mask & 1, c);
  r.l[1] = AddcCc(r.l[1], mask & kLimb1, c);
  r.l[2] = AddcCc(r.l[2], mask & kLimb2, c);
  r.l[3] = AddcCc(r.l[3], mask & kLimb3, c);
  r.l[4] = AddcCc(r.l[4], 0, c);
  r.l[5] = AddcCc(r.l[5], 0, c);
  r.l[6] = AddcCc(r.l[6], 0, c);
  r.l[7] = Addc(r.l[7], mask & kLimb7, c);
  return r;
}

ATTENSOR_DEVICE DeviceFp Neg(const DeviceFp& a) { return Sub(ZeroFp(), a); }

/// The rows change places with each limb: what was the even row is shifted by a limb and becomes the odd one.
struct Rows {
  u32 l[8];
};

/// even, odd = a b
ATTENSOR_DEVICE void Multiply(Rows& even, Rows& odd, const DeviceFp& a, u32 b) {
  ATTENSOR_UNROLL
  for (int j = 0; j < 8; j += 2) {
    even.l[j] = a.l[j] * b;
    even.l[j + 1] = MulHi(a.l[j], b);
    odd.l[j] = a.l[j + 1] * b;
    odd.l[j + 1] = MulHi(a.l[j + 1], b);
  }
}

/// Adds a b to the rows.
ATTENSOR_DEVICE void Accumulate(Rows& even, Rows& odd, const DeviceFp& a, u32 b) {
  Carry c;
  odd.l[0] = MadLoCc(a.l[1], b, odd.l[0], c);
  odd.l[1] = MadcHiCc(a.l[1], b, odd.l[1], c);
  ATTENSOR_UNROLL
  for (int j = 2; j < 6; j += 2) {
    odd.l[j] = MadcLoCc(a.l[j + 1], b, odd.l[j], c);
    odd.l[j + 1] = MadcHiCc(a.l[j + 1], b, odd.l[j + 1], c);
  }
  odd.l[6] = MadcLoCc(a.l[7], b, odd.l[6], c);
  odd.l[7] = MadcHi(a.l[7], b, odd.l[7], c);
  even.l[0] = MadLoCc(a.l[0], b, even.l[0], c);
  even.l[1] = MadcHiCc(a.l[0], b, even.l[1], c);
  ATTENSOR_UNROLL
  for (int j = 2; j < 8; j += 2) {
    even.l[j] = MadcLoCc(a.l[j], b, even.l[j], c);
    even.l[j + 1] = MadcHiCc(a.l[j], b, even.l[j + 1], c);
  }
  odd.l[7] = Addc(odd.l[7], 0, c);
}

/// The shift by a limb: `odd`, the even row before, loses its zero; then adds a b.
ATTENSOR_DEVICE void ShiftAccumulate(Rows& even, Rows& odd, const DeviceFp& a, u32 b) {
  Carry c;
  even.l[0] = AddCc(even.l[0], odd.l[1], c);
  ATTENSOR_UNROLL
  for (int j = 0; j < 6; j += 2) {
    odd.l[j] = MadcLoCc(a.l[j + 1], b, odd.l[j + 2], c);
    odd.l[j + 1] = MadcHiCc(a.l[j + 1], b, odd.l[j + 3], c);
  }
  odd.l[6] = MadcLoCc(a.l[7], b, 0, c);
  odd.l[7] = MadcHi(a.l[7], b, 0, c);
  even.l[0] = MadLoCc(a.l[0], b, even.l[0], c);
  even.l[1] = MadcHiCc(a.l[0], b, even.l[1], c);
  ATTENSOR_UNROLL
  for (int j = 2; j < 8; j += 2) {
    even.l[j] = MadcLoCc(a.l[j], b, even.l[j], c);
    even.l[j + 1] = MadcHiCc(a.l[j], b, even.l[j + 1], c);
  }
  odd.l[7] = Addc(odd.l[7], 0, c);
}

/// Adds m p, m = -even[0]: the lowest limb becomes zero.
ATTENSOR_DEVICE void ReduceLimb(Rows& even, Rows& odd) {
  u32 m = 0u - even.l[0];
  Carry c;
  odd.l[0] = MadLoCc(m, kLimb1, odd.l[0], c);
  odd.l[1] = MadcHiCc(m, kLimb1, odd.l[1], c);
  odd.l[2] = MadcLoCc(m, kLimb3, odd.l[2], c);
  odd.l[3] = MadcHiCc(m, kLimb3, odd.l[3], c);
  odd.l[4] = AddcCc(odd.l[4], 0, c);
  odd.l[5] = AddcCc(odd.l[5], 0, c);
  odd.l[6] = AddcCc(odd.l[6], m << 30, c);
  odd.l[7] = Addc(odd.l[7], m >> 2, c);
  even.l[0] = AddCc(even.l[0], m, c);
  even.l[1] = AddcCc(even.l[1], 0, c);
  even.l[2] = MadcLoCc(m, kLimb2, even.l[2], c);
  even.l[3] = MadcHiCc(m, kLimb2, even.l[3], c);
  ATTENSOR_UNROLL
  for (int j = 4; j < 8; j++) even.l[j] = AddcCc(even.l[j], 0, c);
  odd.l[7] = Addc(odd.l[7], 0, c);
}

/// The rows after the last limb as one number.
ATTENSOR_DEVICE DeviceFp Join(const Rows& even, const Rows& odd) {
  Carry c;
  DeviceFp r;
  r.l[0] = AddCc(even.l[0], odd.l[1], c);
  ATTENSOR_UNROLL
  for (int i = 1; i < 7; i++) r.l[i] = AddcCc(even.l[i], odd.l[i + 1], c);
  r.l[7] = Addc(even.l[7], 0, c);
  return r;
}

/// a b / R without the last subtraction.
ATTENSOR_DEVICE DeviceFp MulLazy(const DeviceFp& a, const DeviceFp& b) {
  Rows x, y;
  Multiply(x, y, a, b.l[0]);
  ReduceLimb(x, y);
  ATTENSOR_UNROLL
  for (int i = 1; i < 7; i += 2) {
    ShiftAccumulate(y, x, a, b.l[i]);
    ReduceLimb(y, x);
    ShiftAccumulate(x, y, a, b.l[i + 1]);
    ReduceLimb(x, y);
  }
  ShiftAccumulate(y, x, a, b.l[7]);
  ReduceLimb(y, x);
  return Join(x, y);
}

/// (a b + c d) / R without the last subtraction, for a + c below 2p: limbs of b and d may be any.
ATTENSOR_DEVICE DeviceFp MulAddLazy(const DeviceFp& a, const DeviceFp& b, const DeviceFp& c,
                                    const DeviceFp& d) {
  Rows x, y;
  Multiply(x, y, a, b.l[0]);
  Accumulate(x, y, c, d.l[0]);
  ReduceLimb(x, y);
  ATTENSOR_UNROLL
  for (int i = 1; i < 7; i += 2) {
    ShiftAccumulate(y, x, a, b.l[i]);
    Accumulate(y, x, c, d.l[i]);
    ReduceLimb(y, x);
    ShiftAccumulate(x, y, a, b.l[i + 1]);
    Accumulate(x, y, c, d.l[i + 1]);
    ReduceLimb(x, y);
  }
  ShiftAccumulate(y, x, a, b.l[7]);
  Accumulate(y, x, c, d.l[7]);
  ReduceLimb(y, x);
  return Join(x, y);
}

ATTENSOR_DEVICE DeviceFp Mul(const DeviceFp& a, const DeviceFp& b) {
  return SubtractOnce<false>(MulLazy(a, b));
}

/// Integers in Montgomery form, and back.
ATTENSOR_DEVICE DeviceFp FromUnsigned(u64 value) {
  return Mul(SquaredFp(), {{static_cast<u32>(value), static_cast<u32>(value >> 32), 0, 0, 0, 0, 0, 0}});
}
ATTENSOR_DEVICE DeviceFp FromSigned(int64_t value) {
  DeviceFp x = FromUnsigned(value < 0 ? 0 - static_cast<u64>(value) : static_cast<u64>(value));
  return value < 0 ? Neg(x) : x;
}
ATTENSOR_DEVICE DeviceFp ToCanonical(const DeviceFp& x) { return Mul(x, {{1, 0, 0, 0, 0, 0, 0, 0}}); }

/// low + r (high - low)
ATTENSOR_DEVICE DeviceFp Fold(const DeviceFp& low, const DeviceFp& high, const DeviceFp& r) {
  return Add(low, Mul(r, Sub(high, low)));
}

}  // namespace attensor::device
