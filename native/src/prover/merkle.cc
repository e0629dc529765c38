#include "merkle.h"

#include <algorithm>

#include "common/thread_pool.h"
#include "device/device.h"
#include "poseidon.h"

namespace attensor {

// Permutations in flight: a multiple of every backend's batch.
static constexpr size_t kBatch = 64;

void HashMany(const Fp* data, size_t itemStride, size_t entryStride, size_t entries, size_t items, Fp* out) {
  PoseidonState states[kBatch];
  for (size_t first = 0; first < items; first += kBatch) {
    size_t n = std::min(kBatch, items - first);
    for (size_t i = 0; i < n; i++) states[i] = {};
    if (entries == 0) PermuteBatch(states, n);
    for (size_t c = 0; c < entries; c += 2) {
      const Fp* at = data + first * itemStride + c * entryStride;
      for (size_t i = 0; i < n; i++, at += itemStride) {
        states[i].s[0] = Add(states[i].s[0], at[0]);
        if (c + 1 < entries) states[i].s[1] = Add(states[i].s[1], at[entryStride]);
      }
      PermuteBatch(states, n);
    }
    for (size_t i = 0; i < n; i++) out[first + i] = states[i].s[0];
  }
}

Vec HashRows(const int32_t* values, size_t rowLength, size_t rows, const Control* control) {
  Vec out(rows);
  bool done = device::Run(rows, device::kLeastHashes, [&](const device::Table& table) {
    device::Check(table.hashRows(out.OutOnDevice(), values, rowLength, rows));
  });
  if (done) return out;
  Fp* data = out.mut();
  ParallelFor(rows, std::max<size_t>(1, 64 / rowLength), [&](size_t begin, size_t end) {
    PoseidonState states[kBatch];
    for (size_t first = begin; first < end; first += kBatch) {
      if (control) control->Check("hashRows");
      size_t n = std::min(kBatch, end - first);
      for (size_t i = 0; i < n; i++) states[i] = {};
      for (size_t c = 0; c < rowLength; c += 2) {
        for (size_t i = 0; i < n; i++) {
          const int32_t* row = values + (first + i) * rowLength;
          states[i].s[0] = Add(states[i].s[0], FromI64(row[c]));
          if (c + 1 < rowLength) states[i].s[1] = Add(states[i].s[1], FromI64(row[c + 1]));
        }
        PermuteBatch(states, n);
      }
      for (size_t i = 0; i < n; i++) data[first + i] = states[i].s[0];
    }
  });
  return out;
}

Vec Parents(const Vec& nodes) {
  Vec out(nodes.size() / 2);
  bool done = device::Run(out.size(), device::kLeastHashes, [&](const device::Table& table) {
    device::Check(table.hashColumns(out.OutOnDevice(), nodes.OnDevice(), 2, 1, 2, out.size()));
  });
  if (done) return out;
  Fp* data = out.mut();
  const Fp* from = nodes.data();
  ParallelFor(out.size(), 16, [&](size_t begin, size_t end) {
    HashMany(from + 2 * begin, 2, 1, 2, end - begin, data + begin);
  });
  return out;
}

std::vector<Vec> MerkleLayers(const Vec& leaves, const Control* control) {
  std::vector<Vec> layers{leaves};
  while (layers.back().size() > 1) {
    if (control) control->Check("merkleLayers");
    layers.push_back(Parents(layers.back()));
  }
  return layers;
}

}  // namespace attensor
