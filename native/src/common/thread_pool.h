// One pool for every kernel. The calling thread works too, so nested and concurrent loops can't deadlock.
#pragma once

#include <cstddef>
#include <functional>

namespace attensor {

/// Threads working on one loop, the caller included.
size_t Threads();
void SetThreads(size_t count);

/// Calls body(begin, end) on disjoint ranges covering [0, n), at least `grain` long but the last; rethrows
/// the first exception after all ranges have stopped. Ranges not yet started after an exception are skipped.
void ParallelFor(size_t n, size_t grain, const std::function<void(size_t begin, size_t end)>& body);

}  // namespace attensor
