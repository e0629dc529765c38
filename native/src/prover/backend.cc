#include "backend.h"

#include <cstdlib>

namespace attensor {

#if ATTENSOR_X86
void PermuteAvx2(PoseidonState* states, size_t count);  // poseidon_avx2.cc
#endif

static void PermuteScalar(PoseidonState* states, size_t count) {
  for (size_t i = 0; i < count; i++) Permute(states[i]);
}

static void MulScalar(Fp* out, const Fp* a, const Fp* b, size_t count) {
  for (size_t i = 0; i < count; i++) out[i] = Mul(a[i], b[i]);
}

static Backend Choose() {
#if ATTENSOR_X86
  const char* portable = std::getenv("ATTENSOR_PORTABLE");
  if (!(portable && *portable == '1') && __builtin_cpu_supports("avx2")) return {"avx2", PermuteAvx2, 4, MulScalar};
#endif
  return {"scalar", PermuteScalar, 1, MulScalar};
}

const Backend& ActiveBackend() {
  static const Backend backend = Choose();
  return backend;
}

}  // namespace attensor
