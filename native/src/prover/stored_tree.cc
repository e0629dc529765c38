#include "stored_tree.h"

#include <cstring>

#include "common/error.h"
#include "common/thread_pool.h"

namespace attensor {

static constexpr size_t kGrain = 1 << 12;

uint8_t* WriteNodes(const Vec& nodes, uint8_t* out) {
  const Fp* from = nodes.data();
  ParallelFor(nodes.size(), kGrain, [&](size_t begin, size_t end) {
    for (size_t i = begin; i < end; i++) {
      Fp x = ToCanonical(from[i]);
      std::memcpy(out + kNodeSize * i, x.l, kNodeSize);
    }
  });
  return out + kNodeSize * nodes.size();
}

Vec ReadNodes(const uint8_t* from, size_t count, const std::string& what) {
  Vec nodes(count);
  Fp* data = nodes.mut();
  ParallelFor(count, kGrain, [&](size_t begin, size_t end) {
    for (size_t i = begin; i < end; i++) {
      Fp x;
      std::memcpy(x.l, from + kNodeSize * i, kNodeSize);
      Require(IsCanonical(x), what + " is damaged: expected field elements below p; compute it again");
      data[i] = FromCanonical(x);
    }
  });
  return nodes;
}

}  // namespace attensor
