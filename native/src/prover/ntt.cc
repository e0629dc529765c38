#include "ntt.h"

#include <algorithm>

#include "backend.h"
#include "common/thread_pool.h"
#include "vec.h"

namespace attensor {

Twiddles::Twiddles(int log) : table_(std::max<size_t>(2, size_t{1} << log)) {
  for (int level = 1; level <= log; level++) {
    size_t half = size_t{1} << (level - 1);
    Fp* out = &table_[half];
    Fp omega = RootOfUnity(level);
    ParallelFor(half, 1 << 12, [&](size_t begin, size_t end) {
      Fp x = Pow(omega, begin);
      for (size_t i = begin; i < end; i++) {
        out[i] = x;
        x = Mul(x, omega);
      }
    });
  }
}

namespace {

// Blocks below this stay in the first cache levels and are done level by level.
constexpr int kBlockLog = 9;

/// Decimation in time on bit-reversed input whose levels up to `from` are done.
void Transform(Fp* a, int log, int from, const Twiddles& twiddles) {
  if (log > kBlockLog && log > from) {
    size_t half = size_t{1} << (log - 1);
    Transform(a, log - 1, from, twiddles);
    Transform(a + half, log - 1, from, twiddles);
    ActiveBackend().butterfly(a, a + half, twiddles.Level(log), half);
    return;
  }
  for (int level = from + 1; level <= log; level++) {
    size_t size = size_t{1} << level;
    for (Fp* block = a; block < a + (size_t{1} << log); block += size)
      ActiveBackend().butterfly(block, block + size / 2, twiddles.Level(level), size / 2);
  }
}

}  // namespace

void Encode(const Fp* coefs, int logCoefs, Fp* out, int logDomain, const Twiddles& twiddles) {
  // In bit-reversed order the padding makes blocks of one coefficient and zeros; the levels within such a
  // block only repeat the coefficient.
  int padding = logDomain - logCoefs;
  size_t n = size_t{1} << logCoefs;
  for (size_t i = 0, reversed = 0; i < n; i++) {
    std::fill_n(out + (reversed << padding), size_t{1} << padding, coefs[i]);
    for (size_t bit = n >> 1; bit && ((reversed ^= bit) & bit) == 0; bit >>= 1) {
    }
  }
  Transform(out, logDomain, padding, twiddles);
}

}  // namespace attensor
