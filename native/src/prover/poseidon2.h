// The compression of tree hashes (docs/protocol.md, section 15): eight elements to one, by Poseidon2 over Fp.
#pragma once

#include "poseidon2_constants.h"

namespace attensor {

/// Children of a node, and log2 of that.
constexpr size_t kArity = kPoseidon2Width;
constexpr int kLogArity = 3;
static_assert(kArity == size_t{1} << kLogArity);

/// Values of a compression that a proof of it commits to: children, S-box inputs after the first round,
/// result.
constexpr size_t kTracedValues = kArity + kArity * (kPoseidon2FullRounds - 1) + kPoseidon2PartialRounds + 1;

/// The permutation's first element plus the first child.
Fp CompressOne(const Fp* children);

/// out[i] = compression of children[8 i .. 8 i + 8), by the best code the machine has (see backend.h).
void Compress(Fp* out, const Fp* children, size_t count);

/// Value k of compression i at out[k * stride + i], of children[8 i .. 8 i + 8).
void TraceCompressions(Fp* out, size_t stride, const Fp* children, size_t count);

}  // namespace attensor
