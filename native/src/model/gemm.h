// GeMM: acc(t,o) = sum_i X(t,i) W(o,i), y = floor(acc / 2^16).
#pragma once

#include "device/resident.h"
#include "kernel.h"

namespace model {

// x (rows, inner) within int32, w (outer, inner), acc and y (rows, outer); y may be empty.
// Exact: 64-bit sums where max|X| max|W| inner proves them, 128-bit otherwise. `id` names weights that never
// change.
void Gemm(Ints x, Weights w, size_t rows, size_t inner, size_t outer, OutInts acc, OutInts y,
          const Control& control, attensor::device::ConstantId id = 0);

// Row from[i] of x to row to[i] of acc and y; other rows stay.
void GemmRows(Ints x, Weights from, Weights w, size_t inner, size_t outer, Weights to, OutInts acc, OutInts y,
              const Control& control, attensor::device::ConstantId id = 0);

}  // namespace model
