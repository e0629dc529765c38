// What the library's host side has from the CUDA runtime or from the emulation: memory, transfers, launches.
// Failures are exceptions here; Guarded turns them into a Status at the border.
#pragma once

#include <exception>
#include <memory>
#include <mutex>
#include <string>
#include <utility>

#include "kernel.h"

namespace attensor::device {

struct Failure {
  Status status;
  std::string message;
};

/// One at a time: the stream, the staging memory and the accounts are shared.
std::recursive_mutex& Mutex();
void SetMessage(const std::string& message);

/// Releases what is only kept to save work; false if there was nothing.
bool DropCaches();

/// The body of a table's function. It takes its memory before it changes anything, so that it can be begun
/// again when memory has been made.
template <class Body>
Status Guarded(const Body& body) {
  std::lock_guard lock(Mutex());
  try {
    try {
      body();
    } catch (const Failure& failure) {
      if (failure.status != Status::kOutOfMemory || !DropCaches()) throw;
      body();
    }
    return Status::kOk;
  } catch (const Failure& failure) {
    SetMessage(failure.message);
    return failure.status;
  } catch (const std::bad_alloc&) {
    SetMessage("host memory for a transfer or a launch");
    return Status::kOutOfMemory;
  } catch (const std::exception& e) {
    SetMessage(e.what());
    return Status::kFailed;
  }
}

[[noreturn]] inline void Unsupported(const char* what) { throw Failure{Status::kUnsupported, what}; }

/// Throws kMissing where there is no device.
void OpenDevice(u64 limit);
void DescribeDevice(Info* out);
unsigned Multiprocessors();

/// Not cleared. Nothing, for no bytes.
void* Allocate(size_t bytes);
void Release(void* memory) noexcept;
void Upload(void* to, const void* from, size_t bytes);
/// Waits; failures of kernels before it are thrown here.
void Download(void* to, const void* from, size_t bytes);
void CopyOnDevice(void* to, const void* from, size_t bytes);
void Zero(void* to, size_t bytes);

/// Memory that UploadAhead may write at once, whatever still runs.
void* AllocateAhead(size_t bytes);
/// Beside the kernels; they wait for it if they are started after Arrive.
void UploadAhead(void* to, const void* from, size_t bytes);
void Arrive();

/// Device memory for the time of a call. Released memory is used again only after what runs on it.
template <class T>
class Scratch {
 public:
  explicit Scratch(size_t count) : data_(static_cast<T*>(Allocate(count * sizeof(T)))) {}
  ~Scratch() { Release(data_); }
  Scratch(const Scratch&) = delete;
  Scratch& operator=(const Scratch&) = delete;
  T* get() const { return data_; }

 private:
  T* data_;
};

}  // namespace attensor::device

#if defined(__CUDACC__)
#include "launch_cuda.h"
#else
#include "emulation/launch.h"
#endif

namespace attensor::device {

/// A kernel without barriers on one thread for each of `count` items, rounded up to whole blocks; the kernel
/// compares its ThreadIndex() with the count itself.
template <unsigned threads = kBlock, class... Parameters, class... Arguments>
void LaunchFlat(void (*kernel)(Parameters...), size_t count, Arguments&&... arguments) {
  if (count == 0) return;
  size_t blocks = (count + threads - 1) / threads;
  if (blocks > 0x7fffffff) Unsupported("a grid of more than 2^31 - 1 blocks");
  StartFlat(kernel, static_cast<unsigned>(blocks), threads, std::forward<Arguments>(arguments)...);
}

template <class... Parameters, class... Arguments>
void LaunchHashes(void (*kernel)(Parameters...), size_t count, Arguments&&... arguments) {
  LaunchFlat<kHashBlock>(kernel, count, std::forward<Arguments>(arguments)...);
}

/// A kernel whose blocks share memory and wait at barriers.
template <class... Parameters, class... Arguments>
void LaunchBlocks(void (*kernel)(Parameters...), size_t blocks, unsigned threads, size_t sharedBytes,
                  Arguments&&... arguments) {
  if (blocks == 0) return;
  if (blocks > 0x7fffffff) Unsupported("a grid of more than 2^31 - 1 blocks");
  StartBlocks(kernel, static_cast<unsigned>(blocks), threads, sharedBytes,
              std::forward<Arguments>(arguments)...);
}

/// Blocks for a loop over the grid: enough to fill the device, no more than there is work for.
size_t BlocksFor(size_t count, unsigned threads, unsigned perMultiprocessor);

}  // namespace attensor::device
