// Combinations of vectors and inner products.
#include <algorithm>

#include "operations.h"
#include "sums.h"

namespace attensor::device {

constexpr size_t kTerms = 32;

struct LinearArguments {
  const DeviceFp* base;
  /// Those with a factor last.
  const DeviceFp* vecs[kTerms];
  DeviceFp coefs[kTerms];
  DeviceFp constant;
  u32 plain, terms;
};

ATTENSOR_KERNEL(kBlock) LinearKernel(DeviceFp* out, ATTENSOR_PARAMETER LinearArguments a, size_t count) {
  size_t i = ThreadIndex();
  if (i >= count) return;
  DeviceFp sum = a.constant;
  if (a.base) sum = Add(sum, Load(a.base + i));
  for (u32 k = 0; k < a.plain; k++) sum = Add(sum, Load(a.vecs[k] + i));
  for (u32 k = a.plain; k < a.terms; k++) sum = Add(sum, Mul(a.coefs[k], Load(a.vecs[k] + i)));
  Store(out + i, sum);
}

Status Linear(DeviceFp* out, const DeviceFp* base, const DeviceFp* const* vecs, const Fp* coefs, size_t terms,
              const Fp* constant, size_t count) {
  return Guarded([&] {
    // Later pieces read what earlier ones wrote.
    for (size_t k = kTerms; k < terms; k++)
      if (vecs[k] == out) Unsupported("an output that is one of more than 32 inputs");
    for (size_t first = 0; first == 0 || first < terms; first += kTerms) {
      size_t end = std::min(terms, first + kTerms);
      LinearArguments a{};
      a.base = first == 0 ? base : out;
      if (first == 0 && constant) a.constant = FromHost(*constant);
      for (bool factor : {false, true}) {
        for (size_t k = first; k < end; k++) {
          if (coefs[k].IsZero() || (coefs[k] == kOne) == factor) continue;
          a.vecs[a.terms] = vecs[k];
          a.coefs[a.terms++] = FromHost(coefs[k]);
        }
        if (!factor) a.plain = a.terms;
      }
      LaunchFlat(LinearKernel, count, out, a, count);
    }
  });
}

ATTENSOR_KERNEL(kBlock) DotKernel(DeviceFp* parts, const DeviceFp* a, const DeviceFp* b, size_t count) {
  DeviceFp sum = ZeroFp();
  for (size_t i = ThreadIndex(); i < count; i += GridSize()) sum = Add(sum, Mul(Load(a + i), Load(b + i)));
  sum = BlockSum(SharedFp(SharedMemory(), kBlock), sum, kBlock);
  if (threadIdx.x == 0) Store(parts + blockIdx.x, sum);
}

Status Dot(Fp* out, const DeviceFp* a, const DeviceFp* b, size_t count) {
  return Guarded([&] {
    size_t blocks = BlocksFor(count, kBlock, 8);
    Scratch<DeviceFp> parts(blocks + 1);
    LaunchBlocks(DotKernel, blocks, kBlock, kBlock * sizeof(DeviceFp), parts.get() + 1, a, b, count);
    FinishSums(out, parts.get(), parts.get() + 1, 1, blocks);
  });
}

}  // namespace attensor::device
