// The border between the addon and the library that drives a GPU: a table of functions, obtained by the one
// symbol the library exports. The addon opens the library at run time, so that it starts without one.
//
// `Fp` is an element in the host's memory, `DeviceFp` one in the device's; the same 32 bytes. Functions that
// only start work return before it is done; everything runs in the order of the calls, whatever thread they
// come from. Functions with results in host memory wait for them.
#pragma once

#include <cstddef>
#include <cstdint>

#include "prover/fp.h"

namespace attensor::device {

/// Grows with every change of this file.
constexpr uint32_t kVersion = 1;
constexpr const char* kSymbol = "attensor_device_open";

struct alignas(32) DeviceFp {
  uint32_t l[8];
};

enum class Status : int32_t {
  kOk = 0,
  /// There is no GPU, or none that the driver or this library can use.
  kMissing = 1,
  /// Nothing was started and nothing was changed.
  kOutOfMemory = 2,
  /// The sizes are beyond what the kernel takes. Nothing was started.
  kUnsupported = 3,
  /// The device failed; what its memory holds is lost.
  kFailed = 4,
};

/// What a device is.
struct Info {
  char name[128];
  uint64_t memory, limit, used;
  int32_t major, minor;
};

struct Table {
  /// Of the failure last returned to this thread.
  const char* (*message)();
  Status (*info)(Info* out);

  Status (*allocate)(size_t bytes, void** out);
  void (*release)(void* memory);
  Status (*upload)(void* to, const void* from, size_t bytes);
  Status (*download)(void* to, const void* from, size_t bytes);
  Status (*copy)(void* to, const void* from, size_t bytes);
  Status (*zero)(void* to, size_t bytes);

  /// `count` independent Poseidon permutations of three elements each, in place.
  Status (*permute)(DeviceFp* states, size_t count);
};

}  // namespace attensor::device

/// The table of the first usable device. `memory` bounds what is allocated on it; 0 stands for nearly all.
extern "C" attensor::device::Status attensor_device_open(uint32_t version, uint64_t memory,
                                                         const attensor::device::Table** table,
                                                         const char** message);
