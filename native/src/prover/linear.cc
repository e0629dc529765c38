#include "linear.h"

#include <algorithm>

#include "backend.h"
#include "device/device.h"

namespace attensor {

static constexpr size_t kGrain = 1 << 12;

Vec Linear(const std::vector<Vec>& vecs, const std::vector<Fp>& coefs, const Fp& constant) {
  size_t size = vecs[0].size();
  Vec out(size);
  bool done = device::Run(size, device::kLeastElements, [&](const device::Table& table) {
    std::vector<const device::DeviceFp*> from;
    for (const Vec& v : vecs) from.push_back(v.OnDevice());
    device::Check(
        table.linear(out.OutOnDevice(), nullptr, from.data(), coefs.data(), from.size(), &constant, size));
  });
  if (done) return out;
  Fp* data = out.mut();
  // Coefficient one (most columns have it) needs no product.
  std::vector<const Fp*> plain, scaled;
  std::vector<Fp> factors;
  for (size_t k = 0; k < vecs.size(); k++) {
    if (coefs[k] == kOne) {
      plain.push_back(vecs[k].data());
    } else if (!coefs[k].IsZero()) {
      scaled.push_back(vecs[k].data());
      factors.push_back(coefs[k]);
    }
  }
  ParallelFor(size, kGrain, [&](size_t begin, size_t end) {
    // Pieces that stay in the first cache level between the passes.
    constexpr size_t kPiece = 256;
    for (size_t first = begin; first < end; first += kPiece) {
      size_t n = std::min(kPiece, end - first);
      Fp* to = data + first;
      if (scaled.empty()) {
        std::fill_n(to, n, constant);
      } else {
        std::vector<const Fp*> from;
        for (const Fp* p : scaled) from.push_back(p + first);
        ActiveBackend().linear(to, nullptr, from.data(), factors.data(), from.size(), n);
        if (!constant.IsZero())
          for (size_t i = 0; i < n; i++) to[i] = Add(to[i], constant);
      }
      for (const Fp* p : plain)
        for (size_t i = 0; i < n; i++) to[i] = Add(to[i], p[first + i]);
    }
  });
  return out;
}

/// Changes go where the values are: to the device, if they are there.
static size_t Least(const Vec& target) { return target.IsOnDevice() ? 0 : device::kLeastElements; }

void Axpy(Vec& target, size_t offset, const Fp& coef, const Vec& other) {
  size_t count = other.size();
  bool done = device::Run(count, Least(target), [&](const device::Table& table) {
    const device::DeviceFp* from = other.OnDevice();
    device::DeviceFp* to = target.ChangeOnDevice() + offset;
    device::Check(table.linear(to, to, &from, &coef, 1, nullptr, count));
  });
  if (done) return;
  Fp* to = target.mut() + offset;
  const Fp* all = other.data();
  ParallelFor(count, kGrain, [&](size_t begin, size_t end) {
    if (coef == kOne) {
      for (size_t i = begin; i < end; i++) to[i] = Add(to[i], all[i]);
    } else {
      const Fp* from = all + begin;
      ActiveBackend().linear(to + begin, to + begin, &from, &coef, 1, end - begin);
    }
  });
}

void AddScalar(Vec& target, const Fp& value) {
  bool done = device::Run(target.size(), Least(target), [&](const device::Table& table) {
    device::DeviceFp* to = target.ChangeOnDevice();
    device::Check(table.linear(to, to, nullptr, nullptr, 0, &value, target.size()));
  });
  if (done) return;
  Fp* to = target.mut();
  ParallelFor(target.size(), kGrain, [&](size_t begin, size_t end) {
    for (size_t i = begin; i < end; i++) to[i] = Add(to[i], value);
  });
}

Fp Dot(const Vec& a, const Vec& b) {
  Fp sum;
  bool done = device::Run(a.size(), device::kLeastElements, [&](const device::Table& table) {
    device::Check(table.dot(&sum, a.OnDevice(), b.OnDevice(), a.size()));
  });
  return done ? sum : Dot(a.data(), b.data(), a.size());
}

Fp Dot(const Fp* a, const Fp* b, size_t count) {
  return ParallelSum(count, kGrain, [&](size_t begin, size_t end) {
    Wide sum;
    ActiveBackend().dot(sum, a + begin, b + begin, end - begin);
    return Reduce(sum);
  });
}

}  // namespace attensor
