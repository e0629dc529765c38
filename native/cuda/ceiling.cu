// What the machine can do at most: multiply-adds from registers alone. For the benchmark.
#include "operations.h"
#include "runtime.h"

namespace attensor::device {

constexpr unsigned kChains = 8;

ATTENSOR_DEVICE u32 MultiplyAdd(u32 a, u32 b, u32 sum) { return a * b + sum; }

/// By its name: the compiler makes a longer product of it here.
ATTENSOR_DEVICE int64_t MultiplyAdd(int64_t a, int32_t b, int64_t sum) {
#if defined(__CUDACC__)
  int64_t r;
  asm("mad.wide.s32 %0, %1, %2, %3;" : "=l"(r) : "r"(static_cast<int32_t>(a)), "r"(b), "l"(sum));
  return r;
#else
  const int64_t product = static_cast<int64_t>(static_cast<int32_t>(a)) * b;
  return static_cast<int64_t>(static_cast<u64>(product) + static_cast<u64>(sum));
#endif
}

/// `rounds` dependent multiply-adds in each of eight chains of a thread.
template <class Factor, class Sum>
ATTENSOR_KERNEL(kBlock)
MultiplyAddKernel(Sum* out, u64 rounds) {
  Sum chains[kChains];
  ATTENSOR_UNROLL
  for (unsigned c = 0; c < kChains; c++) chains[c] = static_cast<Sum>(ThreadIndex() + c);
  const Factor factor = static_cast<Factor>(2 * ThreadIndex() + 3);
  ATTENSOR_ROLLED
  for (u64 k = 0; k < rounds; k++) {
    ATTENSOR_UNROLL
    for (unsigned c = 0; c < kChains; c++) chains[c] = MultiplyAdd(chains[c], factor, chains[c]);
  }
  Sum sum = 0;
  ATTENSOR_UNROLL
  for (unsigned c = 0; c < kChains; c++) sum ^= chains[c];
  // Seen by nobody; without it the compiler would drop the loop.
  if (sum == 1) Store(out, sum);
}

Status MultiplyAdds(bool wide, uint64_t rounds, uint64_t* count) {
  return Guarded([&] {
    Scratch<u64> out(1);
    const size_t blocks = size_t{Multiprocessors()} * 8;
    if (wide)
      LaunchBlocks(MultiplyAddKernel<int32_t, int64_t>, blocks, kBlock, 0,
                   reinterpret_cast<int64_t*>(out.get()), rounds);
    else
      LaunchBlocks(MultiplyAddKernel<u32, u32>, blocks, kBlock, 0, reinterpret_cast<u32*>(out.get()), rounds);
    Zero(out.get(), sizeof(u64));
    u64 done;
    Download(&done, out.get(), sizeof done);
    *count = blocks * kBlock * kChains * rounds;
  });
}

}  // namespace attensor::device
