#include "gating.h"

#include <algorithm>
#include <numeric>
#include <vector>

namespace model {

// Moves the k best candidates to the front, in rank order.
static void Rank(std::vector<size_t>& candidates, const std::vector<int64_t>& value, size_t k) {
  std::partial_sort(candidates.begin(), candidates.begin() + k, candidates.end(),
                    [&](size_t a, size_t b) { return value[a] != value[b] ? value[a] > value[b] : a < b; });
}

void Gating(Ints score, Ints choice, Weights bias, size_t rows, const Router& router, const GatingOut& out,
            const Control& control) {
  const auto [experts, groups, topk_group, topk, group_rank, scale, divisor] = router;
  const size_t per_group = experts / groups;
  for (OutInts flags : {out.group_best, out.group_selected, out.expert_selected}) {
    std::fill(flags.begin(), flags.end(), 0);
  }
  std::vector<int64_t> key(experts), value(groups);
  std::vector<size_t> order;
  for (size_t t = 0; t < rows; t++) {
    control.Check("gating");
    const int64_t* own = score.data() + t * experts;
    for (size_t e = 0; e < experts; e++) key[e] = choice[t * experts + e] + bias[e];
    for (size_t g = 0; g < groups; g++) {
      order.resize(per_group);
      std::iota(order.begin(), order.end(), g * per_group);
      Rank(order, key, group_rank);
      value[g] = 0;
      for (size_t i = 0; i < group_rank; i++) {
        value[g] += key[order[i]];
        out.group_best[t * experts + order[i]] = 1;
      }
      out.group_value[t * groups + g] = value[g];
    }
    std::vector<size_t> kept(groups);
    std::iota(kept.begin(), kept.end(), size_t{0});
    Rank(kept, value, topk_group);
    order.clear();
    for (size_t i = 0; i < topk_group; i++) {
      out.group_selected[t * groups + kept[i]] = 1;
      for (size_t e = 0; e < per_group; e++) order.push_back(kept[i] * per_group + e);
    }
    Rank(order, key, topk);
    int64_t sum = 0;
    if (divisor == Divisor::kOne) sum = 1 << 16;
    if (divisor == Divisor::kAll) sum = std::accumulate(own, own + experts, int64_t{0});
    if (divisor == Divisor::kSelected) {
      for (size_t j = 0; j < topk; j++) sum += own[order[j]];
    }
    if (sum == 0) throw Failure(Width::kZeroSum, t, 0, 0);
    for (size_t j = 0; j < topk; j++) {
      out.expert_selected[t * experts + order[j]] = 1;
      out.expert[t * topk + j] = static_cast<int64_t>(order[j]);
      out.weight[t * topk + j] = own[order[j]] * scale / sum;  // at most 2^16 * 2^31
    }
  }
}

void Exponentials(Ints x, Weights table, size_t rows, size_t width, const ExponentialsOut& out) {
  constexpr int64_t kLast = 65535;
  for (size_t t = 0; t < rows; t++) {
    int64_t max = kInt32Min;
    for (size_t i = 0; i < width; i++) max = std::max(max, CheckInt32(x[t * width + i], t, i));
    out.max[t] = max;
    for (size_t at = t * width; at < (t + 1) * width; at++) {
      const int64_t u = (max - x[at]) >> 4;
      out.c[at] = std::min(u, kLast);
      out.o[at] = u - out.c[at];
      out.e[at] = table[static_cast<size_t>(out.c[at])];
    }
  }
}

void Argmax(Ints acc, size_t rows, size_t width, OutInts next) {
  for (size_t t = 0; t < rows; t++) {
    const auto row = acc.begin() + static_cast<ptrdiff_t>(t * width);
    next[t] = std::max_element(row, row + static_cast<ptrdiff_t>(width)) - row;
  }
}

}  // namespace model
