// What a long computation and its caller share: cancellation and progress.
#pragma once

#include <atomic>
#include <functional>

#include "error.h"

namespace attensor {

struct Control {
  std::atomic<bool> cancelled{false};
  /// Called from any thread with the fraction done; may be empty.
  std::function<void(double)> onProgress;

  void Check(const char* where) const {
    if (cancelled.load(std::memory_order_relaxed)) throw Cancelled(where);
  }
  void Report(double fraction) const {
    if (onProgress) onProgress(fraction);
  }
};

}  // namespace attensor
