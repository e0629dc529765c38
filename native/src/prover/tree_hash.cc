#include "tree_hash.h"

#include <algorithm>

#include "common/thread_pool.h"

namespace attensor {

// Compressions between two looks at the signal: a multiple of every backend's batch, some 100 us.
static constexpr size_t kStep = 16;

std::vector<LeafLevel> LeafLevels(size_t entries) {
  std::vector<LeafLevel> levels;
  // Nodes of the level below that are not padding alone, all nodes there, and what those of padding alone
  // are.
  size_t real = entries, padded = 1;
  while (padded < entries) padded *= 2;
  Fp padding{};
  do {
    levels.push_back({(real + kArity - 1) / kArity, padded, padding});
    Fp children[kArity];
    for (size_t e = 0; e < kArity; e++) children[e] = e < padded ? padding : Fp{};
    padding = CompressOne(children);
    real = levels.back().blocks;
    padded = std::max<size_t>(1, padded / kArity);
  } while (padded > 1);
  return levels;
}

size_t LeafCompressions(size_t entries) {
  size_t sum = 0;
  for (const LeafLevel& level : LeafLevels(entries)) sum += level.blocks;
  return sum;
}

LeafHasher::LeafHasher(size_t entries) : entries_(entries), levels_(LeafLevels(entries)) {
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
    const LeafLevel& above = levels_[k + 1];
    Fp* to = nodes_.data();
    for (size_t i = 0; i < count; i++)
      for (size_t c = 0; c < kArity * above.blocks; c++)
        *to++ = c < blocks ? hashes_[i * blocks + c] : c < above.padded ? above.padding : Fp{};
  }
}

size_t LeafScratch(size_t entries, size_t count) {
  std::vector<LeafLevel> levels = LeafLevels(entries);
  size_t sum = 0;
  for (size_t k = 0; k + 1 < levels.size(); k++) sum += levels[k].blocks * count;
  return sum;
}

void HashLeavesOnDevice(const device::Table& table, device::DeviceFp* out, const device::DeviceFp* data,
                        size_t leafStride, size_t entryStride, size_t entries, size_t count,
                        device::DeviceFp* nodes) {
  std::vector<LeafLevel> levels = LeafLevels(entries);
  device::CompressedLevel level{leafStride, entryStride, count, entries, 0, {}};
  for (size_t k = 0; k < levels.size(); k++) {
    level.padded = levels[k].padded;
    level.padding = levels[k].padding;
    device::DeviceFp* to = k + 1 == levels.size() ? out : nodes;
    device::Check(table.compressLevel(to, data, &level));
    data = to;
    nodes += levels[k].blocks * count;
    level.itemStride = 1;
    level.entryStride = count;
    level.entries = levels[k].blocks;
  }
}

/// A gigabyte of integers at a time.
static void HashLeavesOnDevice(const device::Table& table, Vec& out, const int32_t* values, size_t rowLength,
                               size_t rows, const Control& control) {
  size_t piece = std::min(rows, std::max<size_t>(1, (size_t{1} << 25) / rowLength));
  Vec entries(piece * rowLength), nodes(LeafScratch(rowLength, piece));
  device::DeviceFp *to = out.OutOnDevice(), *there = entries.OutOnDevice(), *scratch = nodes.OutOnDevice();
  for (size_t first = 0; first < rows; first += piece) {
    control.Check("hashLeaves");
    size_t n = std::min(piece, rows - first);
    device::Check(table.fromInt32(there, values + first * rowLength, n * rowLength));
    HashLeavesOnDevice(table, to + first, there, rowLength, 1, rowLength, n, scratch);
  }
}

Vec HashLeaves(const int32_t* values, size_t rowLength, size_t rows, const Control& control) {
  Vec out(rows);
  bool done = device::Run(rows, device::kLeastHashes, [&](const device::Table& table) {
    HashLeavesOnDevice(table, out, values, rowLength, rows, control);
  });
  if (done) return out;
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
  bool done = device::Run(out.size(), device::kLeastHashes, [&](const device::Table& table) {
    device::CompressedLevel level{0, 1, 1, children.size(), children.size(), {}};
    device::Check(table.compressLevel(out.OutOnDevice(), children.OnDevice(), &level));
  });
  if (done) return out;
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
  bool done = device::Run(count, device::kLeastHashes, [&](const device::Table& table) {
    device::Check(table.traceCompressions(out.OutOnDevice(), children.OnDevice(), count));
  });
  if (done) return out;
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
