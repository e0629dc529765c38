// Compressions: levels of trees, and the inside of compressions.
#include "operations.h"
#include "poseidon2.h"
#include "runtime.h"

namespace attensor::device {

struct CompressArguments {
  CompressedLevel level;
  DeviceFp padding;
  size_t count;
};

ATTENSOR_KERNEL(kHashBlock)
CompressKernel(DeviceFp* out, const DeviceFp* data, ATTENSOR_PARAMETER CompressArguments a) {
  size_t at = ThreadIndex();
  if (at >= a.count) return;
  size_t item = at % a.level.items, first = at / a.level.items * kPoseidon2Width;
  const DeviceFp* from = data + item * a.level.itemStride;
  WideState t{};
  ATTENSOR_ROLLED
  for (size_t k = first; k < first + kPoseidon2Width; k++) {
    DeviceFp child = ZeroFp();
    if (k < a.level.entries)
      child = Load(from + k * a.level.entryStride);
    else if (k < a.level.padded)
      child = a.padding;
    PassOn(t, child);
  }
  DeviceFp kept = t.s[0];
  PermuteWide(t, [](const DeviceFp&) {});
  Store(out + at, Add(t.s[0], kept));
}

Status CompressLevel(DeviceFp* out, const DeviceFp* data, const CompressedLevel* level) {
  return Guarded([&] {
    size_t blocks = (level->entries + kPoseidon2Width - 1) / kPoseidon2Width;
    CompressArguments a{*level, FromHost(level->padding), blocks * level->items};
    LaunchHashes(CompressKernel, a.count, out, data, a);
  });
}

ATTENSOR_KERNEL(kHashBlock) TraceKernel(DeviceFp* out, const DeviceFp* children, size_t count) {
  size_t i = ThreadIndex();
  if (i >= count) return;
  WideState t{};
  DeviceFp* to = out + i;
  ATTENSOR_ROLLED
  for (int e = 0; e < kPoseidon2Width; e++, to += count) {
    DeviceFp child = Load(children + kPoseidon2Width * i + static_cast<size_t>(e));
    Store(to, child);
    PassOn(t, child);
  }
  DeviceFp kept = t.s[0];
  // The children give the first round's inputs.
  int seen = 0;
  PermuteWide(t, [&](const DeviceFp& input) {
    if (seen++ < kPoseidon2Width) return;
    Store(to, input);
    to += count;
  });
  Store(to, Add(t.s[0], kept));
}

Status TraceCompressions(DeviceFp* out, const DeviceFp* children, size_t count) {
  return Guarded([&] { LaunchHashes(TraceKernel, count, out, children, count); });
}

}  // namespace attensor::device
