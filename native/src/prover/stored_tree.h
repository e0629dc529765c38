// Nodes of trees as bytes: 'ATTR', a version, three bytes that say what the tree is of; then nodes of 32
// bytes, little-endian and below p.
#pragma once

#include <cstdint>
#include <string>

#include "vec.h"

namespace attensor {

constexpr size_t kTreeHeader = 8;
constexpr size_t kNodeSize = 32;

/// Writes the nodes at `out`; returns where they end.
uint8_t* WriteNodes(const Vec& nodes, uint8_t* out);
/// Reads `count` nodes. Throws OUT_OF_RANGE if one of them is not below p.
Vec ReadNodes(const uint8_t* from, size_t count, const std::string& what);

}  // namespace attensor
