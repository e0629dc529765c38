#include "linear.h"

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
    for (size_t i = begin; i < end; i++) {
      Fp sum = constant;
      if (scaled.size() == 1) {
        sum = Add(sum, Mul(factors[0], scaled[0][i]));
      } else if (!scaled.empty()) {
        Wide acc;
        for (size_t k = 0; k < scaled.size(); k++) MulAccumulate(acc, factors[k], scaled[k][i]);
        sum = Add(sum, Reduce(acc));
      }
      for (const Fp* p : plain) sum = Add(sum, p[i]);
      data[i] = sum;
    }
  });
  return out;
}

void Axpy(Fp* target, const Fp& coef, const Fp* other, size_t count) {
  ParallelFor(count, kGrain, [&](size_t begin, size_t end) {
    if (coef == kOne) {
      for (size_t i = begin; i < end; i++) target[i] = Add(target[i], other[i]);
    } else {
      for (size_t i = begin; i < end; i++) target[i] = Add(target[i], Mul(coef, other[i]));
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
    Wide acc;
    for (size_t i = begin; i < end; i++) MulAccumulate(acc, a[i], b[i]);
    return Reduce(acc);
  });
}

}  // namespace attensor
