// RMSNorm, a block for each row, and RoPE, a thread for each pair.
#include "integers.h"
#include "operations.h"

namespace attensor::device {

/// floor(sqrt(n)), bit by bit.
ATTENSOR_DEVICE u64 SquareRoot(u64 n) {
  u64 root = 0;
  ATTENSOR_ROLLED
  for (int bit = 31; bit >= 0; bit--) {
    const u64 next = root | u64{1} << bit;
    if (next * next <= n) root = next;
  }
  return root;
}

/// floor(d 2^64 / divisor), bit by bit, or all ones if it has more than 64 bits; divisor < 2^65.
ATTENSOR_DEVICE u64 DivideShifted(u64 d, uint128 divisor) {
  if (d >= divisor) return ~u64{0};
  uint128 rest = d;
  u64 quotient = 0;
  ATTENSOR_ROLLED
  for (int bit = 0; bit < 64; bit++) {
    rest <<= 1;
    quotient <<= 1;
    if (rest >= divisor) {
      rest -= divisor;
      quotient |= 1;
    }
  }
  return quotient;
}

struct NormRows {
  int64_t *squares, *inverse, *y;
  const int64_t* x;
  const int32_t* g;
  size_t d;
  u64 epsilon;
};

ATTENSOR_KERNEL(kBlock) RmsNormKernel(ATTENSOR_PARAMETER NormRows a, u32* failed) {
  u64* shared = reinterpret_cast<u64*>(SharedMemory());
  const int64_t* row = a.x + blockIdx.x * a.d;
  const auto add = [](u64 l, u64 r) { return l + r; };
  u64 low = 0, high = 0, outside = 0;
  for (size_t i = threadIdx.x; i < a.d; i += kBlock) {
    const int64_t v = Load(row + i);
    outside |= !IsInt32(v);
    const u64 square = static_cast<u64>(v) * static_cast<u64>(v);
    low += static_cast<u32>(square);
    high += square >> 32;
  }
  low = BlockReduce(shared, low, add);
  high = BlockReduce(shared, high, add);
  outside = BlockReduce(shared, outside, add);
  const uint128 sum = (static_cast<uint128>(high) << 32) + low;
  const uint128 divisor = sum + a.epsilon;
  if (outside || sum >> 63 || a.d >= divisor) {
    if (threadIdx.x == 0) Fail(failed);
    return;
  }
  if (threadIdx.x == 0) {
    // Not an entry of the reductions: others may still be reading their last one.
    shared[kBlock] = SquareRoot(DivideShifted(a.d, divisor));
    Store(a.squares + blockIdx.x, static_cast<int64_t>(sum));
    Store(a.inverse + blockIdx.x, static_cast<int64_t>(shared[kBlock]));
  }
  SyncThreads();
  const int64_t root = static_cast<int64_t>(shared[kBlock]);
  for (size_t i = threadIdx.x; i < a.d; i += kBlock) {
    // |x| <= 2^31 and the root < 2^32: their product fits.
    const int128 y = (static_cast<int128>(Load(row + i) * root) * Load(a.g + i)) >> 32;
    if (!IsInt32(y)) Fail(failed);
    Store(a.y + blockIdx.x * a.d + i, static_cast<int64_t>(y));
  }
}

Status RmsNorm(int64_t* squares, int64_t* inverse, int64_t* y, const int64_t* x, const int32_t* g, size_t rows,
               size_t d, uint64_t epsilon, uint32_t* failed) {
  return Guarded([&] {
    NormRows a{squares, inverse, y, x, g, d, epsilon};
    LaunchBlocks(RmsNormKernel, rows, kBlock, (kBlock + 1) * sizeof(u64), a, failed);
  });
}

ATTENSOR_KERNEL(kBlock) RopeKernel(int64_t* y, const int64_t* x, const int32_t* cos, const int32_t* sin,
                                   size_t pairs, size_t heads, size_t half, u32* failed) {
  const size_t k = ThreadIndex();
  if (k >= pairs) return;
  const size_t angle = k / half / heads * half + k % half;
  const int64_t a = Load(x + 2 * k), b = Load(x + 2 * k + 1);
  const int64_t c = Load(cos + angle), s = Load(sin + angle);
  const int128 even = (static_cast<int128>(a) * c - static_cast<int128>(b) * s) >> 16;
  const int128 odd = (static_cast<int128>(a) * s + static_cast<int128>(b) * c) >> 16;
  if (!IsInt32(a) || !IsInt32(b) || !IsInt32(even) || !IsInt32(odd)) Fail(failed);
  Store(y + 2 * k, static_cast<int64_t>(even));
  Store(y + 2 * k + 1, static_cast<int64_t>(odd));
}

Status Rope(int64_t* y, const int64_t* x, const int32_t* cos, const int32_t* sin, size_t rows, size_t heads,
            size_t half, uint32_t* failed) {
  return Guarded([&] {
    const size_t pairs = rows * heads * half;
    LaunchFlat(RopeKernel, pairs, y, x, cos, sin, pairs, heads, half, failed);
  });
}

}  // namespace attensor::device
