// Sums over a grid: threads add up their own, blocks in shared memory, and a last block per sum the rest.
#pragma once

#include "field.h"
#include "runtime.h"

namespace attensor::device {

/// The sum over `width` neighbouring threads (a power of two) in the first of each; every thread of the block
/// calls it. `memory` has an element for each thread.
ATTENSOR_DEVICE DeviceFp BlockSum(SharedFp memory, DeviceFp value, unsigned width) {
  SyncThreads();
  memory.Put(threadIdx.x, value);
  for (unsigned step = width / 2; step > 0; step /= 2) {
    SyncThreads();
    if (threadIdx.x % width < step) {
      value = Add(value, memory.Get(threadIdx.x + step));
      memory.Put(threadIdx.x, value);
    }
  }
  return value;
}

/// out[k] = sum_i parts[k perSum + i], one block for each sum.
ATTENSOR_KERNEL(kBlock) FinishSumsKernel(DeviceFp* out, const DeviceFp* parts, size_t perSum) {
  DeviceFp sum = ZeroFp();
  for (size_t i = threadIdx.x; i < perSum; i += kBlock) sum = Add(sum, Load(parts + blockIdx.x * perSum + i));
  sum = BlockSum(SharedFp(SharedMemory(), kBlock), sum, kBlock);
  if (threadIdx.x == 0) Store(out + blockIdx.x, sum);
}

/// The blocks' partial sums to the host.
inline void FinishSums(Fp* out, DeviceFp* finished, const DeviceFp* parts, size_t sums, size_t perSum) {
  LaunchBlocks(FinishSumsKernel, sums, kBlock, kBlock * sizeof(DeviceFp), finished, parts, perSum);
  Download(out, finished, sums * sizeof(Fp));
}

}  // namespace attensor::device
