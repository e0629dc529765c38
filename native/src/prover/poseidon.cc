#include "poseidon.h"

#include "backend.h"
#include "poseidon_constants.h"

namespace attensor {

/// Row i of a scaled round: the one's element is added, the other two are multiplied. Elements come below 2p
/// (and a hair, see fp.h); the products with their constants reduce to less than 1.95 p, since the constants'
/// sum is below 1.9 p, so the sum stays below 2^256 and one conditional subtraction of 2p brings it below 2p
/// again.
template <int i>
ATTENSOR_INLINE static Fp Row(const Fp* s, const PoseidonRow& row) {
  const Fp &one = s[kPoseidonOnes[i]], &a = s[kPoseidonOthers[i][0]], &b = s[kPoseidonOthers[i][1]];
#if ATTENSOR_X86
  if (__builtin_expect(x86::kHasAdx, 1))
    return SubtractOnce(x86::AddRaw(x86::Dot2Lazy(a, b, row.entries, row.constant), one), kTwiceModulus);
#endif
  Wide acc{{row.constant.l[0], row.constant.l[1], row.constant.l[2], row.constant.l[3]}};
  MulAccumulate(acc, a, row.entries[0]);
  MulAccumulate(acc, b, row.entries[1]);
  return Add(Reduce(acc), SubtractOnce(SubtractOnce(one, kModulus), kModulus));
}

ATTENSOR_INLINE static void Sbox(const Fp* s, Fp* out) {
  Fp cube[3];
  for (int i = 0; i < 3; i++) out[i] = SqrLazy(s[i]);
  for (int i = 0; i < 3; i++) cube[i] = MulLazy(out[i], s[i]);
  for (int i = 0; i < 3; i++) out[i] = SqrLazy(out[i]);
  for (int i = 0; i < 3; i++) out[i] = MulLazy(out[i], cube[i]);
}

void Permute(PoseidonState& state) {
  Fp* s = state.s;
  Fp t[3];
  for (const auto& rows : kPoseidonRows) {
    Sbox(s, t);
    s[0] = Row<0>(t, rows[0]);
    s[1] = Row<1>(t, rows[1]);
    s[2] = Row<2>(t, rows[2]);
  }
  Sbox(s, t);
  for (int i = 0; i < 3; i++) {
    Wide acc;
    for (int j = 0; j < 3; j++) MulAccumulate(acc, t[j], kPoseidonLastMatrix[i][j]);
    s[i] = Add(Reduce(acc), kPoseidonLastConstants[i]);
  }
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
