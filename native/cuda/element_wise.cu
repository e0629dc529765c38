// Sums, products and the sigmoid of integer activations.
#include "integers.h"
#include "operations.h"

namespace attensor::device {

struct Terms {
  const int64_t* terms[kMaxTerms];
  u32 count;
};

ATTENSOR_KERNEL(kBlock) AddIntsKernel(int64_t* y, ATTENSOR_PARAMETER Terms a, size_t size, u32* failed) {
  const size_t i = ThreadIndex();
  if (i >= size) return;
  int128 sum = 0;
  for (u32 k = 0; k < a.count; k++) sum += Load(a.terms[k] + i);
  if (!IsInt32(sum)) Fail(failed);
  Store(y + i, static_cast<int64_t>(sum));
}

Status AddInts(int64_t* y, const int64_t* const* terms, size_t count, size_t size, uint32_t* failed) {
  return Guarded([&] {
    if (count > kMaxTerms) Unsupported("a sum of more than 64 arrays");
    Terms a{};
    a.count = static_cast<u32>(count);
    for (size_t k = 0; k < count; k++) a.terms[k] = terms[k];
    LaunchFlat(AddIntsKernel, size, y, a, size, failed);
  });
}

ATTENSOR_KERNEL(kBlock) MultiplyIntsKernel(int64_t* y, const int64_t* a, const int64_t* b, size_t size,
                                           size_t width, u32* failed) {
  const size_t i = ThreadIndex();
  if (i >= size) return;
  const int128 product = (static_cast<int128>(Load(a + i)) * Load(b + (width == 1 ? i : i / width))) >> 16;
  if (!IsInt32(product)) Fail(failed);
  Store(y + i, static_cast<int64_t>(product));
}

Status MultiplyInts(int64_t* y, const int64_t* a, const int64_t* b, size_t size, size_t width,
                    uint32_t* failed) {
  return Guarded([&] { LaunchFlat(MultiplyIntsKernel, size, y, a, b, size, width, failed); });
}

ATTENSOR_KERNEL(kBlock) SigmoidKernel(int64_t* c, int64_t* sigma, const int64_t* x, const int32_t* table,
                                      size_t size) {
  const size_t i = ThreadIndex();
  if (i >= size) return;
  int64_t index = (Load(x + i) >> 5) + 32768;
  index = index < 0 ? 0 : index > 65535 ? 65535 : index;
  Store(c + i, index);
  Store(sigma + i, int64_t{Load(table + index)});
}

Status Sigmoid(int64_t* c, int64_t* sigma, const int64_t* x, const int32_t* table, size_t size) {
  return Guarded([&] { LaunchFlat(SigmoidKernel, size, c, sigma, x, table, size); });
}

}  // namespace attensor::device
