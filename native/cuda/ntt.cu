// Reed-Solomon codewords: decimation in time like ntt.cc, several levels in one pass over device memory. A
// block takes 2^levels elements that meet in these levels, at 2^columns neighbouring places, into shared
// memory.
#include <algorithm>

#include "field.h"
#include "operations.h"
#include "runtime.h"

namespace attensor::device {
namespace {

/// Elements of a block, as a power of two; its threads take four each.
constexpr u32 kTileLog = 10;
constexpr u32 kColumnsLog = 2;

struct Pass {
  /// Levels before this pass and in it; all levels.
  u32 from, levels, log;
  u32 columnsLog;
  /// The first pass reads coefficients in bit-reversed order, each for 2^from places; afterwards -1.
  int logCoefs;
};

struct Squares {
  DeviceFp at[kTwoAdicity];
};

/// Levels 1, …, log: omega_{2^level}^i at 2^(level - 1) + i. Kept for the next encoding.
struct Twiddles {
  DeviceFp* table = nullptr;
  int log = -1;
};

Twiddles& TheTwiddles() {
  static Twiddles twiddles;
  return twiddles;
}

}  // namespace

ATTENSOR_KERNEL(kBlock) TwiddlesKernel(DeviceFp* out, ATTENSOR_PARAMETER Squares squares, size_t count) {
  size_t i = ThreadIndex();
  if (i >= count) return;
  DeviceFp x = OneFp();
  for (u32 bit = 0; i >> bit; bit++)
    if (i >> bit & 1) x = Mul(x, squares.at[bit]);
  Store(out + i, x);
}

bool DropCaches() {
  Twiddles& twiddles = TheTwiddles();
  bool any = twiddles.table != nullptr;
  Release(twiddles.table);
  twiddles = {};
  return any;
}

static const DeviceFp* TwiddlesFor(int log) {
  Twiddles& twiddles = TheTwiddles();
  if (twiddles.log >= log) return twiddles.table;
  DropCaches();
  twiddles.table = static_cast<DeviceFp*>(Allocate((size_t{1} << log) * sizeof(DeviceFp)));
  twiddles.log = log;
  for (int level = 1; level <= log; level++) {
    Squares squares{};
    Fp x = RootOfUnity(level);
    for (int bit = 0; bit + 1 < level; bit++, x = attensor::Sqr(x)) squares.at[bit] = FromHost(x);
    size_t half = size_t{1} << (level - 1);
    LaunchFlat(TwiddlesKernel, half, twiddles.table + half, squares, half);
  }
  return twiddles.table;
}

ATTENSOR_DEVICE size_t ReverseBits(size_t x, int bits) {
  return bits == 0 ? 0 : ReverseAllBits(x) >> (64 - bits);
}

ATTENSOR_KERNEL(kBlock)
PassKernel(DeviceFp* out, const DeviceFp* coefs, const DeviceFp* twiddles, ATTENSOR_PARAMETER Pass pass) {
  const u32 tile = 1u << (pass.levels + pass.columnsLog), mask = (1u << pass.columnsLog) - 1;
  SharedFp memory(SharedMemory(), tile);
  // Where the block's elements lie: row, place above the pass's levels, and below them.
  const u32 groupsLog = pass.log - pass.levels - pass.columnsLog, lowLog = pass.from - pass.columnsLog;
  size_t row = blockIdx.x >> groupsLog, group = blockIdx.x & ((size_t{1} << groupsLog) - 1);
  size_t low = (group & ((size_t{1} << lowLog) - 1)) << pass.columnsLog;
  size_t base = (group >> lowLog) << (pass.from + pass.levels) | low;
  DeviceFp* to = out + (row << pass.log);
  for (u32 e = threadIdx.x; e < tile; e += kBlock) {
    size_t at = base + (size_t{e >> pass.columnsLog} << pass.from) + (e & mask);
    if (pass.logCoefs < 0)
      memory.Put(e, Load(to + at));
    else
      memory.Put(e, Load(coefs + (row << pass.logCoefs) + ReverseBits(at >> pass.from, pass.logCoefs)));
  }
  for (u32 level = 0; level < pass.levels; level++) {
    SyncThreads();
    const DeviceFp* w = twiddles + (size_t{1} << (pass.from + level)) + low;
    for (u32 k = threadIdx.x; k < tile / 2; k += kBlock) {
      u32 column = k & mask, pair = k >> pass.columnsLog, place = pair & ((1u << level) - 1);
      u32 at = ((pair >> level << (level + 1) | place) << pass.columnsLog) + column;
      u32 other = at + (1u << (level + pass.columnsLog));
      DeviceFp u = memory.Get(at),
               v = Mul(memory.Get(other), Load(w + (size_t{place} << pass.from) + column));
      memory.Put(at, Add(u, v));
      memory.Put(other, Sub(u, v));
    }
  }
  SyncThreads();
  for (u32 e = threadIdx.x; e < tile; e += kBlock)
    Store(to + base + (size_t{e >> pass.columnsLog} << pass.from) + (e & mask), memory.Get(e));
}

Status Encode(DeviceFp* out, const DeviceFp* coefs, size_t rows, int logCoefs, int logDomain) {
  return Guarded([&] {
    const DeviceFp* twiddles = TwiddlesFor(logDomain);
    // Levels within the padding only repeat a coefficient.
    Pass pass{};
    pass.from = static_cast<u32>(logDomain - logCoefs);
    pass.log = static_cast<u32>(logDomain);
    pass.logCoefs = logCoefs;
    do {
      pass.columnsLog = std::min(kColumnsLog, pass.from);
      pass.levels = std::min(kTileLog - pass.columnsLog, pass.log - pass.from);
      u32 tileLog = pass.levels + pass.columnsLog;
      LaunchBlocks(PassKernel, rows << (pass.log - tileLog), kBlock, sizeof(DeviceFp) << tileLog, out, coefs,
                   twiddles, pass);
      pass.from += pass.levels;
      pass.logCoefs = -1;
    } while (pass.from < pass.log);
  });
}

}  // namespace attensor::device
