#include "tables.h"

#include <algorithm>

#include "linear.h"

namespace attensor {

// Every function here splits the index into a high and a low part with a small table each.
static constexpr int kLowLog = 10;

Vec EqTable(const std::vector<Fp>& point, const Fp& scale) {
  int n = static_cast<int>(point.size());
  Vec out(size_t{1} << n);
  Fp* t = out.mut();
  t[0] = scale;
  // Appends one variable as the least significant bit of what is there, from the back so that it works in
  // place.
  int serial = std::min(n, 14);
  for (int j = 0; j < serial; j++) {
    for (size_t i = size_t{1} << j; i-- > 0;) {
      Fp high = Mul(t[i], point[j]);
      t[2 * i] = Sub(t[i], high);
      t[2 * i + 1] = high;
    }
  }
  if (serial == n) return out;
  // Tall tables: outer product with the table of the remaining variables.
  Vec low = EqTable({point.begin() + serial, point.end()}, kOne);
  Vec high(size_t{1} << serial);
  std::copy(t, t + high.size(), high.mut());
  size_t width = low.size();
  ParallelFor(high.size(), std::max<size_t>(1, 4096 / width), [&](size_t begin, size_t end) {
    for (size_t i = begin; i < end; i++)
      for (size_t k = 0; k < width; k++) t[i * width + k] = Mul(high[i], low[k]);
  });
  return out;
}

std::vector<Fp> Powers(const Fp& x, size_t count) {
  std::vector<Fp> out(count);
  Fp p = kOne;
  for (Fp& o : out) {
    o = p;
    p = Mul(p, x);
  }
  return out;
}

Fp EvalPow(const Fp* v, size_t count, const Fp& x) {
  size_t width = size_t{1} << kLowLog, rows = (count + width - 1) / width;
  std::vector<Fp> low = Powers(x, std::min(count, width)), high = Powers(Pow(x, width), rows);
  return ParallelSum(rows, 4, [&](size_t begin, size_t end) {
    Wide outer;
    for (size_t row = begin; row < end; row++) {
      Wide acc;
      size_t n = std::min(width, count - row * width);
      for (size_t k = 0; k < n; k++) MulAccumulate(acc, v[row * width + k], low[k]);
      MulAccumulate(outer, Reduce(acc), high[row]);
    }
    return Reduce(outer);
  });
}

Fp EvalMle(const Fp* v, const std::vector<Fp>& point) {
  size_t split = point.size() > kLowLog ? point.size() - kLowLog : 0;
  Vec high = EqTable({point.begin(), point.begin() + split}, kOne);
  Vec low = EqTable({point.begin() + split, point.end()}, kOne);
  size_t width = low.size();
  return ParallelSum(high.size(), 4, [&](size_t begin, size_t end) {
    Wide outer;
    for (size_t row = begin; row < end; row++) {
      Wide acc;
      for (size_t k = 0; k < width; k++) MulAccumulate(acc, v[row * width + k], low[k]);
      MulAccumulate(outer, Reduce(acc), high[row]);
    }
    return Reduce(outer);
  });
}

void AddEq(Fp* target, const Fp& coef, const std::vector<Fp>& point) {
  size_t split = point.size() > kLowLog ? point.size() - kLowLog : 0;
  Vec high = EqTable({point.begin(), point.begin() + split}, coef);
  Vec low = EqTable({point.begin() + split, point.end()}, kOne);
  size_t width = low.size();
  ParallelFor(high.size(), 4, [&](size_t begin, size_t end) {
    for (size_t row = begin; row < end; row++) {
      Fp* out = target + row * width;
      for (size_t k = 0; k < width; k++) out[k] = Add(out[k], Mul(high[row], low[k]));
    }
  });
}

void AddPows(Fp* target, size_t count, const std::vector<Fp>& coefs, const std::vector<Fp>& xs) {
  // A matrix product: target[row][k] += sum_i (coefs[i] xs[i]^(row width)) xs[i]^k.
  size_t width = 256, terms = xs.size(), rows = (count + width - 1) / width;
  std::vector<Fp> low(terms * width), step(terms);
  ParallelFor(terms, 1, [&](size_t begin, size_t end) {
    for (size_t i = begin; i < end; i++) {
      Fp p = kOne;
      for (size_t k = 0; k < width; k++) {
        low[k * terms + i] = p;
        p = Mul(p, xs[i]);
      }
      step[i] = p;
    }
  });
  ParallelFor(rows, 4, [&](size_t begin, size_t end) {
    std::vector<Fp> factor(terms);
    for (size_t i = 0; i < terms; i++) factor[i] = Mul(coefs[i], Pow(step[i], begin));
    for (size_t row = begin; row < end; row++) {
      size_t n = std::min(width, count - row * width);
      for (size_t k = 0; k < n; k++) {
        Wide acc;
        for (size_t i = 0; i < terms; i++) MulAccumulate(acc, factor[i], low[k * terms + i]);
        Fp& out = target[row * width + k];
        out = Add(out, Reduce(acc));
      }
      for (size_t i = 0; i < terms; i++) factor[i] = Mul(factor[i], step[i]);
    }
  });
}

}  // namespace attensor
