// Binary Poseidon Merkle trees: node = Poseidon.hash([left, right]).
#pragma once

#include <vector>

#include "common/control.h"
#include "vec.h"

namespace attensor {

/// out[i] = Poseidon hash of item i; single threaded.
/// Entry c of item i is data[i * itemStride + c * entryStride].
void HashMany(const Fp* data, size_t itemStride, size_t entryStride, size_t entries, size_t items, Fp* out);

/// One row of signed integers each.
Vec HashRows(const int32_t* values, size_t rowLength, size_t rows, const Control* control);

/// The parents of `nodes` (an even number).
Vec Parents(const Vec& nodes);

/// All layers, leaves first, root last.
std::vector<Vec> MerkleLayers(const Vec& leaves, const Control* control);

}  // namespace attensor
