// RMSNorm and RoPE.
#pragma once

#include "kernel.h"

namespace model {

// S = sum x^2, inv = largest integer with inv^2 (S + epsilon) <= 2^64 d, y = floor(x inv g / 2^32); x (rows,
// d).
void RmsNorm(Ints x, Weights g, size_t rows, size_t d, uint64_t epsilon, OutInts S, OutInts inv, OutInts y,
             const Control& control);

// Interleaved pairs of x (rows, heads, d) turned by the angles of their row; cos and sin (rows, d / 2) at
// 2^16.
void Rope(Ints x, Weights cos, Weights sin, size_t rows, size_t heads, size_t d, OutInts y,
          const Control& control);

}  // namespace model
