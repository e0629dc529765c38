// Pasta Fp, p = 2^254 + 0x224698fc094cf91b992d30ed00000001, in Montgomery form on four 64-bit limbs (R =
// 2^256).
//
// The shape of p saves work: limb 2 is zero and limb 3 is 2^62, so a reduction step costs three
// multiplications and two shifts. Stored elements are canonical (< p). Functions ending in Lazy leave out the
// last conditional subtraction: for inputs below 2p (and a hair, 2^-126 p) their result is below 2p (and a
// hair), so chains of them never overflow.
#pragma once

#include <cstddef>
#include <cstdint>

// Sanitizers need the registers the assembly takes: build with -DATTENSOR_X86=0 under them.
#ifndef ATTENSOR_X86
#if defined(__x86_64__) && defined(__GNUC__)
#define ATTENSOR_X86 1
#else
#define ATTENSOR_X86 0
#endif
#endif

#define ATTENSOR_INLINE inline __attribute__((always_inline))

namespace attensor {

using u64 = uint64_t;
using u128 = unsigned __int128;

struct alignas(32) Fp {
  u64 l[4];
  bool operator==(const Fp& o) const {
    return ((l[0] ^ o.l[0]) | (l[1] ^ o.l[1]) | (l[2] ^ o.l[2]) | (l[3] ^ o.l[3])) == 0;
  }
  bool IsZero() const { return (l[0] | l[1] | l[2] | l[3]) == 0; }
};

constexpr u64 kP0 = 0x992d30ed00000001, kP1 = 0x224698fc094cf91b, kP3 = u64{1} << 62;
constexpr Fp kModulus{{kP0, kP1, 0, kP3}};
constexpr Fp kTwiceModulus{{kP0 << 1, kP1 << 1 | kP0 >> 63, 0, kP3 << 1}};
// -1/p mod 2^64
constexpr u64 kNegInverse = 0x992d30ecffffffff;
constexpr int kTwoAdicity = 32;
constexpr u64 kGenerator = 5;

/// Product of two elements before reduction, with a ninth limb so that very many products can be summed.
struct Wide {
  u64 l[9] = {};
};

namespace portable {

constexpr u64 AddCarry(u64 a, u64 b, u64& carry) {
  u128 t = static_cast<u128>(a) + b + carry;
  carry = static_cast<u64>(t >> 64);
  return static_cast<u64>(t);
}

constexpr u64 SubBorrow(u64 a, u64 b, u64& borrow) {
  u128 t = static_cast<u128>(a) - b - borrow;
  borrow = static_cast<u64>(t >> 64) & 1;
  return static_cast<u64>(t);
}

constexpr u64 MulAdd(u64 a, u64 b, u64 c, u64& carry) {
  u128 t = static_cast<u128>(a) * b + c + carry;
  carry = static_cast<u64>(t >> 64);
  return static_cast<u64>(t);
}

/// x - m if x >= m
constexpr Fp SubtractOnce(const Fp& x, const Fp& m) {
  u64 borrow = 0;
  Fp r{};
  for (int i = 0; i < 4; i++) r.l[i] = SubBorrow(x.l[i], m.l[i], borrow);
  return borrow ? x : r;
}

constexpr Fp Add(const Fp& a, const Fp& b) {
  u64 carry = 0;
  Fp r{};
  for (int i = 0; i < 4; i++) r.l[i] = AddCarry(a.l[i], b.l[i], carry);
  return SubtractOnce(r, kModulus);
}

constexpr Fp Sub(const Fp& a, const Fp& b) {
  u64 borrow = 0, carry = 0;
  Fp r{};
  for (int i = 0; i < 4; i++) r.l[i] = SubBorrow(a.l[i], b.l[i], borrow);
  u64 mask = 0 - borrow;
  for (int i = 0; i < 4; i++) r.l[i] = AddCarry(r.l[i], kModulus.l[i] & mask, carry);
  return r;
}

/// Adds m p with m chosen so that t[0] becomes zero; the carry out of t[4] goes to `carry`.
constexpr void ReduceStep(u64* t, u64& carry) {
  u64 m = t[0] * kNegInverse;
  u64 c = static_cast<u64>((static_cast<u128>(m) * kP0) >> 64) + (t[0] != 0), k = 0;
  t[0] = 0;
  t[1] = MulAdd(m, kP1, t[1], c);
  t[2] = AddCarry(t[2], c, k);
  t[3] = AddCarry(t[3], m << 62, k);
  u128 s = static_cast<u128>(t[4]) + (m >> 2) + k + carry;
  t[4] = static_cast<u64>(s);
  carry = static_cast<u64>(s >> 64);
}

constexpr Fp MulLazy(const Fp& a, const Fp& b) {
  u64 t[9] = {};
  for (int i = 0; i < 4; i++) {
    u64 c = 0, none = 0;
    for (int j = 0; j < 4; j++) t[i + j] = MulAdd(a.l[j], b.l[i], t[i + j], c);
    t[i + 4] += c;
    ReduceStep(t + i, none);
    t[i + 5] = none;
  }
  return {{t[4], t[5], t[6], t[7]}};
}

constexpr void MulAccumulate(Wide& acc, const Fp& a, const Fp& b) {
  for (int i = 0; i < 4; i++) {
    u64 c = 0;
    for (int j = 0; j < 4; j++) acc.l[i + j] = MulAdd(a.l[j], b.l[i], acc.l[i + j], c);
    for (int j = i + 4; j < 9; j++) acc.l[j] = AddCarry(acc.l[j], 0, c);
  }
}

/// Montgomery-reduces the low four limbs; the value / R is left in r[0..4].
constexpr void ReduceWide(const Wide& w, u64* r) {
  u64 t[9], carry = 0;
  for (int i = 0; i < 9; i++) t[i] = w.l[i];
  for (int i = 0; i < 4; i++) ReduceStep(t + i, carry);
  t[8] += carry;
  for (int i = 0; i < 5; i++) r[i] = t[i + 4];
}

}  // namespace portable
}  // namespace attensor

