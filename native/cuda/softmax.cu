// Softmax with causal mask: a block for each row of scores.
#include "integers.h"
#include "operations.h"

namespace attensor::device {

constexpr int64_t kLastIndex = 65535;

ATTENSOR_KERNEL(kBlock) SoftmaxKernel(ATTENSOR_PARAMETER SoftmaxRows a) {
  int64_t* shared = reinterpret_cast<int64_t*>(SharedMemory());
  const size_t r = blockIdx.x, at = r * a.keys, visible = a.start + (a.first + r) % a.queries + 1;
  int64_t max = INT64_MIN;
  for (size_t s = threadIdx.x; s < a.keys; s += kBlock) {
    const int64_t z = static_cast<int64_t>((static_cast<int128>(Load(a.acc + at + s)) * a.scale) >> 32);
    Store(a.z + at + s, z);
    if (s < visible && z > max) max = z;
  }
  max = BlockReduce(shared, max, [](int64_t l, int64_t r) { return l > r ? l : r; });
  int64_t sum = 0;
  for (size_t s = threadIdx.x; s < a.keys; s += kBlock) {
    const bool seen = s < visible;
    const int64_t u = seen ? max - Load(a.z + at + s) : kLastIndex;
    const int64_t c = u < kLastIndex ? u : kLastIndex;
    const int64_t e = Load(a.table + c);
    Store(a.c + at + s, c);
    Store(a.o + at + s, u - c);
    Store(a.e + at + s, e);
    if (seen) sum += e;
  }
  sum = BlockReduce(shared, sum, [](int64_t l, int64_t r) { return l + r; });
  // of 32 bits: a division of 64 is a call that spills registers
  const int64_t inverse =
      sum > 0xffffffff ? 0 : static_cast<uint32_t>(0xffffffff) / static_cast<uint32_t>(sum);
  for (size_t s = threadIdx.x; s < a.keys; s += kBlock)
    Store(a.p + at + s, s < visible ? (Load(a.e + at + s) * inverse) >> 16 : int64_t{0});
  if (threadIdx.x == 0) {
    Store(a.max + r, max);
    Store(a.sum + r, sum);
    Store(a.inv + r, inverse);
  }
}

Status Softmax(const SoftmaxRows* rows) {
  return Guarded(
      [&] { LaunchBlocks(SoftmaxKernel, rows->count, kBlock, kBlock * sizeof(int64_t), *rows); });
}

}  // namespace attensor::device
