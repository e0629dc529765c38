#include "tables.h"

#include <algorithm>

#include "backend.h"
#include "device/device.h"
#include "linear.h"

namespace attensor {

// Every function here splits the index into a high and a low part with a small table each.
static constexpr int kLowLog = 10;

/// out[row * width + k] (+)= rows[row] * low[k]
static void AddOuter(Fp* out, bool add, const Vec& rows, const Vec& low) {
  size_t width = low.size();
  const Fp* from = low.data();
  ParallelFor(rows.size(), std::max<size_t>(1, 4096 / width), [&](size_t begin, size_t end) {
    for (size_t row = begin; row < end; row++) {
      Fp* to = out + row * width;
      ActiveBackend().linear(to, add ? to : nullptr, &from, &rows[row], 1, width);
    }
  });
}

Vec EqTable(const std::vector<Fp>& point, const Fp& scale) {
  size_t n = point.size();
  Vec out(size_t{1} << n);
  bool done = device::Run(out.size(), device::kLeastElements, [&](const device::Table& table) {
    device::Check(table.eqTable(out.OutOnDevice(), point.data(), n, &scale, false));
  });
  if (done) return out;
  Fp* t = out.mut();
  if (n > 6) {
    auto middle = point.begin() + static_cast<ptrdiff_t>(n - std::min<size_t>(n / 2, kLowLog));
    AddOuter(t, false, EqTable({point.begin(), middle}, scale), EqTable({middle, point.end()}, kOne));
    return out;
  }
  t[0] = scale;
  // Appends one variable as the least significant bit of what is there, from the back so that it works in
  // place.
  for (size_t j = 0; j < n; j++) {
    for (size_t i = size_t{1} << j; i-- > 0;) {
      Fp high = Mul(t[i], point[j]);
      t[2 * i] = Sub(t[i], high);
      t[2 * i + 1] = high;
    }
  }
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
      ActiveBackend().dot(acc, v + row * width, low.data(), std::min(width, count - row * width));
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
      ActiveBackend().dot(acc, v + row * width, low.data(), width);
      MulAccumulate(outer, Reduce(acc), high[row]);
    }
    return Reduce(outer);
  });
}

void AddEq(Fp* target, const Fp& coef, const std::vector<Fp>& point) {
  size_t split = point.size() > kLowLog ? point.size() - kLowLog : 0;
  Vec high = EqTable({point.begin(), point.begin() + split}, coef);
  Vec low = EqTable({point.begin() + split, point.end()}, kOne);
  AddOuter(target, true, high, low);
}

void AddPows(Fp* target, size_t count, const std::vector<Fp>& coefs, const std::vector<Fp>& xs) {
  // A matrix product: target[row][k] += sum_i (coefs[i] xs[i]^(row width)) xs[i]^k.
  size_t width = 256, terms = xs.size(), rows = (count + width - 1) / width;
  std::vector<Fp> low(terms * width), step(terms);
  std::vector<const Fp*> powers(terms);
  ParallelFor(terms, 1, [&](size_t begin, size_t end) {
    for (size_t i = begin; i < end; i++) {
      Fp p = kOne;
      for (size_t k = 0; k < width; k++) {
        low[i * width + k] = p;
        p = Mul(p, xs[i]);
      }
      step[i] = p;
      powers[i] = &low[i * width];
    }
  });
  ParallelFor(rows, 4, [&](size_t begin, size_t end) {
    std::vector<Fp> factor(terms);
    for (size_t i = 0; i < terms; i++) factor[i] = Mul(coefs[i], Pow(step[i], begin));
    for (size_t row = begin; row < end; row++) {
      Fp* to = target + row * width;
      ActiveBackend().linear(to, to, powers.data(), factor.data(), terms,
                             std::min(width, count - row * width));
      for (size_t i = 0; i < terms; i++) factor[i] = Mul(factor[i], step[i]);
    }
  });
}

Fp EvalPow(const Vec& v, const Fp& x) {
  Fp sum;
  bool done = device::Run(v.size(), device::kLeastElements, [&](const device::Table& table) {
    device::Check(table.evalPow(&sum, v.OnDevice(), v.size(), &x));
  });
  return done ? sum : EvalPow(v.data(), v.size(), x);
}

Fp EvalMle(const Vec& v, const std::vector<Fp>& point) {
  Fp sum;
  bool done = device::Run(v.size(), device::kLeastElements, [&](const device::Table& table) {
    device::Check(table.evalMle(&sum, v.OnDevice(), point.data(), point.size()));
  });
  return done ? sum : EvalMle(v.data(), point);
}

void AddEq(Vec& target, size_t offset, const Fp& coef, const std::vector<Fp>& point) {
  size_t least = target.IsOnDevice() ? 0 : device::kLeastElements;
  bool done = device::Run(size_t{1} << point.size(), least, [&](const device::Table& table) {
    device::Check(table.eqTable(target.ChangeOnDevice() + offset, point.data(), point.size(), &coef, true));
  });
  if (!done) AddEq(target.mut() + offset, coef, point);
}

void AddPows(Vec& target, const std::vector<Fp>& coefs, const std::vector<Fp>& xs) {
  size_t least = target.IsOnDevice() ? 0 : device::kLeastElements;
  bool done = device::Run(target.size(), least, [&](const device::Table& table) {
    device::Check(table.addPows(target.ChangeOnDevice(), target.size(), coefs.data(), xs.data(), xs.size()));
  });
  if (!done) AddPows(target.mut(), target.size(), coefs, xs);
}

}  // namespace attensor
