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

void Gating(Ints score, Weights bias, size_t rows, const GatingShape& shape, int64_t scale, bool normalize,
            const GatingOut& out, const Control& control) {
  const auto [experts, groups, topk_group, topk] = shape;
  const size_t per_group = experts / groups;
  for (OutInts flags : {out.group_top2, out.group_selected, out.expert_selected}) {
    std::fill(flags.begin(), flags.end(), 0);
  }
  std::vector<int64_t> choice(experts), value(groups);
  std::vector<size_t> order;
  for (size_t t = 0; t < rows; t++) {
    control.Check("gating");
    const int64_t* own = score.data() + t * experts;
    for (size_t e = 0; e < experts; e++) choice[e] = own[e] + bias[e];
    for (size_t g = 0; g < groups; g++) {
      order.resize(per_group);
      std::iota(order.begin(), order.end(), g * per_group);
      Rank(order, choice, 2);
      value[g] = choice[order[0]] + choice[order[1]];
      out.group_top2[t * experts + order[0]] = out.group_top2[t * experts + order[1]] = 1;
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
    Rank(order, choice, topk);
    int64_t sum = 0;
    for (size_t j = 0; j < topk; j++) sum += own[order[j]];
    if (normalize && sum == 0) throw Failure(Width::kZeroSum, t, 0, 0);
    for (size_t j = 0; j < topk; j++) {
      const int64_t scaled = own[order[j]] * scale;  // at most 2^16 * 2^31
      out.expert_selected[t * experts + order[j]] = 1;
      out.expert[t * topk + j] = static_cast<int64_t>(order[j]);
      out.weight[t * topk + j] = normalize ? scaled / sum : scaled >> 16;
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
