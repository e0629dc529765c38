#include "linear.h"

#include <algorithm>

#include "backend.h"

namespace attensor {

static constexpr size_t kGrain = 1 << 12;

Vec Linear(const std::vector<Vec>& vecs, const std::vector<Fp>& coefs, const Fp& constant) {
  size_t size = vecs[0].size();
  Vec out(size);
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

void Axpy(Fp* target, const Fp& coef, const Fp* other, size_t count) {
  ParallelFor(count, kGrain, [&](size_t begin, size_t end) {
    if (coef == kOne) {
      for (size_t i = begin; i < end; i++) target[i] = Add(target[i], other[i]);
    } else {
      const Fp* from = other + begin;
      ActiveBackend().linear(target + begin, target + begin, &from, &coef, 1, end - begin);
    }
  });
}

void AddScalar(Fp* target, const Fp& value, size_t count) {
  ParallelFor(count, kGrain, [&](size_t begin, size_t end) {
    for (size_t i = begin; i < end; i++) target[i] = Add(target[i], value);
  });
}

Fp Dot(const Fp* a, const Fp* b, size_t count) {
  return ParallelSum(count, kGrain, [&](size_t begin, size_t end) {
    Wide sum;
    ActiveBackend().dot(sum, a + begin, b + begin, end - begin);
    return Reduce(sum);
  });
}

}  // namespace attensor
