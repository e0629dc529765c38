#include "sponge.h"

#include "common/thread_pool.h"
#include "device/device.h"
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

constexpr size_t kVectors = 3 * (kPoseidonRounds + 1);

/// Element e of the state before the permutation of each step at [e rows steps + row steps + step]: the part
/// that goes step by step, a permutation each.
static Vec Starts(const Vec& values, size_t rows, size_t steps, const Control& control) {
  Vec out(3 * rows * steps);
  Fp* to = out.mut();
  const Fp* from = values.data();
  ParallelFor(rows, 1, [&](size_t begin, size_t end) {
    std::vector<PoseidonState> states(end - begin);
    for (size_t step = 0; step < steps; step++) {
      control.Check("spongeStates");
      for (size_t row = begin; row < end; row++) {
        Fp* s = states[row - begin].s;
        size_t at = row * steps + step;
        for (size_t e = 0; e < 2; e++) s[e] = Add(s[e], from[2 * at + e]);
        for (size_t e = 0; e < 3; e++) to[e * rows * steps + at] = s[e];
      }
      PermuteBatch(states.data(), states.size());
    }
  });
  return out;
}

std::vector<Vec> SpongeStates(const Vec& values, size_t rows, size_t steps, const Control& control) {
  std::vector<Vec> out;
  size_t count = rows * steps;
  bool done = device::Run(count, device::kLeastHashes, [&](const device::Table& table) {
    Vec all(kVectors * count);
    device::DeviceFp* there = all.OutOnDevice();
    device::Check(table.spongeRounds(there, Starts(values, rows, steps, control).OnDevice(), count));
    for (size_t k = 0; k < kVectors; k++) out.push_back(all.Slice(k * count, count));
  });
  if (done) return out;
  std::vector<Fp*> to;
  for (size_t k = 0; k < kVectors; k++) {
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

std::vector<Fp> RoundStates(PoseidonState state) {
  std::vector<Fp> out;
  out.reserve(3 * kPoseidonRounds);
  for (int round = 0; round < kPoseidonRounds; round++) {
    Round(state.s, round);
    out.insert(out.end(), state.s, state.s + 3);
  }
  return out;
}

}  // namespace attensor
