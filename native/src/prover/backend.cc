#include "backend.h"

#include "common/cpu.h"

namespace attensor {

#if ATTENSOR_X86
void PermuteAvx2(PoseidonState* states, size_t count);  // poseidon_avx2.cc
void PermuteIfma(PoseidonState* states, size_t count);  // poseidon_ifma.cc
#endif

static void PermuteScalar(PoseidonState* states, size_t count) {
  for (size_t i = 0; i < count; i++) Permute(states[i]);
}

static void ButterflyScalar(Fp* low, Fp* high, const Fp* w, size_t count) {
  for (size_t i = 0; i < count; i++) {
    Fp u = low[i], v = Mul(high[i], w[i]);
    low[i] = Add(u, v);
    high[i] = Sub(u, v);
  }
}

static void FoldScalar(Fp* out, const Fp* low, const Fp* high, const Fp& r, size_t count) {
  for (size_t i = 0; i < count; i++) out[i] = Add(low[i], Mul(r, Sub(high[i], low[i])));
}

static Backend Choose() {
  Backend backend{IsaName(ActiveIsa()), PermuteScalar, ButterflyScalar, FoldScalar};
#if ATTENSOR_X86
  if (ActiveIsa() >= Isa::kAvx2) backend.permute = PermuteAvx2;
  if (ActiveIsa() >= Isa::kIfma) backend.permute = PermuteIfma;
#endif
  return backend;
}

const Backend& ActiveBackend() {
  static const Backend backend = Choose();
  return backend;
}

}  // namespace attensor
