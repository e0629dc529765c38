// Router: group-limited top-k with weights, and argmax. Candidates rank by higher value, then by lower index.
#pragma once

#include "kernel.h"

namespace model {

struct GatingShape {
  size_t experts, groups, topk_group, topk;
};

struct GatingOut {
  OutInts group_top2;       // 0/1 (rows, experts)
  OutInts group_value;      // (rows, groups)
  OutInts group_selected;   // 0/1 (rows, groups)
  OutInts expert_selected;  // 0/1 (rows, experts)
  OutInts expert, weight;   // (rows, topk) in rank order
};

// score (rows, experts) in 0 .. 2^16, bias (experts) at 2^16 (selection only), scale = R of the semantics.
void Gating(Ints score, Weights bias, size_t rows, const GatingShape& shape, int64_t scale, bool normalize,
            const GatingOut& out, const Control& control);

// Largest entry of each row, ties to the lower index.
void Argmax(Ints acc, size_t rows, size_t width, OutInts next);

}  // namespace model
