// Commitment to a vector by a tree of compressions (docs/protocol.md, section 15): the codeword of commit.h
// under one root. Leaves with one node above them are columns of the codeword at the points of a coset, so
// that they can be computed together: the nodes that are kept and stored begin above the leaves' hashes.
#pragma once

#include <vector>

#include "codeword.h"
#include "common/control.h"
#include "tree_hash.h"

namespace attensor {

class CommittedTree {
 public:
  /// `tree` (from SerializeTree) replaces the hashing; it is taken as it is.
  CommittedTree(const Vec& vec, const CodewordShape& shape, const Control& control,
                const std::vector<uint8_t>* tree = nullptr);

  const CodewordShape& shape() const { return codeword_.shape(); }
  Fp Root() const { return levels_.back().At(0); }
  std::vector<Fp> Leaf(size_t index) const { return codeword_.Leaf(Column(index)); }
  /// Of each step from the leaf's hash up the seven other children of the node above, in order.
  std::vector<Fp> Path(size_t index) const;

  size_t SerializedSize() const;
  void SerializeTree(uint8_t* out) const;

 private:
  /// The codeword's column that leaf `index` is.
  size_t Column(size_t index) const;
  /// The nodes above the leaves' hashes; a lone leaf's hash is the root. report(leaves hashed)
  Vec HashLeaves(const Control& control, const std::function<void(size_t)>& report) const;
  Vec HashLeavesOnDevice(const device::Table& table, const Control& control,
                         const std::function<void(size_t)>& report) const;
  void HashTree(const Control& control, double from);
  void LoadTree(const std::vector<uint8_t>& tree);

  Codeword codeword_;
  /// Nodes above the leaves' hashes first, the root last.
  std::vector<Vec> levels_;
};

}  // namespace attensor
