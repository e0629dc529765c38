#include "tree_hash.h"

#include <algorithm>

#include "common/thread_pool.h"

namespace attensor {

// Compressions between two looks at the signal: a multiple of every backend's batch, some 100 us.
static constexpr size_t kStep = 16;

LeafHasher::LeafHasher(size_t entries) : entries_(entries) {
  // Real nodes of the level below, all nodes there, and what those are that cover padding alone.
  size_t real = entries, padded = 1;
  while (padded < entries) padded *= 2;
  Fp padding{};
  do {
    Level level{(real + kArity - 1) / kArity, padded, padding};
    levels_.push_back(level);
    compressions_ += level.blocks;
    Fp children[kArity];
    for (size_t e = 0; e < kArity; e++) children[e] = e < padded ? padding : Fp{};
    padding = CompressOne(children);
    real = level.blocks;
    padded = std::max<size_t>(1, padded / kArity);
  } while (padded > 1);
  size_t width = kArity * levels_[0].blocks;
  batch_ = std::max<size_t>(1, 4096 / width);
  nodes_.resize(batch_ * width);
  hashes_.resize(batch_ * levels_[0].blocks);
}

void LeafHasher::HashLevels(size_t count, Fp* out) {
  for (size_t k = 0; k < levels_.size(); k++) {
    size_t blocks = levels_[k].blocks;
    bool last = k + 1 == levels_.size();
    Compress(last ? out : hashes_.data(), nodes_.data(), count * blocks);
    if (last) return;
    const Level& above = levels_[k + 1];
    Fp* to = nodes_.data();
    for (size_t i = 0; i < count; i++)
      for (size_t c = 0; c < kArity * above.blocks; c++)
        *to++ = c < blocks ? hashes_[i * blocks + c] : c < above.padded ? above.padding : Fp{};
  }
}

Vec HashLeaves(const int32_t* values, size_t rowLength, size_t rows, const Control& control) {
  Vec out(rows);
  Fp* data = out.mut();
  size_t step = LeafHasher(rowLength).batch();
  ParallelFor((rows + step - 1) / step, 1, [&](size_t begin, size_t end) {
    LeafHasher hasher(rowLength);
    for (size_t first = begin * step; first < std::min(rows, end * step); first += step) {
      control.Check("hashLeaves");
      const int32_t* from = values + first * rowLength;
      hasher.Hash(
          std::min(step, rows - first), [&](size_t i, size_t c) { return FromI64(from[i * rowLength + c]); },
          data + first);
    }
  });
  return out;
}

Vec Compressions(const Vec& children, const Control& control, const char* where) {
  size_t whole = children.size() / kArity, rest = children.size() % kArity;
  Vec out(whole + (rest > 0));
  Fp* to = out.mut();
  const Fp* from = children.data();
  ParallelFor((whole + kStep - 1) / kStep, 1, [&](size_t begin, size_t end) {
    for (size_t first = begin * kStep; first < std::min(whole, end * kStep); first += kStep) {
      control.Check(where);
      Compress(to + first, from + kArity * first, std::min(kStep, whole - first));
    }
  });
  if (rest > 0) {
    Fp last[kArity]{};
    std::copy(from + kArity * whole, from + children.size(), last);
    to[whole] = CompressOne(last);
  }
  return out;
}

std::vector<Vec> TreeLevels(const Vec& hashes, const Control& control, const char* where,
                            const std::function<void(size_t)>& report) {
  std::vector<Vec> levels{hashes};
  while (levels.back().size() > 1) {
    control.Check(where);
    levels.push_back(Compressions(levels.back(), control, where));
    if (report) report(levels.back().size());
  }
  return levels;
}

Vec CompressionTrace(const Vec& children, const Control& control) {
  size_t count = children.size() / kArity;
  Vec out(kTracedValues * count);
  Fp* to = out.mut();
  const Fp* from = children.data();
  ParallelFor((count + kStep - 1) / kStep, 1, [&](size_t begin, size_t end) {
    for (size_t first = begin * kStep; first < std::min(count, end * kStep); first += kStep) {
      control.Check("compressionTrace");
      TraceCompressions(to + first, count, from + kArity * first, std::min(kStep, count - first));
    }
  });
  return out;
}

}  // namespace attensor
