// Trees of compressions (docs/protocol.md, section 15). A leaf's hash is the top of a tree over its entries,
// padded with zeros to a power of two; a level of a tree has a node for every eight below, zeros standing for
// those that are missing.
#pragma once

#include <vector>

#include "common/control.h"
#include "device/device.h"
#include "poseidon2.h"
#include "vec.h"

namespace attensor {

/// A level of a leaf's own tree: its compressions of which a child is not padding alone; there are `padded`
/// children, of which those of padding alone are `padding`.
struct LeafLevel {
  size_t blocks, padded;
  Fp padding;
};

/// The levels of a leaf of at least one entry, the lowest first.
std::vector<LeafLevel> LeafLevels(size_t entries);
/// Compressions of a leaf that are computed.
size_t LeafCompressions(size_t entries);

/// Hashes leaves of one width, many at a time; single threaded.
class LeafHasher {
 public:
  explicit LeafHasher(size_t entries);
  /// Leaves that are best hashed at a time.
  size_t batch() const { return batch_; }
  /// out[i] = hash of leaf i, i < count <= batch(); entry(i, c) is its entry c.
  template <class Entry>
  void Hash(size_t count, const Entry& entry, Fp* out) {
    const LeafLevel& lowest = levels_[0];
    Fp* to = nodes_.data();
    for (size_t i = 0; i < count; i++)
      for (size_t c = 0; c < kArity * lowest.blocks; c++) *to++ = c < entries_ ? entry(i, c) : Fp{};
    HashLevels(count, out);
  }

 private:
  void HashLevels(size_t count, Fp* out);

  size_t entries_, batch_;
  std::vector<LeafLevel> levels_;
  std::vector<Fp> nodes_, hashes_;
};

/// The same on the device, of leaves in memory there: entry c of leaf i at data[i leafStride + c
/// entryStride]. `nodes` is room for what LeafScratch says.
void HashLeavesOnDevice(const device::Table& table, device::DeviceFp* out, const device::DeviceFp* data,
                        size_t leafStride, size_t entryStride, size_t entries, size_t count,
                        device::DeviceFp* nodes);
size_t LeafScratch(size_t entries, size_t count);

/// The hash of each row of signed integers.
Vec HashLeaves(const int32_t* values, size_t rowLength, size_t rows, const Control& control);

/// out[i] = compression of children[8 i .. 8 i + 8); zeros stand for children that are missing.
Vec Compressions(const Vec& children, const Control& control, const char* where);

/// All levels over the hashes of at least one leaf, the root last; report(nodes) after each level.
std::vector<Vec> TreeLevels(const Vec& hashes, const Control& control, const char* where,
                            const std::function<void(size_t nodes)>& report = {});

/// Value k of compression i at [k count + i], see TraceCompressions.
Vec CompressionTrace(const Vec& children, const Control& control);

}  // namespace attensor
