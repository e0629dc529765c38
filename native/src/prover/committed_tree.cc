#include "committed_tree.h"

#include <algorithm>
#include <atomic>
#include <cstring>
#include <string>

#include "common/thread_pool.h"
#include "stored_tree.h"

namespace attensor {

// Header of a stored tree: 'ATTR', version, logDomain, rows, log2 of a node's children; then the nodes, level
// by level from the leaves' hashes to the root.
static constexpr uint8_t kMagic[5] = {'A', 'T', 'T', 'R', 3};

static size_t NodesAbove(size_t nodes) { return (nodes + kArity - 1) / kArity; }

/// Nodes from `leaves` hashes to the root.
static size_t NodesOver(size_t leaves) {
  size_t nodes = leaves;
  for (size_t level = leaves; level > 1; nodes += level) level = NodesAbove(level);
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

Vec CommittedTree::HashLeaves(const Control& control, const std::function<void(size_t)>& report) const {
  size_t domain = shape().domain(), entries = shape().rows;
  Vec leaves(domain);
  // On the device in steps that are waited for, so that progress is true and a cancellation is heard.
  bool hashed = device::Run(domain, device::kLeastHashes, [&](const device::Table& table) {
    size_t step = std::min(domain, std::max<size_t>(domain / 16, 1 << 12));
    Vec nodes(LeafScratch(entries, step));
    device::DeviceFp *to = leaves.OutOnDevice(), *scratch = nodes.OutOnDevice();
    const device::DeviceFp* columns = codeword_.values().OnDevice();
    for (size_t first = 0; first < domain; first += step) {
      control.Check("commitTree");
      size_t n = std::min(step, domain - first);
      HashLeavesOnDevice(table, to + first, columns + first, 1, domain, entries, n, scratch);
      Fp last;
      device::Check(table.download(&last, to + first + n - 1, sizeof last));
      report(first + n);
    }
  });
  if (hashed) return leaves;
  const Fp* columns = codeword_.values().data();
  Fp* out = leaves.mut();
  std::atomic<size_t> done{0};
  size_t step = LeafHasher(entries).batch();
  ParallelFor((domain + step - 1) / step, 1, [&](size_t begin, size_t end) {
    LeafHasher hasher(entries);
    for (size_t first = begin * step; first < std::min(domain, end * step); first += step) {
      control.Check("commitTree");
      size_t n = std::min(step, domain - first);
      hasher.Hash(n, [&](size_t i, size_t c) { return columns[c * domain + first + i]; }, out + first);
      report(done += n);
    }
  });
  return leaves;
}

void CommittedTree::HashTree(const Control& control, double from) {
  size_t domain = shape().domain(), perLeaf = LeafCompressions(shape().rows);
  double total = static_cast<double>(perLeaf * domain + NodesOver(domain) - domain);
  auto report = [&](size_t compressions) {
    control.Report(from + (1 - from) * static_cast<double>(compressions) / total);
  };
  Vec leaves = HashLeaves(control, [&](size_t hashed) { report(perLeaf * hashed); });
  size_t nodes = 0;
  levels_ = TreeLevels(leaves, control, "commitTree",
                       [&](size_t level) { report(perLeaf * domain + (nodes += level)); });
}

std::vector<Fp> CommittedTree::Path(size_t index) const {
  std::vector<Fp> out;
  for (size_t k = 0; k + 1 < levels_.size(); k++, index /= kArity) {
    const Vec& level = levels_[k];
    size_t first = index / kArity * kArity;
    std::vector<uint64_t> others;
    for (size_t at = first; at < std::min(first + kArity, level.size()); at++)
      if (at != index) others.push_back(at);
    std::vector<Fp> siblings = level.Gather(others);
    siblings.resize(kArity - 1);
    out.insert(out.end(), siblings.begin(), siblings.end());
  }
  return out;
}

size_t CommittedTree::SerializedSize() const { return kTreeHeader + kNodeSize * NodesOver(shape().domain()); }

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
              ", which has another hash; commit the model again");
  Require(tree.size() == SerializedSize(),
          "commitTree: options.tree has the wrong size: expected " + std::to_string(SerializedSize()) +
              " bytes for this vector and these options, got " + std::to_string(tree.size()));
  Require(std::memcmp(tree.data(), kMagic, sizeof kMagic) == 0 && tree[5] == shape().logDomain() &&
              tree[6] == shape().rows && tree[7] == kLogArity,
          "commitTree: options.tree is no tree, or was made with other options; compute it again");
  const uint8_t* at = tree.data() + kTreeHeader;
  for (size_t count = shape().domain();; count = NodesAbove(count)) {
    levels_.push_back(ReadNodes(at, count, "commitTree: options.tree"));
    at += kNodeSize * count;
    if (count == 1) return;
  }
}

}  // namespace attensor
