#include "poseidon.h"

#include "backend.h"
#include "poseidon_constants.h"

namespace attensor {

// Dot3Lazy's bound: every row of the matrix sums to less than 2.9 p.
static constexpr bool RowsAreSmall() {
  for (auto& row : kPoseidonMds) {
    u64 top = 0;
    for (auto& m : row) top += m.l[3] + 1;
    if (top > kP3 / 10 * 29) return false;
  }
  return true;
}
static_assert(RowsAreSmall());

ATTENSOR_INLINE static Fp Dot3(const Fp* s, const Fp* m) {
#if ATTENSOR_X86
  if (__builtin_expect(x86::kHasAdx, 1)) return x86::Dot3Lazy(s, m);
#endif
  Wide acc;
  for (int k = 0; k < 3; k++) MulAccumulate(acc, s[k], m[k]);
  return Reduce(acc);
}

/// Between rounds elements are below 2p; x^7 stays below 2p without subtractions, a row with its constant below 4p.
void Permute(PoseidonState& state) {
  Fp* s = state.s;
  for (const auto& constants : kPoseidonRoundConstants) {
    Fp a[3], b[3];
    for (int i = 0; i < 3; i++) a[i] = SqrLazy(s[i]);
    for (int i = 0; i < 3; i++) b[i] = MulLazy(a[i], s[i]);
    for (int i = 0; i < 3; i++) a[i] = SqrLazy(a[i]);
    for (int i = 0; i < 3; i++) a[i] = MulLazy(a[i], b[i]);
    for (int i = 0; i < 3; i++) {
      Fp row = Dot3(a, kPoseidonMds[i]);
#if ATTENSOR_X86
      s[i] = SubtractOnce(x86::AddRaw(row, constants[i]), kTwiceModulus);
#else
      s[i] = Add(row, constants[i]);
#endif
    }
  }
  for (int i = 0; i < 3; i++) s[i] = SubtractOnce(s[i], kModulus);
}

void PermuteBatch(PoseidonState* states, size_t count) { ActiveBackend().permute(states, count); }

Fp Hash(const Fp* values, size_t count) {
  PoseidonState state{};
  if (count == 0) Permute(state);
  for (size_t i = 0; i < count; i += 2) {
    state.s[0] = Add(state.s[0], values[i]);
    if (i + 1 < count) state.s[1] = Add(state.s[1], values[i + 1]);
    Permute(state);
  }
  return state.s[0];
}

}  // namespace attensor
