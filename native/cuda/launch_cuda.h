// Launches on the one stream.
#pragma once

#include <cuda_runtime.h>

namespace attensor::device {

cudaStream_t Stream();
/// Throws if the call failed.
void Check(cudaError_t error, const char* what);

template <class... Parameters, class... Arguments>
void StartBlocks(void (*kernel)(Parameters...), unsigned blocks, unsigned threads, size_t sharedBytes,
                 Arguments&&... arguments) {
  kernel<<<blocks, threads, sharedBytes, Stream()>>>(Parameters(std::forward<Arguments>(arguments))...);
  Check(cudaGetLastError(), "launching a kernel");
}

template <class... Parameters, class... Arguments>
void StartFlat(void (*kernel)(Parameters...), unsigned blocks, unsigned threads, Arguments&&... arguments) {
  StartBlocks(kernel, blocks, threads, 0, std::forward<Arguments>(arguments)...);
}

}  // namespace attensor::device
