// Elements from and to other places: scattered ones to the host, integers of the host to elements.
#include <algorithm>

#include "field.h"
#include "operations.h"
#include "runtime.h"

namespace attensor::device {

ATTENSOR_KERNEL(kBlock) GatherKernel(DeviceFp* out, const DeviceFp* src, const u64* indexes, size_t count) {
  size_t i = ThreadIndex();
  if (i < count) Store(out + i, Load(src + Load(indexes + i)));
}

Status GatherElements(const DeviceFp* src, const uint64_t* indexes, size_t count, Fp* out) {
  return Guarded([&] {
    Scratch<u64> at(count);
    Scratch<DeviceFp> found(count);
    Upload(at.get(), indexes, count * sizeof(u64));
    LaunchFlat(GatherKernel, count, found.get(), src, at.get(), count);
    Download(out, found.get(), count * sizeof(Fp));
  });
}

template <class Int>
ATTENSOR_KERNEL(kBlock)
WidenKernel(DeviceFp* out, const Int* values, size_t count) {
  size_t i = ThreadIndex();
  if (i < count) Store(out + i, FromSigned(Load(values + i)));
}

template <class Int>
static void Widen(DeviceFp* out, const Int* values, size_t count) {
  constexpr size_t kPiece = size_t{1} << 24;
  Scratch<Int> there(std::min(count, kPiece));
  for (size_t first = 0; first < count; first += kPiece) {
    size_t n = std::min(kPiece, count - first);
    Upload(there.get(), values + first, n * sizeof(Int));
    LaunchFlat(WidenKernel<Int>, n, out + first, there.get(), n);
  }
}

Status FromInt32(DeviceFp* out, const int32_t* values, size_t count) {
  return Guarded([&] { Widen(out, values, count); });
}

Status FromInt64(DeviceFp* out, const int64_t* values, size_t count) {
  return Guarded([&] { Widen(out, values, count); });
}

}  // namespace attensor::device
