#include "norm.h"

#include <cmath>

namespace model {

// The largest r with r^2 <= n, for n below 2^126.
static uint64_t SquareRoot(uint128 n) {
  uint64_t r = static_cast<uint64_t>(std::sqrt(static_cast<double>(n)));
  auto square = [](uint64_t v) { return static_cast<uint128>(v) * v; };
  while (square(r) > n) r--;
  while (square(r + 1) <= n) r++;
  return r;
}

void RmsNorm(Ints x, Weights g, size_t rows, size_t d, uint64_t epsilon, OutInts S, OutInts inv, OutInts y,
             const Control& control) {
  ParallelFor(rows, 8.0 * rows * d, [&](size_t first, size_t last) {
    for (size_t t = first; t < last; t++) {
      control.Check("rmsNorm");
      const int64_t* row = x.data() + t * d;
      uint128 sum = 0;
      for (size_t i = 0; i < d; i++) {
        int128 v = CheckInt32(row[i], t, i);
        sum += static_cast<uint128>(v * v);
      }
      if (sum > static_cast<uint128>(std::numeric_limits<int64_t>::max())) {
        throw Failure(Width::kSumOfSquares, t, 0, static_cast<int128>(sum));
      }
      uint128 quotient = (static_cast<uint128>(d) << 64) / (sum + epsilon);
      uint64_t root = SquareRoot(quotient);
      if (root >> 32) throw Failure(Width::kInverseRoot, t, 0, root);
      S[t] = static_cast<int64_t>(sum);
      inv[t] = static_cast<int64_t>(root);
      for (size_t i = 0; i < d; i++) {
        int128 product = static_cast<int128>(row[i]) * static_cast<int64_t>(root) * g[i];
        y[t * d + i] = CheckInt32(product >> 32, t, i);
      }
    }
  });
}

void Rope(Ints x, Weights cos, Weights sin, size_t rows, size_t heads, size_t d, OutInts y,
          const Control& control) {
  const size_t half = d / 2;
  for (size_t t = 0; t < rows; t++) {
    control.Check("rope");
    for (size_t h = 0; h < heads; h++) {
      for (size_t j = 0; j < half; j++) {
        size_t i = (t * heads + h) * d + 2 * j;
        size_t column = h * d + 2 * j;
        int64_t a = CheckInt32(x[i], t, column), b = CheckInt32(x[i + 1], t, column + 1);
        int64_t c = cos[t * half + j], s = sin[t * half + j];
        // |a|, |b| <= 2^31 and |c|, |s| <= 2^31: the products fit, their sum may need one bit more
        y[i] = CheckInt32((static_cast<int128>(a) * c - static_cast<int128>(b) * s) >> 16, t, column);
        y[i + 1] = CheckInt32((static_cast<int128>(a) * s + static_cast<int128>(b) * c) >> 16, t, column + 1);
      }
    }
  }
}

}  // namespace model
