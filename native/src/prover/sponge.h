// The inside of Poseidon hashes: every state of a sponge, for proofs about many hashes at once.
#pragma once

#include <vector>

#include "common/control.h"
#include "poseidon.h"
#include "vec.h"

namespace attensor {

/// Row r of `values` (2 `steps` elements) goes through a sponge, two elements a step, from the zero state.
/// Vector 3 k + e holds element e of the state before round k, for k = 55 after the last one; index r
/// `steps` + step.
std::vector<Vec> SpongeStates(const Vec& values, size_t rows, size_t steps, const Control& control);

/// The states of one permutation after each of its rounds: three elements a round.
std::vector<Fp> RoundStates(PoseidonState state);

}  // namespace attensor
