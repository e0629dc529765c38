#include "backend.h"

#include <cstdlib>

namespace attensor {

#if ATTENSOR_X86
void PermuteAvx2(PoseidonState* states, size_t count);  // poseidon_avx2.cc
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
#if ATTENSOR_X86
  const char* portable = std::getenv("ATTENSOR_PORTABLE");
  if (!(portable && *portable == '1') && __builtin_cpu_supports("avx2"))
    return {"avx2", PermuteAvx2, ButterflyScalar, FoldScalar};
#endif
  return {"scalar", PermuteScalar, ButterflyScalar, FoldScalar};
}

const Backend& ActiveBackend() {
  static const Backend backend = Choose();
  return backend;
}

}  // namespace attensor
