// Strided views of a vector with some axes summed out against weights: the tables sumchecks over tensors
// start from.
#pragma once

#include <vector>

#include "vec.h"

namespace attensor {

struct Axis {
  size_t size;
  size_t stride;
  /// Not allocated: the axis stays free. Otherwise `size` weights.
  Vec weights;
};

/// Table over the free axes in order (the last runs fastest) of sum over the weighted axes of
/// weights * src[offset + sum index * stride]. The caller has checked that every index lies within src.
Vec Contract(const Vec& src, size_t offset, const std::vector<Axis>& axes);

}  // namespace attensor
