// Launches as loops: over the blocks, and in each over its threads.
#pragma once

#include <functional>

namespace attensor::device {

namespace emulation {
/// Throw if the device is broken; Launch() counts towards it.
void Launch();
void RequireWhole();
/// `barriers`: threads are fibers that stop at SyncThreads; without, each runs to its end.
void RunGrid(unsigned blocks, unsigned threads, size_t sharedBytes, bool barriers,
             const std::function<void()>& thread);
}  // namespace emulation

template <class... Parameters, class... Arguments>
void StartBlocks(void (*kernel)(Parameters...), unsigned blocks, unsigned threads, size_t sharedBytes,
                 const Arguments&... arguments) {
  emulation::RunGrid(blocks, threads, sharedBytes, true, [&] { kernel(Parameters(arguments)...); });
}

template <class... Parameters, class... Arguments>
void StartFlat(void (*kernel)(Parameters...), unsigned blocks, unsigned threads,
               const Arguments&... arguments) {
  emulation::RunGrid(blocks, threads, 0, false, [&] { kernel(Parameters(arguments)...); });
}

}  // namespace attensor::device
