#include "fp.h"

#include "common/cpu.h"

#if ATTENSOR_X86
#include <cpuid.h>
#endif

namespace attensor {

#if ATTENSOR_X86
namespace x86 {
const bool kHasAdx = ActiveIsa() >= Isa::kAdx;

bool SupportsAdx() {
  // CPUID leaf 7, EBX bit 19; it needs no support of the operating system.
  unsigned a, b, c, d;
  return __get_cpuid_count(7, 0, &a, &b, &c, &d) && (b >> 19 & 1);
}
}  // namespace x86
#endif

namespace portable_calls {
Fp MulLazy(const Fp& a, const Fp& b) { return portable::MulLazy(a, b); }
Fp SqrLazy(const Fp& a) { return portable::MulLazy(a, a); }
void MulAccumulate(Wide& acc, const Fp& a, const Fp& b) { portable::MulAccumulate(acc, a, b); }
void ReduceWide(const Wide& w, u64* r) { portable::ReduceWide(w, r); }
}  // namespace portable_calls

Fp Inverse(const Fp& a) {
  const u64 e[4] = {kP0 - 2, kP1, 0, kP3};
  Fp r = kOne;
  for (int i = 254; i >= 0; i--) {
    r = Sqr(r);
    if (e[i / 64] >> (i % 64) & 1) r = Mul(r, a);
  }
  return r;
}

Fp RootOfUnity(int log) {
  // 5^((p-1) / 2^32): (p - 1) >> 32 bit by bit.
  static const Fp root = [] {
    Fp r = kOne, g = FromU64(kGenerator);
    for (int i = 254; i >= kTwoAdicity; i--) {
      r = Sqr(r);
      if (kModulus.l[i / 64] >> (i % 64) & 1) r = Mul(r, g);
    }
    return r;
  }();
  Fp r = root;
  for (int i = log; i < kTwoAdicity; i++) r = Sqr(r);
  return r;
}

}  // namespace attensor
