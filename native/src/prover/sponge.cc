#include "sponge.h"

#include "common/thread_pool.h"
#include "poseidon_constants.h"

namespace attensor {

static void Round(Fp* s, int round) {
  Fp power[3];
  for (int e = 0; e < 3; e++) {
    Fp square = Sqr(s[e]);
    power[e] = Mul(Mul(Sqr(square), square), s[e]);
  }
  for (int i = 0; i < 3; i++) {
    Wide sum;
    for (int j = 0; j < 3; j++) MulAccumulate(sum, kPoseidonMatrix[i][j], power[j]);
    s[i] = Add(Reduce(sum), kPoseidonConstants[round][i]);
  }
}

std::vector<Vec> SpongeStates(const Vec& values, size_t rows, size_t steps, const Control& control) {
  std::vector<Vec> out;
  std::vector<Fp*> to;
  for (int k = 0; k < 3 * (kPoseidonRounds + 1); k++) {
    out.emplace_back(rows * steps);
    to.push_back(out.back().mut());
  }
  ParallelFor(rows, 1, [&](size_t begin, size_t end) {
    for (size_t row = begin; row < end; row++) {
      control.Check("spongeStates");
      Fp s[3]{};
      for (size_t step = 0; step < steps; step++) {
        size_t at = row * steps + step;
        for (size_t e = 0; e < 2; e++) s[e] = Add(s[e], values[2 * at + e]);
        for (int round = 0; round <= kPoseidonRounds; round++) {
          for (int e = 0; e < 3; e++) to[static_cast<size_t>(3 * round + e)][at] = s[e];
          if (round < kPoseidonRounds) Round(s, round);
        }
      }
    }
  });
  return out;
}

}  // namespace attensor
