// Which device the engine's heavy work runs on. The library (native/cuda) is opened when it is first needed;
// the addon and everything on the CPU work without it.
#pragma once

#include <string>

#include "abi.h"

namespace attensor::device {

/// kAuto: a GPU where there is one, and the CPU for what it has no memory for. kCuda: errors instead.
enum class Choice { kAuto, kCpu, kCuda };

struct Options {
  /// Empty: ATTENSOR_CUDA_LIBRARY, or attensor_cuda.so beside the addon.
  std::string library;
  /// Smallest work given to the device; 0: what Run's callers say.
  size_t least = 0;
};

/// Until the first call: what ATTENSOR_DEVICE says. Throws DEVICE_MISSING for kCuda without a usable GPU.
void Choose(Choice choice, const Options& options = {});
Choice ParseChoice(const std::string& name, const char* where);

/// Null: work runs on the CPU. Throws as Choose does.
const Table* Active();
/// Why there is none, if a library was looked for.
std::string Absence();

/// The device has no memory for it; nothing was changed.
struct NoMemory {};
/// The kernel does not take these sizes; nothing was changed.
struct Unsupported {};

/// Throws what a status stands for; DEVICE_FAILED ends the use of the device.
void Check(Status status);
void* Allocate(size_t bytes);
void Release(void* memory);
/// Releases what is kept on the device for later calls only; false if there was nothing.
bool ReleaseIdle();
/// The table whatever is chosen now, for memory that is on the device already.
const Table& Opened();

/// Whether that much work goes to the device.
bool IsWorth(size_t work, size_t least);
/// Throws DEVICE_OUT_OF_MEMORY if a GPU was asked for.
void FallBack();

// Guesses, not measured: a launch and its answer take some ten microseconds, and a thread of a GPU some
// hundreds for a permutation.
constexpr size_t kLeastElements = 1 << 14, kLeastHashes = 1 << 12;

/// Multiplications of a product of matrices.
constexpr size_t kLeastProducts = 1 << 22;

/// Runs body(table) on the device, if there is one and the work is worth it. False: the CPU has to do it, and
/// nothing has been changed. The body takes all memory it needs before it starts kernels.
template <class Body>
bool Run(size_t work, size_t least, const Body& body) {
  const Table* table = Active();
  if (!table || !IsWorth(work, least)) return false;
  for (bool again = true; again;) {
    try {
      body(*table);
      return true;
    } catch (const Unsupported&) {
      return false;
    } catch (const NoMemory&) {
      again = ReleaseIdle();
    }
  }
  FallBack();
  return false;
}

}  // namespace attensor::device
