// What the integer model's kernels share: 128-bit integers, checks, and reductions of a block.
#pragma once

#include "kernel.h"
#include "runtime.h"

namespace attensor::device {

__extension__ typedef __int128 int128;
__extension__ typedef unsigned __int128 uint128;

ATTENSOR_DEVICE bool IsInt32(int64_t value) { return value == static_cast<int32_t>(value); }
ATTENSOR_DEVICE bool IsInt32(int128 value) { return value == static_cast<int32_t>(value); }

/// Whichever thread comes first; all store the same.
ATTENSOR_DEVICE void Fail(u32* failed) { Store(failed, 1u); }

/// The combination of all threads' values, for each of them. `memory` has an entry for each thread.
template <class T, class Combine>
ATTENSOR_DEVICE T BlockReduce(T* memory, T value, const Combine& combine) {
  SyncThreads();
  memory[threadIdx.x] = value;
  for (unsigned step = kBlock / 2; step > 0; step /= 2) {
    SyncThreads();
    if (threadIdx.x < step) memory[threadIdx.x] = combine(memory[threadIdx.x], memory[threadIdx.x + step]);
  }
  SyncThreads();
  return memory[0];
}

}  // namespace attensor::device