#include "fp_x86.h"

namespace attensor {

#if ATTENSOR_X86
#define ATTENSOR_DISPATCH(name, ...)                                    \
  if (__builtin_expect(x86::kHasAdx, 1)) return x86::name(__VA_ARGS__); \
  return portable_calls::name(__VA_ARGS__)
#else
#define ATTENSOR_DISPATCH(name, ...) return portable_calls::name(__VA_ARGS__)
#endif

// Out of line, so that the common path stays small.
namespace portable_calls {
Fp MulLazy(const Fp& a, const Fp& b);
Fp SqrLazy(const Fp& a);
void MulAccumulate(Wide& acc, const Fp& a, const Fp& b);
void ReduceWide(const Wide& w, u64* r);
}  // namespace portable_calls

ATTENSOR_INLINE Fp SubtractOnce(const Fp& x, const Fp& m) {
#if ATTENSOR_X86
  return x86::SubtractOnce(x, m);
#else
  return portable::SubtractOnce(x, m);
#endif
}

ATTENSOR_INLINE Fp Add(const Fp& a, const Fp& b) {
#if ATTENSOR_X86
  return x86::SubtractOnce(x86::AddRaw(a, b), kModulus);
#else
  return portable::Add(a, b);
#endif
}

ATTENSOR_INLINE Fp Sub(const Fp& a, const Fp& b) {
#if ATTENSOR_X86
  return x86::Sub(a, b);
#else
  return portable::Sub(a, b);
#endif
}

ATTENSOR_INLINE Fp Neg(const Fp& a) { return Sub(Fp{}, a); }

/// a b / R without the last subtraction.
ATTENSOR_INLINE Fp MulLazy(const Fp& a, const Fp& b) { ATTENSOR_DISPATCH(MulLazy, a, b); }
ATTENSOR_INLINE Fp SqrLazy(const Fp& a) { ATTENSOR_DISPATCH(SqrLazy, a); }
ATTENSOR_INLINE Fp Mul(const Fp& a, const Fp& b) { return SubtractOnce(MulLazy(a, b), kModulus); }
ATTENSOR_INLINE Fp Sqr(const Fp& a) { return SubtractOnce(SqrLazy(a), kModulus); }

/// acc += a b, not reduced; up to 2^60 products fit.
ATTENSOR_INLINE void MulAccumulate(Wide& acc, const Fp& a, const Fp& b) {
  ATTENSOR_DISPATCH(MulAccumulate, acc, a, b);
}

/// A five-limb value (below 2^316) to its canonical residue: the quotient by 2^254 is off by at most one.
ATTENSOR_INLINE Fp ReduceSmall(const u64* r) {
  using namespace portable;
  u64 q = r[4] << 2 | r[3] >> 62, c = 0;
  u64 s0 = MulAdd(q, kP0, 0, c), s1 = MulAdd(q, kP1, 0, c), borrow = 0;
  Fp x;
  x.l[0] = SubBorrow(r[0], s0, borrow);
  x.l[1] = SubBorrow(r[1], s1, borrow);
  x.l[2] = SubBorrow(r[2], c, borrow);
  x.l[3] = SubBorrow(r[3] & (kP3 - 1), 0, borrow);
  u64 mask = 0 - borrow, carry = 0;
  for (int i = 0; i < 4; i++) x.l[i] = AddCarry(x.l[i], kModulus.l[i] & mask, carry);
  return x;
}

ATTENSOR_INLINE void ReduceWide(const Wide& w, u64* r) { ATTENSOR_DISPATCH(ReduceWide, w, r); }

/// The accumulated sum of products as a canonical element.
ATTENSOR_INLINE Fp Reduce(const Wide& w) {
  u64 r[5];
  ReduceWide(w, r);
  return ReduceSmall(r);
}

/// acc += other
inline void AddWide(Wide& acc, const Wide& other) {
  u64 c = 0;
  for (int i = 0; i < 9; i++) acc.l[i] = portable::AddCarry(acc.l[i], other.l[i], c);
}

namespace detail {
constexpr Fp Doubled(int times) {
  Fp x{{1, 0, 0, 0}};
  for (int i = 0; i < times; i++) x = portable::Add(x, x);
  return x;
}
}  // namespace detail

constexpr Fp kOne = detail::Doubled(256);       // R mod p
constexpr Fp kRSquared = detail::Doubled(512);  // R^2 mod p

inline Fp FromU64(u64 v) {
  u64 r[5], c = 0;
  for (int i = 0; i < 4; i++) r[i] = portable::MulAdd(kOne.l[i], v, 0, c);
  r[4] = c;
  return ReduceSmall(r);
}

inline Fp FromI64(int64_t v) {
  return v < 0 ? Neg(FromU64(0 - static_cast<u64>(v))) : FromU64(static_cast<u64>(v));
}

/// From canonical limbs (< p).
inline Fp FromCanonical(const Fp& v) { return Mul(v, kRSquared); }
inline Fp ToCanonical(const Fp& v) { return Mul(v, Fp{{1, 0, 0, 0}}); }
inline bool IsCanonical(const Fp& v) {
  u64 b = 0;
  for (int i = 0; i < 4; i++) portable::SubBorrow(v.l[i], kModulus.l[i], b);
  return b == 1;
}

inline Fp Pow(const Fp& base, u64 exponent) {
  Fp r = kOne, b = base;
  for (; exponent; exponent >>= 1, b = Sqr(b))
    if (exponent & 1) r = Mul(r, b);
  return r;
}

/// 1/a; zero for a = 0.
Fp Inverse(const Fp& a);

/// Primitive root of unity of order 2^log, log <= 32.
Fp RootOfUnity(int log);

}  // namespace attensor
