#include "gemm.h"

#include <algorithm>
#include <vector>

#include "on_device.h"

namespace model {

namespace {

// Four rows of x against one row of w: w is read once for the four.
MODEL_SIMD void Dot4(const int32_t* x, size_t stride, const int32_t* w, size_t n, int64_t* out) {
  int64_t a = 0, b = 0, c = 0, d = 0;
  const int32_t *x1 = x + stride, *x2 = x1 + stride, *x3 = x2 + stride;
  for (size_t i = 0; i < n; i++) {
    int64_t v = w[i];
    a += v * x[i];
    b += v * x1[i];
    c += v * x2[i];
    d += v * x3[i];
  }
  out[0] = a;
  out[1] = b;
  out[2] = c;
  out[3] = d;
}

MODEL_SIMD int64_t Dot(const int32_t* x, const int32_t* w, size_t n) {
  int64_t sum = 0;
  for (size_t i = 0; i < n; i++) sum += static_cast<int64_t>(x[i]) * w[i];
  return sum;
}

int128 WideDot(const int32_t* x, const int32_t* w, size_t n) {
  int128 sum = 0;
  for (size_t i = 0; i < n; i++) sum += static_cast<int64_t>(x[i]) * w[i];
  return sum;
}

struct Operands {
  std::vector<int32_t> x;
  uint64_t max;  // the largest |x|
};

// No 64-bit sum can overflow. Often max |X| alone proves it, which spares a pass over the weights.
bool IsNarrow(const Operands& in, Weights w, size_t inner) {
  auto proves = [&](uint64_t w_max) {
    return static_cast<uint128>(in.max) * inner * w_max <=
           static_cast<uint128>(std::numeric_limits<int64_t>::max());
  };
  return proves(uint64_t{1} << 31) || proves(MaxAbs(w));
}

// Picks rows of x (all if from is empty) and narrows them.
Operands Prepare(Ints x, Weights from, size_t rows, size_t inner, Weights to) {
  Operands out{std::vector<int32_t>(rows * inner), 0};
  for (size_t t = 0; t < rows; t++) {
    size_t source = from.empty() ? t : static_cast<size_t>(from[t]);
    for (size_t i = 0; i < inner; i++) {
      int64_t v = CheckInt32(x[source * inner + i], to.empty() ? t : static_cast<size_t>(to[t]), i);
      out.max = std::max(out.max, static_cast<uint64_t>(v < 0 ? -v : v));
      out.x[t * inner + i] = static_cast<int32_t>(v);
    }
  }
  return out;
}

// store(t, o, sum) for all pairs; sums are saturated to int64 on the wide path.
void Multiply(const Operands& in, Weights w, size_t rows, size_t inner, size_t outer, OutInts acc, Weights to,
              const Control& control) {
  const bool narrow = IsNarrow(in, w, inner);
  auto row = [&](size_t t) { return (to.empty() ? t : static_cast<size_t>(to[t])) * outer; };
  ParallelFor(outer, static_cast<double>(rows) * inner * outer, [&](size_t first, size_t last) {
    for (size_t o = first; o < last; o++) {
      control.Check("gemm");
      const int32_t* wo = w.data() + o * inner;
      size_t t = 0;
      for (; narrow && t + 4 <= rows; t += 4) {
        int64_t sums[4];
        Dot4(in.x.data() + t * inner, inner, wo, inner, sums);
        for (size_t k = 0; k < 4; k++) acc[row(t + k) + o] = sums[k];
      }
      for (; t < rows; t++) {
        const int32_t* xt = in.x.data() + t * inner;
        acc[row(t) + o] = narrow ? Dot(xt, wo, inner) : Saturate(WideDot(xt, wo, inner));
      }
    }
  });
}

// Bounds and rescale in row order, so that the first failure is the same for every schedule.
void Finish(const Operands& in, Weights w, size_t rows, size_t inner, size_t outer, OutInts acc, OutInts y,
            Weights to) {
  ParallelFor(rows, 0.25 * rows * outer, [&](size_t first, size_t last) {
    for (size_t t = first; t < last; t++) {
      size_t row = to.empty() ? t : static_cast<size_t>(to[t]);
      for (size_t o = 0; o < outer; o++) {
        int64_t value = acc[row * outer + o];
        if (!InAccumulator(value)) {
          throw Failure(Width::kAccumulator, row, o,
                        WideDot(in.x.data() + t * inner, w.data() + o * inner, inner));
        }
        if (!y.empty()) y[row * outer + o] = value >> 16;
      }
    }
  });
}

}  // namespace

void Gemm(Ints x, Weights w, size_t rows, size_t inner, size_t outer, OutInts acc, OutInts y,
          const Control& control, attensor::device::ConstantId id) {
  Operands in = Prepare(x, {}, rows, inner, {});
  if (!on_device::Product(in.x, in.max, w, id, rows, inner, outer, {}, acc, control))
    Multiply(in, w, rows, inner, outer, acc, {}, control);
  Finish(in, w, rows, inner, outer, acc, y, {});
}

void GemmRows(Ints x, Weights from, Weights w, size_t inner, size_t outer, Weights to, OutInts acc, OutInts y,
              const Control& control, attensor::device::ConstantId id) {
  if (from.empty()) return;
  Operands in = Prepare(x, from, from.size(), inner, to);
  if (!on_device::Product(in.x, in.max, w, id, from.size(), inner, outer, to, acc, control))
    Multiply(in, w, from.size(), inner, outer, acc, to, control);
  Finish(in, w, from.size(), inner, outer, acc, y, to);
}

}  // namespace model
