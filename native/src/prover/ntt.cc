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
    // The first piece by products, the others from it.
    size_t piece = std::min<size_t>(half, 1 << 8);
    const Fp* first = out;
    out[0] = kOne;
    for (size_t i = 1; i < piece; i++) out[i] = Mul(out[i - 1], omega);
    ParallelFor(half / piece - 1, 16, [&](size_t begin, size_t end) {
      Fp step = Pow(omega, piece), x = Pow(step, begin + 1);
      for (size_t i = begin + 1; i <= end; i++, x = Mul(x, step))
        ActiveBackend().linear(out + i * piece, nullptr, &first, &x, 1, piece);
    });
  }
}

namespace {

/// Decimation in time on bit-reversed input whose levels up to `from` are done: two levels in a pass, and
/// each quarter done whole before, so that it stays in the caches it fits in.
void Transform(Fp* a, int log, int from, const Twiddles& twiddles) {
  if (log == from) return;
  if (log == from + 1) {
    size_t half = size_t{1} << (log - 1);
    ActiveBackend().butterfly(a, a + half, twiddles.Level(log), half);
    return;
  }
  size_t quarter = size_t{1} << (log - 2);
  for (size_t k = 0; k < 4; k++) Transform(a + k * quarter, log - 2, from, twiddles);
  ActiveBackend().butterfly4(a, quarter, twiddles.Level(log - 1), twiddles.Level(log));
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
