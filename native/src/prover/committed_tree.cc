#include "committed_tree.h"

#include <algorithm>
#include <atomic>
#include <cstring>
#include <string>

#include "common/thread_pool.h"
#include "stored_tree.h"

namespace attensor {

// Header of a stored tree: 'ATTR', version, logDomain, rows, log2 of a node's children; then the nodes, level
// by level from those above the leaves' hashes to the root.
static constexpr uint8_t kMagic[5] = {'A', 'T', 'T', 'R', 4};

static size_t NodesAbove(size_t nodes) { return (nodes + kArity - 1) / kArity; }

/// Nodes that are stored of a tree.
static size_t StoredNodes(size_t leaves) {
  size_t level = NodesAbove(leaves), nodes = level;
  for (; level > 1; nodes += level) level = NodesAbove(level);
  return nodes;
}

CommittedTree::CommittedTree(const Vec& vec, const CodewordShape& shape, const Control& control,
                             const std::vector<uint8_t>* tree)
    : codeword_(shape, "commitTree") {
  if (tree) LoadTree(*tree);
  // Guide figures: a leaf of 16 costs three compressions and a seventh, some 20 times its share of the
  // transform.
  double encodeShare = tree ? 1.0 : 0.05;
  codeword_.Encode(vec, control, encodeShare);
  if (!tree) HashTree(control, encodeShare);
  control.Report(1);
}

size_t CommittedTree::Column(size_t index) const {
  size_t nodes = NodesAbove(shape().domain());
  return index % kArity * nodes + index / kArity;
}

Vec CommittedTree::HashLeavesOnDevice(const device::Table& table, const Control& control,
                                      const std::function<void(size_t)>& report) const {
  size_t domain = shape().domain(), entries = shape().rows, nodes = NodesAbove(domain);
  Vec hashes(domain);
  // In steps that are waited for, so that progress is true and a cancellation is heard.
  size_t step = std::min(domain, std::max<size_t>(domain / 16, 1 << 12));
  Vec scratch(LeafScratch(entries, step));
  device::DeviceFp *to = hashes.OutOnDevice(), *room = scratch.OutOnDevice();
  const device::DeviceFp* columns = codeword_.values().OnDevice();
  for (size_t first = 0; first < domain; first += step) {
    control.Check("commitTree");
    size_t n = std::min(step, domain - first);
    attensor::HashLeavesOnDevice(table, to + first, columns + first, 1, domain, entries, n, room);
    Fp last;
    device::Check(table.download(&last, to + first + n - 1, sizeof last));
    report(first + n);
  }
  if (domain == 1) return hashes;
  Vec above(nodes);
  device::CompressedLevel level{1, nodes, nodes, domain / nodes, domain / nodes, {}};
  device::Check(table.compressLevel(above.OutOnDevice(), hashes.OnDevice(), &level));
  return above;
}

Vec CommittedTree::HashLeaves(const Control& control, const std::function<void(size_t)>& report) const {
  size_t domain = shape().domain(), entries = shape().rows, nodes = NodesAbove(domain);
  Vec above;
  bool hashed = device::Run(domain, device::kLeastHashes, [&](const device::Table& table) {
    above = HashLeavesOnDevice(table, control, report);
  });
  if (hashed) return above;
  above = Vec(nodes);
  const Fp* columns = codeword_.values().data();
  Fp* out = above.mut();
  if (domain == 1) {
    LeafHasher(entries).Hash(1, [&](size_t, size_t c) { return columns[c]; }, out);
    return above;
  }
  size_t children = domain / nodes;
  std::atomic<size_t> done{0};
  size_t step = LeafHasher(entries).batch() / kArity;
  ParallelFor((nodes + step - 1) / step, 1, [&](size_t begin, size_t end) {
    LeafHasher hasher(entries);
    std::vector<Fp> hashes(kArity * step);
    for (size_t first = begin * step; first < std::min(nodes, end * step); first += step) {
      control.Check("commitTree");
      size_t n = std::min(step, nodes - first);
      hasher.Hash(
          children * n,
          [&](size_t i, size_t c) {
            return columns[c * domain + i % children * nodes + first + i / children];
          },
          hashes.data());
      // Only a tree of one node lacks children.
      std::fill(hashes.begin() + static_cast<long>(children * n), hashes.end(), Fp{});
      Compress(out + first, hashes.data(), n);
      report(done += children * n);
    }
  });
  return above;
}

void CommittedTree::HashTree(const Control& control, double from) {
  size_t domain = shape().domain(), perLeaf = LeafCompressions(shape().rows);
  double total = static_cast<double>(perLeaf * domain + StoredNodes(domain));
  auto report = [&](size_t compressions) {
    control.Report(from + (1 - from) * static_cast<double>(compressions) / total);
  };
  Vec above = HashLeaves(control, [&](size_t hashed) { report(perLeaf * hashed); });
  size_t nodes = above.size();
  levels_ = TreeLevels(above, control, "commitTree",
                       [&](size_t level) { report(perLeaf * domain + (nodes += level)); });
}

std::vector<Fp> CommittedTree::Path(size_t index) const {
  std::vector<Fp> out;
  size_t domain = shape().domain();
  auto add = [&](const std::vector<Fp>& siblings) {
    out.insert(out.end(), siblings.begin(), siblings.end());
    out.resize((out.size() + kArity - 2) / (kArity - 1) * (kArity - 1));
  };
  // Calls `sibling` with the numbers of a node's siblings on a level of so many.
  auto each = [](size_t node, size_t count, auto sibling) {
    size_t first = node / kArity * kArity;
    for (size_t at = first; at < std::min(first + kArity, count); at++)
      if (at != node) sibling(at);
  };
  if (domain > 1) {
    LeafHasher hasher(shape().rows);
    std::vector<Fp> siblings;
    each(index, domain, [&](size_t at) {
      std::vector<Fp> leaf = Leaf(at);
      hasher.Hash(1, [&](size_t, size_t c) { return leaf[c]; }, &siblings.emplace_back());
    });
    add(siblings);
  }
  for (size_t k = 0; k + 1 < levels_.size(); k++) {
    index /= kArity;
    std::vector<uint64_t> others;
    each(index, levels_[k].size(), [&](size_t at) { others.push_back(at); });
    add(levels_[k].Gather(others));
  }
  return out;
}

size_t CommittedTree::SerializedSize() const {
  return kTreeHeader + kNodeSize * StoredNodes(shape().domain());
}

void CommittedTree::SerializeTree(uint8_t* out) const {
  std::memcpy(out, kMagic, sizeof kMagic);
  out[5] = static_cast<uint8_t>(shape().logDomain());
  out[6] = static_cast<uint8_t>(shape().rows);
  out[7] = kLogArity;
  uint8_t* at = out + kTreeHeader;
  for (const Vec& level : levels_) at = WriteNodes(level, at);
}

void CommittedTree::LoadTree(const std::vector<uint8_t>& tree) {
  Require(tree.size() < sizeof kMagic || std::memcmp(tree.data(), kMagic, 4) != 0 || tree[4] == kMagic[4],
          "commitTree: options.tree: expected a tree of version " + std::to_string(kMagic[4]) +
              ", got one of version " + std::to_string(tree.size() < sizeof kMagic ? 0 : tree[4]) +
              "; commit the model again");
  Require(tree.size() == SerializedSize(),
          "commitTree: options.tree has the wrong size: expected " + std::to_string(SerializedSize()) +
              " bytes for this vector and these options, got " + std::to_string(tree.size()));
  Require(std::memcmp(tree.data(), kMagic, sizeof kMagic) == 0 && tree[5] == shape().logDomain() &&
              tree[6] == shape().rows && tree[7] == kLogArity,
          "commitTree: options.tree is no tree, or was made with other options; compute it again");
  const uint8_t* at = tree.data() + kTreeHeader;
  for (size_t count = NodesAbove(shape().domain());; count = NodesAbove(count)) {
    levels_.push_back(ReadNodes(at, count, "commitTree: options.tree"));
    at += kNodeSize * count;
    if (count == 1) return;
  }
}

}  // namespace attensor
