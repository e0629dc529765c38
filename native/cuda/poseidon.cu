// Permutations of independent states.
#include "operations.h"
#include "poseidon.h"
#include "runtime.h"

namespace attensor::device {

ATTENSOR_KERNEL(kBlock) PermuteKernel(DeviceFp* states, size_t count) {
  size_t i = ThreadIndex();
  if (i >= count) return;
  State state;
  ATTENSOR_UNROLL
  for (int e = 0; e < 3; e++) state.s[e] = Load(states + 3 * i + e);
  Permute(state);
  ATTENSOR_UNROLL
  for (int e = 0; e < 3; e++) Store(states + 3 * i + e, state.s[e]);
}

Status PermuteStates(DeviceFp* states, size_t count) {
  return Guarded([&] { LaunchFlat(PermuteKernel, count, states, count); });
}

}  // namespace attensor::device
