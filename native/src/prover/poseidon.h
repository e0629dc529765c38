// Poseidon over Fp exactly as o1js's Poseidon (Kimchi parameters): state 3, rate 2, 55 full rounds, x^7.
#pragma once

#include "fp.h"

namespace attensor {

struct PoseidonState {
  Fp s[3];
};

/// The permutation alone.
void Permute(PoseidonState& state);

/// Independent permutations; the best code the machine has (see backend.h).
void PermuteBatch(PoseidonState* states, size_t count);

/// o1js Poseidon.hash: two elements absorbed at a time into the zero state, zero padded.
Fp Hash(const Fp* values, size_t count);

}  // namespace attensor
