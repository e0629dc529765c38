#include "kernel.h"

#include <algorithm>
#include <thread>
#include <vector>

namespace model {

static const char* Describe(Width width) {
  switch (width) {
    case Width::kInt32:
      return "-2^31 <= value < 2^31";
    case Width::kAccumulator:
      return "-2^47 <= acc < 2^47";
    case Width::kSumOfSquares:
      return "sum of squares < 2^63";
    case Width::kInverseRoot:
      return "inverse root < 2^32";
    case Width::kMaskedScore:
      return "a masked score within int64";
    case Width::kZeroSum:
      return "a positive sum of scores";
  }
  return "";
}

static std::string Decimal(int128 value) {
  if (value == 0) return "0";
  uint128 rest = value < 0 ? -static_cast<uint128>(value) : static_cast<uint128>(value);
  std::string digits;
  for (; rest; rest /= 10)
    digits.insert(digits.begin(), static_cast<char>('0' + static_cast<int>(rest % 10)));
  return value < 0 ? "-" + digits : digits;
}

Failure::Failure(Width width, size_t row, size_t column, int128 value, const char* kernel)
    : Error(attensor::ErrorKind::kError, width == Width::kZeroSum ? "ZERO_SUM" : "OVERFLOW",
            (kernel ? std::string(kernel) + ": " : "") + "expected " + Describe(width) + ", got " +
                Decimal(value)),
      width(width),
      row(row),
      column(column),
      value(value),
      expected(Describe(width)),
      got(Decimal(value)) {}

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
