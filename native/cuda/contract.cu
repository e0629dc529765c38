// Strided views: copied, or with one axis summed out.
#include <algorithm>

#include "integers.h"
#include "operations.h"
#include "runtime.h"

namespace attensor::device {

ATTENSOR_DEVICE size_t Offset(const View& view, size_t index) {
  size_t at = 0;
  for (u32 d = view.count; d-- > 0;) {
    at += index % view.sizes[d] * view.strides[d];
    index /= view.sizes[d];
  }
  return at;
}

static size_t Size(const View& view) {
  if (view.count > kMaxAxes) Unsupported("more than 8 axes");
  size_t n = 1;
  for (u32 d = 0; d < view.count; d++) n *= view.sizes[d];
  return n;
}

ATTENSOR_KERNEL(kBlock)
CopyViewKernel(DeviceFp* out, const DeviceFp* src, ATTENSOR_PARAMETER View view, size_t count) {
  size_t i = ThreadIndex();
  if (i < count) Store(out + i, Load(src + Offset(view, i)));
}

Status CopyView(DeviceFp* out, const DeviceFp* src, const View* view) {
  return Guarded([&] {
    size_t count = Size(*view);
    LaunchFlat(CopyViewKernel, count, out, src, *view, count);
  });
}

struct AxisSum {
  View view;
  size_t outputs, length, stride, parts;
  /// Neighbouring threads: parts of one sum, where its entries are closer than those of the outputs.
  bool along;
};

/// One thread adds up every parts-th term of one output.
ATTENSOR_KERNEL(kBlock)
SumAxisKernel(DeviceFp* out, const DeviceFp* src, const DeviceFp* weights, ATTENSOR_PARAMETER AxisSum a) {
  size_t thread = ThreadIndex();
  if (thread >= a.outputs * a.parts) return;
  size_t output = a.along ? thread / a.parts : thread % a.outputs;
  size_t part = a.along ? thread % a.parts : thread / a.outputs;
  const DeviceFp* from = src + Offset(a.view, output);
  DeviceFp sum = ZeroFp();
  for (size_t j = part; j < a.length; j += a.parts)
    sum = Add(sum, Mul(Load(weights + j), Load(from + j * a.stride)));
  Store(out + part * a.outputs + output, sum);
}

ATTENSOR_KERNEL(kBlock)
SumIntsKernel(DeviceFp* out, const int32_t* src, size_t available, const DeviceFp* weights,
              ATTENSOR_PARAMETER AxisSum a, u64 terms) {
  size_t thread = ThreadIndex();
  if (thread >= a.outputs * a.parts) return;
  size_t output = a.along ? thread / a.parts : thread % a.outputs;
  size_t part = a.along ? thread % a.parts : thread / a.outputs;
  size_t from = Offset(a.view, output);
  IntegerSum sum(terms);
  for (size_t j = part; j < a.length; j += a.parts) {
    size_t at = from + j * a.stride;
    if (at < available) sum.Add(Load(src + at), Load(weights + j));
  }
  Store(out + part * a.outputs + output, sum.Total());
}

/// out[g][i] = sum of in[g group][i], …, up to `group` of them.
ATTENSOR_KERNEL(kBlock)
AddPartsKernel(DeviceFp* out, const DeviceFp* in, size_t outputs, size_t parts, size_t group) {
  size_t thread = ThreadIndex(), first = thread / outputs * group;
  if (first >= parts) return;
  size_t i = thread % outputs;
  DeviceFp sum = ZeroFp();
  for (size_t part = first; part < parts && part < first + group; part++)
    sum = Add(sum, Load(in + part * outputs + i));
  Store(out + thread, sum);
}

/// Launches kernel(out, sum) for the parts of each sum, and adds them up.
template <class Launch>
static void SumInParts(DeviceFp* out, const View& view, size_t length, size_t stride, const Launch& launch) {
  AxisSum a{view, Size(view), length, stride, 1, false};
  a.along = view.count == 0 || stride < view.strides[view.count - 1];
  // Enough threads to fill the device, as long as each has some terms.
  size_t wanted = size_t{Multiprocessors()} * 2048;
  while (a.outputs * a.parts < wanted && a.parts * 16 <= length) a.parts *= 2;
  if (a.parts == 1) {
    launch(out, a);
    return;
  }
  constexpr size_t kGroup = 32;
  size_t parts = a.parts, fewer = (parts + kGroup - 1) / kGroup;
  Scratch<DeviceFp> first(parts * a.outputs), second(fewer * a.outputs);
  launch(first.get(), a);
  DeviceFp *from = first.get(), *to = second.get();
  while (parts > 1) {
    fewer = (parts + kGroup - 1) / kGroup;
    LaunchFlat(AddPartsKernel, fewer * a.outputs, fewer == 1 ? out : to, from, a.outputs, parts, kGroup);
    std::swap(from, to);
    parts = fewer;
  }
}

Status SumAxis(DeviceFp* out, const DeviceFp* src, const View* view, const DeviceFp* weights, size_t length,
               size_t stride) {
  return Guarded([&] {
    SumInParts(out, *view, length, stride, [&](DeviceFp* sums, const AxisSum& a) {
      LaunchFlat(SumAxisKernel, a.outputs * a.parts, sums, src, weights, a);
    });
  });
}

Status SumInts(DeviceFp* out, const int32_t* src, size_t available, const View* view, const DeviceFp* weights,
               size_t length, size_t stride) {
  return Guarded([&] {
    u64 terms = TermsPerFold(LargestAbs(src, available));
    SumInParts(out, *view, length, stride, [&](DeviceFp* sums, const AxisSum& a) {
      LaunchFlat(SumIntsKernel, a.outputs * a.parts, sums, src, available, weights, a, terms);
    });
  });
}

}  // namespace attensor::device
