// Elementwise combinations and inner products.
#pragma once

#include <vector>

#include "vec.h"

namespace attensor {

/// out[i] = sum_k coefs[k] vecs[k][i] + constant; the vectors are equally long.
Vec Linear(const std::vector<Vec>& vecs, const std::vector<Fp>& coefs, const Fp& constant);

/// target[offset + i] += coef * other[i]; target's memory is its own.
void Axpy(Vec& target, size_t offset, const Fp& coef, const Vec& other);
void AddScalar(Vec& target, const Fp& value);

Fp Dot(const Vec& a, const Vec& b);
/// The same on the CPU.
Fp Dot(const Fp* a, const Fp* b, size_t count);

/// sum_i values[i] in parallel ranges: body(begin, end) returns the sum over its range.
template <class Body>
Fp ParallelSum(size_t count, size_t grain, const Body& body);

}  // namespace attensor

#include <mutex>

#include "common/thread_pool.h"

namespace attensor {

template <class Body>
Fp ParallelSum(size_t count, size_t grain, const Body& body) {
  Fp total{};
  std::mutex mutex;
  ParallelFor(count, grain, [&](size_t begin, size_t end) {
    Fp part = body(begin, end);
    std::lock_guard lock(mutex);
    total = Add(total, part);
  });
  return total;
}

}  // namespace attensor
