#include "kernel.h"

#include <algorithm>
#include <thread>
#include <vector>

namespace model {

void ParallelFor(size_t count, double work, const std::function<void(size_t, size_t)>& body) {
  constexpr double kWorkPerThread = 1 << 21;  // well above the cost of starting a thread
  size_t threads = std::max(1u, std::thread::hardware_concurrency());
  threads = std::min({threads, count, static_cast<size_t>(work / kWorkPerThread) + 1});
  if (threads <= 1) {
    body(0, count);
    return;
  }
  std::vector<std::exception_ptr> errors(threads);
  auto part = [&](size_t i) {
    try {
      body(count * i / threads, count * (i + 1) / threads);
    } catch (...) {
      errors[i] = std::current_exception();
    }
  };
  {
    std::vector<std::jthread> pool;
    for (size_t i = 1; i < threads; i++) pool.emplace_back(part, i);
    part(0);
  }
  for (const auto& error : errors) {
    if (error) std::rethrow_exception(error);
  }
}

template <typename T>
static uint64_t MaxAbsOf(std::span<const T> values) {
  uint64_t max = 0;
  for (T value : values) {
    uint64_t v = static_cast<uint64_t>(value);
    max = std::max(max, value < 0 ? ~v + 1 : v);
  }
  return max;
}

uint64_t MaxAbs(Ints values) { return MaxAbsOf(values); }
uint64_t MaxAbs(Weights values) { return MaxAbsOf(values); }

}  // namespace model
