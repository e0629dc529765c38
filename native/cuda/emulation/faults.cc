// Kernels with faults, for the tests of the emulation: it must report them.
#include "runtime.h"

namespace attensor::device {

ATTENSOR_KERNEL(kBlock) HalfWaitsKernel() {
  if (threadIdx.x < 16) SyncThreads();
}

ATTENSOR_KERNEL(kBlock) TwoPlacesKernel() {
  if (threadIdx.x < 16)
    SyncThreads();
  else
    SyncThreads();
}

ATTENSOR_KERNEL(kBlock) BeyondSharedKernel() { SharedMemory()[threadIdx.x] = uint4{1, 2, 3, 4}; }

ATTENSOR_KERNEL(kBlock) BarrierKernel() { SyncThreads(); }

static Status Run(int fault) {
  return Guarded([&] {
    if (fault == 0) LaunchBlocks(HalfWaitsKernel, 1, 32, 0);
    if (fault == 1) LaunchBlocks(TwoPlacesKernel, 1, 32, 0);
    if (fault == 2) LaunchBlocks(BeyondSharedKernel, 1, 32, 31 * sizeof(uint4));
    if (fault == 3) LaunchFlat(BarrierKernel, 1);
    if (fault == 4) LaunchBlocks(BarrierKernel, 1, 32, size_t{1} << 20);
    // None, after all of these.
    if (fault == 5) LaunchBlocks(BarrierKernel, 3, 32, 32);
  });
}

}  // namespace attensor::device

/// For tests: runs a kernel with the fault of this number.
extern "C" __attribute__((visibility("default"))) attensor::device::Status attensor_emulation_fault(
    int fault) {
  return attensor::device::Run(fault);
}
