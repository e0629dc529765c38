// Element-wise kernels: sums, products, sigmoid by table.
#pragma once

#include <vector>

#include "kernel.h"

namespace model {

// Sum of arrays of `width` columns.
void Add(const std::vector<Ints>& terms, size_t width, OutInts y);

// floor(a b / 2^16).
void Multiply(Ints a, Ints b, size_t width, OutInts y);

// floor(w(r) x(r,i) / 2^16) of x (rows, width).
void ScaleRows(Ints x, Ints w, size_t width, OutInts y);

// c = clamp(floor(x / 32) + 32768, 0, 65535), sigma = table[c]; table = SIG (65536 entries).
void Sigmoid(Ints x, Weights table, OutInts c, OutInts sigma);

}  // namespace model
