// Commitment to a vector: interleaved Reed-Solomon codeword under a Poseidon Merkle tree (docs/protocol.md,
// section 8).
#pragma once

#include <functional>
#include <vector>

#include "codeword.h"
#include "common/control.h"

namespace attensor {

struct CommitShape : CodewordShape {
  int logCap;
  /// Tree nodes from the leaves' hashes to the cap.
  size_t nodes() const { return (size_t{2} << logDomain()) - (size_t{1} << logCap); }
};

class Commitment {
 public:
  /// `tree` (from SerializeTree) replaces the hashing; it is taken as it is.
  Commitment(const Vec& vec, const CommitShape& shape, const Control& control,
             const std::vector<uint8_t>* tree = nullptr);

  const CommitShape& shape() const { return shape_; }
  const Vec& cap() const { return layers_.back(); }
  std::vector<Fp> Leaf(size_t index) const { return codeword_.Leaf(index); }
  std::vector<Fp> Path(size_t index) const;

  size_t SerializedSize() const;
  void SerializeTree(uint8_t* out) const;
  size_t bytes() const { return codeword_.values().bytes() + 2 * layers_[0].bytes(); }

 private:
  /// The codeword, and on a device that has no memory for all of it the leaves' hashes with it (true).
  bool Encode(const Vec& vec, const Control& control, double share, Vec* leaves);
  void EncodeAndHashPairs(const device::Table& table, const Vec& vec, const Control& control, Vec& leaves);
  void HashLeaves(Vec& leaves, const Control& control, const std::function<void(size_t)>& report) const;
  void HashTree(Vec leaves, bool hashed, const Control& control, double from);
  void LoadTree(const std::vector<uint8_t>& tree);

  CommitShape shape_;
  Codeword codeword_;
  /// Leaves' hashes first, cap last.
  std::vector<Vec> layers_;
};

}  // namespace attensor
