// Constant arrays that stay on the device, so that every token finds them there: those used least recently
// leave when others need the room.
#pragma once

#include <atomic>
#include <memory>

#include "array.h"

namespace attensor::device {

struct Resident {
  explicit Resident(size_t bytes) : memory(bytes) {}
  AheadMemory memory;
  /// Whether all of it has been copied.
  std::atomic<bool> complete{false};
};

/// Names a constant array of the host; 0 stands for one that may change.
using ConstantId = uint64_t;

/// The array, or memory to copy it to; null if it takes more than half of the device's memory. Throws
/// NoMemory.
std::shared_ptr<Resident> FindResident(ConstantId id, size_t bytes);
/// It is gone on the host, or its copy failed.
void ForgetResident(ConstantId id);
/// Releases all that nobody uses; whether there was anything.
bool ReleaseResidents();
size_t ResidentBytes();

}  // namespace attensor::device
