// The router's group-limited top-k, and argmax: a block for each row. A candidate's rank is the number of those
// before it: with a higher value, or the same and a lower index.
#include "integers.h"
#include "operations.h"

namespace attensor::device {

constexpr size_t kMostExperts = 2048;

/// Among candidates first, ..., first + count - 1.
ATTENSOR_DEVICE size_t Rank(const int64_t* values, size_t own, size_t first, size_t count) {
  size_t rank = 0;
  for (size_t i = first; i < first + count; i++)
    rank += values[i] > values[own] || (values[i] == values[own] && i < own);
  return rank;
}

ATTENSOR_KERNEL(kBlock) GatingKernel(ATTENSOR_PARAMETER GatingRows a, u32* failed) {
  int64_t* choice = reinterpret_cast<int64_t*>(SharedMemory());
  int64_t *value = choice + a.experts, *kept = value + a.groups, *chosen = kept + a.groups;
  const size_t t = blockIdx.x, perGroup = a.experts / a.groups;
  const int64_t* score = a.score + t * a.experts;
  for (size_t e = threadIdx.x; e < a.experts; e += kBlock) choice[e] = Load(score + e) + Load(a.bias + e);
  SyncThreads();
  for (size_t e = threadIdx.x; e < a.experts; e += kBlock)
    Store(a.groupTop2 + t * a.experts + e,
          int64_t{Rank(choice, e, e / perGroup * perGroup, perGroup) < 2});
  for (size_t g = threadIdx.x; g < a.groups; g += kBlock) {
    int64_t first = INT64_MIN, second = INT64_MIN;
    for (size_t e = g * perGroup; e < (g + 1) * perGroup; e++) {
      if (choice[e] > first) {
        second = first;
        first = choice[e];
      } else if (choice[e] > second) {
        second = choice[e];
      }
    }
    value[g] = first + second;
    Store(a.groupValue + t * a.groups + g, value[g]);
  }
  SyncThreads();
  for (size_t g = threadIdx.x; g < a.groups; g += kBlock) {
    kept[g] = Rank(value, g, 0, a.groups) < a.topkGroup;
    Store(a.groupSelected + t * a.groups + g, kept[g]);
  }
  SyncThreads();
  for (size_t e = threadIdx.x; e < a.experts; e += kBlock) {
    size_t rank = a.topk;
    if (kept[e / perGroup]) {
      rank = 0;
      for (size_t g = 0; g < a.groups; g++)
        if (kept[g]) rank += Rank(choice, e, g * perGroup, perGroup);
    }
    Store(a.expertSelected + t * a.experts + e, int64_t{rank < a.topk});
    if (rank < a.topk) chosen[rank] = static_cast<int64_t>(e);
  }
  SyncThreads();
  int64_t sum = 0;
  for (size_t j = 0; j < a.topk; j++) sum += Load(score + chosen[j]);
  if (a.normalize && sum == 0) {
    if (threadIdx.x == 0) Fail(failed);
    return;
  }
  for (size_t j = threadIdx.x; j < a.topk; j += kBlock) {
    const int64_t scaled = Load(score + chosen[j]) * a.scale;
    Store(a.expert + t * a.topk + j, chosen[j]);
    Store(a.weight + t * a.topk + j, a.normalize ? scaled / sum : scaled >> 16);
  }
}

Status Gating(const GatingRows* rows, uint32_t* failed) {
  return Guarded([&] {
    if (rows->experts > kMostExperts) Unsupported("more than 2048 experts");
    const size_t entries = rows->experts + 2 * rows->groups + rows->topk;
    LaunchBlocks(GatingKernel, rows->rows, kBlock, entries * sizeof(int64_t), *rows, failed);
  });
}

ATTENSOR_KERNEL(kBlock) ArgmaxKernel(int64_t* next, const int64_t* values, size_t width) {
  int64_t* shared = reinterpret_cast<int64_t*>(SharedMemory());
  const int64_t* row = values + blockIdx.x * width;
  int64_t best = INT64_MIN, at = static_cast<int64_t>(width);
  for (size_t i = threadIdx.x; i < width; i += kBlock) {
    const int64_t v = Load(row + i);
    if (v > best || at == static_cast<int64_t>(width)) {
      best = v;
      at = static_cast<int64_t>(i);
    }
  }
  const int64_t max = BlockReduce(shared, best, [](int64_t l, int64_t r) { return l > r ? l : r; });
  if (best != max) at = static_cast<int64_t>(width);
  at = BlockReduce(shared, at, [](int64_t l, int64_t r) { return l < r ? l : r; });
  if (threadIdx.x == 0) Store(next + blockIdx.x, at);
}

Status Argmax(int64_t* next, const int64_t* values, size_t rows, size_t width) {
  return Guarded(
      [&] { LaunchBlocks(ArgmaxKernel, rows, kBlock, kBlock * sizeof(int64_t), next, values, width); });
}

}  // namespace attensor::device
