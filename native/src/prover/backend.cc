#include "backend.h"

namespace attensor {

static void PermuteScalar(PoseidonState* states, size_t count) {
  for (size_t i = 0; i < count; i++) Permute(states[i]);
}

static void MulScalar(Fp* out, const Fp* a, const Fp* b, size_t count) {
  for (size_t i = 0; i < count; i++) out[i] = Mul(a[i], b[i]);
}

const Backend& ActiveBackend() {
  static constexpr Backend scalar{"scalar", PermuteScalar, 8, MulScalar};
  return scalar;
}

}  // namespace attensor
