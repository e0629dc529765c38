#include "grind.h"

#include <algorithm>
#include <mutex>

#include "common/thread_pool.h"
#include "device/device.h"

namespace attensor {

/// Waves that grow, so that an easy one is done at once and a hard one fills the device.
static u64 GrindOnDevice(const device::Table& table, const PoseidonState& state, int bits,
                         const Control& control) {
  size_t wave = 1 << 9;
  for (u64 first = 0;;) {
    control.Check("grind");
    u64 found = 0;
    device::Check(table.grind(&found, state.s, bits, first, wave));
    if (found != ~u64{0}) return found;
    first += wave;
    wave = std::min<size_t>(2 * wave, 1 << 18);
  }
}

u64 Grind(const PoseidonState& state, int bits, const Control& control) {
  u64 nonce = 0;
  size_t expected = size_t{1} << std::min(bits, 40);
  if (device::Run(expected, device::kLeastHashes,
                  [&](const device::Table& table) { nonce = GrindOnDevice(table, state, bits, control); }))
    return nonce;
  constexpr size_t kBatch = 64;
  const u64 none = ~u64{0}, mask = bits == 0 ? 0 : ~u64{0} >> (64 - bits);
  // Waves of consecutive nonces, each searched to its end, make the result the smallest one on any number of
  // threads.
  size_t wave = Threads() * kBatch * 4;
  for (u64 first = 0;; first += wave) {
    u64 found = none;
    std::mutex mutex;
    ParallelFor(wave / kBatch, 1, [&](size_t begin, size_t end) {
      for (size_t b = begin; b < end; b++) {
        control.Check("grind");
        PoseidonState states[kBatch];
        u64 nonce = first + b * kBatch;
        for (size_t i = 0; i < kBatch; i++) {
          states[i] = state;
          states[i].s[0] = Add(state.s[0], FromU64(nonce + i));
        }
        PermuteBatch(states, kBatch);
        for (size_t i = 0; i < kBatch; i++) {
          if (ToCanonical(states[i].s[0]).l[0] & mask) continue;
          std::lock_guard lock(mutex);
          found = std::min(found, nonce + i);
          break;
        }
      }
    });
    if (found != none) return found;
  }
}

}  // namespace attensor
