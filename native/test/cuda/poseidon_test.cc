// Poseidon on the device against the CPU's.
#include "../testing.h"
#include "library.h"
#include "prover/poseidon.h"

namespace attensor::testing {

void TestPoseidonKernels() {
  for (size_t count : {1, 2, 255, 257, 1000}) {
    std::vector<Fp> values = RandomFields(3 * count);
    // Nothing but edges in the first ones.
    const Fp edges[] = {Fp{}, FromU64(1), Neg(FromU64(1)), {{1, 0, 0, 0}}, {{kP0 - 1, kP1, 0, kP3}}};
    for (size_t i = 0; i < values.size() && i < 60; i++) values[i] = edges[i * 7 / 3 % 5];
    DeviceArray states(values);
    Succeeded(Library().permute(states.get(), count), "permute");
    std::vector<Fp> got = states.Read();
    for (size_t i = 0; i < count; i++) {
      PoseidonState state{{values[3 * i], values[3 * i + 1], values[3 * i + 2]}};
      Permute(state);
      for (size_t e = 0; e < 3; e++) CHECK(got[3 * i + e] == state.s[e]);
    }
  }
}

}  // namespace attensor::testing
