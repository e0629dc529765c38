#include "grind.h"

#include <algorithm>
#include <mutex>

#include "common/thread_pool.h"

namespace attensor {

u64 Grind(const PoseidonState& state, int bits, const Control& control) {
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
