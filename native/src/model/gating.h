// Router: group-limited top-k with weights, and argmax. Candidates rank by higher value, then by lower index.
#pragma once

#include "kernel.h"

namespace model {

// What the selected experts' scores are divided by.
enum class Divisor { kSelected, kAll, kOne };

struct Router {
  size_t experts, groups, topk_group, topk;
  size_t group_rank;  // so many best experts give a group its value
  int64_t scale;      // R of the semantics
  Divisor divisor;
};

struct GatingOut {
  OutInts group_best;       // 0/1 (rows, experts)
  OutInts group_value;      // (rows, groups)
  OutInts group_selected;   // 0/1 (rows, groups)
  OutInts expert_selected;  // 0/1 (rows, experts)
  OutInts expert, weight;   // (rows, topk) in rank order
};

// score (rows, experts) in 0 .. 2^16 makes the weights; choice (rows, experts) + bias (experts) the
// selection.
void Gating(Ints score, Ints choice, Weights bias, size_t rows, const Router& router, const GatingOut& out,
            const Control& control);

struct ExponentialsOut {
  OutInts max;      // (rows)
  OutInts c, o, e;  // (rows, width)
};

// u = floor((max - x) / 2^4), c = min(u, 65535), o = u - c, e = table[c]; table = EXP (65536 entries).
void Exponentials(Ints x, Weights table, size_t rows, size_t width, const ExponentialsOut& out);

// Largest entry of each row, ties to the lower index.
void Argmax(Ints acc, size_t rows, size_t width, OutInts next);

}  // namespace model
