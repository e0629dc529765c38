// What every kernel of the integer model shares: checked views, failures with a place, cancellation, threads.
// The arithmetic is specified in docs/integer-semantics.md.
#pragma once

#include <cstddef>
#include <cstdint>
#include <functional>
#include <limits>
#include <span>
#include <string>

#include "common/control.h"

// The widest loops, compiled for the vector units found at run time.
#if defined(__x86_64__) && defined(__linux__) && defined(__GNUC__) && !defined(__clang__)
#define MODEL_SIMD __attribute__((target_clones("avx512f", "avx2", "default")))
#else
#define MODEL_SIMD
#endif

namespace model {

__extension__ typedef __int128 int128;
__extension__ typedef unsigned __int128 uint128;

using Ints = std::span<const int64_t>;
using Weights = std::span<const int32_t>;
using OutInts = std::span<int64_t>;

constexpr int64_t kInt32Min = std::numeric_limits<int32_t>::min();
constexpr int64_t kInt32Max = std::numeric_limits<int32_t>::max();
constexpr int64_t kAccLimit = int64_t{1} << 47;

enum class Width { kInt32, kAccumulator, kSumOfSquares, kInverseRoot, kMaskedScore, kZeroSum };

// A value outside its declared width; row and column are those of the component's input and output.
struct Failure : attensor::Error {
  Failure(Width width, size_t row, size_t column, int128 value, const char* kernel = nullptr);
  Width width;
  size_t row, column;
  int128 value;
  const char* expected;
  std::string got;
};

using attensor::Control;

// body(first, last) on consecutive parts of [0, count), in threads if work (multiplications, say) is large.
// The exception of the lowest part is rethrown, so failures are the same for every number of threads.
void ParallelFor(size_t count, double work, const std::function<void(size_t, size_t)>& body);

// The largest |value|.
uint64_t MaxAbs(Ints values);
uint64_t MaxAbs(Weights values);

inline int64_t CheckInt32(int128 value, size_t row, size_t column) {
  if (value < kInt32Min || value > kInt32Max) throw Failure(Width::kInt32, row, column, value);
  return static_cast<int64_t>(value);
}

inline bool InAccumulator(int64_t value) { return value >= -kAccLimit && value < kAccLimit; }

inline int64_t Saturate(int128 value) {
  constexpr int64_t kMin = std::numeric_limits<int64_t>::min();
  constexpr int64_t kMax = std::numeric_limits<int64_t>::max();
  return value < kMin ? kMin : value > kMax ? kMax : static_cast<int64_t>(value);
}

}  // namespace model
