// Proof of work on a sponge state.
#pragma once

#include "common/control.h"
#include "poseidon.h"

namespace attensor {

/// The smallest nonce such that the permutation of (s0 + nonce, s1, s2) has `bits` low zero bits in its first
/// element.
u64 Grind(const PoseidonState& state, int bits, const Control& control);

}  // namespace attensor
